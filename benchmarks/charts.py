# benchmarks/charts.py - charts as SVG text; colours come from the page's style (page_parts.py).
import html
import math

WIDTH = 440  # Pages show it at the width there is: on a telephone, the text must not shrink out of sight.
LEFT = 182  # Where names end and bars begin.
ROW = 24


def text(x, y, what, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{html.escape(str(what))}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def circle(x, y, radius, kind):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{kind}"/>'


def svg(width, height, label, parts):
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(label)}">'
            + "".join(parts) + "</svg>")


def known(value):
    return value is not None and math.isfinite(value)


# 20,000 in full, a million and more in words that fit below an axis.
def short(size):
    return f"{size / 1e6:g} M" if size >= 1e6 else f"{size:,g}"


# Round numbers from 0 on, the last at or above `top`.
def ticks(top):
    raw = max(top, 1e-9) / 4
    power = 10 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= raw * 0.999)
    return [step * i for i in range(math.ceil(top / step - 1e-9) + 1)] if top > 0 else [0, step]


# One a case, with its value at the end; a dashed line where `mark` is.
def bars(cases, metric, mark=None, mark_name=""):
    left, right, top = LEFT, WIDTH - 48, 22 if mark else 4
    height = top + ROW * len(cases) + 6
    values = [case[metric] for case in cases]
    largest = max([value for value in values if known(value)] + [mark or 0.1])
    parts = [line(left, top, left, height - 6, "rule")]
    for i, (case, value) in enumerate(zip(cases, values)):
        y = top + ROW * i
        parts.append(text(left - 10, y + 16, case.name, "end"))
        shown = value if known(value) else 0
        length = (right - left) * shown / largest
        if shown > 0:
            parts.append(f'<rect x="{left}" y="{y + 5}" width="{max(length, 1):.1f}" height="{ROW - 10}" rx="2" '
                         f'class="f-{case.params["topology"]}"/>')
        parts.append(text(left + length + 7, y + 16, f"{value:.3f}" if known(value) else "–"))
    if mark:
        x = left + (right - left) * mark / largest
        parts += [line(x, top, x, height - 6, "mark"), text(x, top - 7, mark_name, "middle", "soft")]
    return svg(WIDTH, height, metric.replace("_", " "), parts)


# From p50 to the largest delay, with the numbers in columns beside.
def delays(cases):
    left, right, top = 130, 284, 26
    height = top + ROW * len(cases) + 22
    axis = ticks(max(case["delay_max"] for case in cases))
    at = lambda value: left + (right - left) * value / axis[-1]
    columns = [(346, "delay_p50", "p50"), (392, "delay_p99", "p99"), (438, "delay_max", "max")]
    parts = [text(x, 14, name, "end", "soft") for x, _, name in columns]
    parts.append(text(left, 14, "dot p50, bar p99, ring max", "start", "soft"))
    for tick in axis:
        parts.append(line(at(tick), top, at(tick), height - 20, "rule"))
        parts.append(text(at(tick), height - 5, f"{tick:g}", "middle", "soft"))
    parts.append(text(right + 14, height - 5, "s", "start", "soft"))
    for i, case in enumerate(cases):
        y, color = top + ROW * i + ROW / 2, case.params["topology"]
        p50, p99, largest = (at(case[metric]) for _, metric, _ in columns)
        parts += [text(left - 10, y + 4, f"{color}, {case.params['nodes']} nodes", "end"),
                  line(p50, y, largest, y, f"line s-{color}"),
                  line(p99, y - 6, p99, y + 6, f"line s-{color}"),
                  circle(largest, y, 4, f"hollow s-{color}"), circle(p50, y, 4.5, f"f-{color}")]
        parts += [text(x, y + 4, f"{case[metric]:.3f}", "end") for x, metric, _ in columns]
    return svg(WIDTH, height, "delays from a write to another node", parts)


# Moves labels down, and then all up, until none stands on another.
def apart(labels, gap, bottom):
    labels.sort()
    for i in range(1, len(labels)):
        labels[i][0] = max(labels[i][0], labels[i - 1][0] + gap)
    for i in range(len(labels) - 1, -1, -1):
        limit = bottom if i == len(labels) - 1 else labels[i + 1][0] - gap
        labels[i][0] = min(labels[i][0], limit)
    return labels


# A curve for each of `lines`: its name, its colour (a word of the page's style) and its points, each named at its end
# with its last value. The horizontal axis, marked at `sizes`, is logarithmic.
def curves(lines, x_name, label, sizes):
    width, height, left, right, top, bottom = WIDTH, 216, 46, 336, 10, 186
    axis = ticks(max(y for _, _, points in lines for _, y in points))
    span = math.log(sizes[-1] / sizes[0])
    x_of = lambda x: left + 12 + (right - left - 24) * math.log(x / sizes[0]) / span
    y_of = lambda y: bottom - (bottom - top) * y / axis[-1]
    parts, labels = [], []
    for tick in axis:
        parts += [line(left, y_of(tick), right, y_of(tick), "rule"),
                  text(left - 8, y_of(tick) + 4, f"{tick:,g}", "end", "soft")]
    parts += [text(x_of(size), bottom + 20, short(size), "middle", "soft") for size in sizes]
    parts.append(text(right + 10, bottom + 20, x_name, "start", "soft"))
    for name, color, points in lines:
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" class="line s-{color}"/>')
        parts += [circle(x_of(x), y_of(y), 3.5, f"f-{color}") for x, y in points]
        if points:
            labels.append([y_of(points[-1][1]) + 4, name, color, points[-1][1]])
    for y, name, color, value in apart(labels, 15, bottom + 4):
        parts += [text(right + 10, y, name, "start", f"f-{color}"), text(width - 6, y, f"{value:.3g}", "end")]
    return svg(width, height, label, parts)
