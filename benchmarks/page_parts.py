# benchmarks/page_parts.py - what the pages of all benchmarks are put together from: style, figures, tables, sections.
import html
import json
import math

STYLE = """
:root { color-scheme: light dark; --page: #fbfbf9; --ink: #1d2126; --soft: #5c6570; --rule: #dcdfe3; --band: #f1f3f4;
  --star: #2368c4; --tree: #b95b00; --mesh: #0f7a55; --ring: #8545b8; }
@media (prefers-color-scheme: dark) { :root { --page: #16191d; --ink: #e8eaed; --soft: #a2abb5; --rule: #353b42;
  --band: #1f2429; --star: #75acff; --tree: #f4a860; --mesh: #57c99b; --ring: #c9a0f2; } }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 1180px; padding: 28px 20px 60px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 6px; }
h2 { font-size: 18px; margin: 40px 0 4px; }
h3 { font-size: 14px; margin: 12px 0 4px; }
p { color: var(--soft); margin: 0 0 12px; max-width: 76ch; }
.charts { display: grid; gap: 8px 36px; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 4px 8px; text-align: right; }
th { border-bottom: 1px solid var(--soft); font-weight: 600; line-height: 1.25; vertical-align: bottom; white-space: normal; }
th small { color: var(--soft); display: block; font-size: 11px; font-weight: 400; }
th:first-child, td:first-child { background: var(--page); left: 0; padding-left: 4px; position: sticky; text-align: left; }
th.left, td.left { text-align: left; white-space: nowrap; }
tbody tr:nth-child(odd), tbody tr:nth-child(odd) td:first-child { background: var(--band); }
tbody tr.gap td { border-top: 1px solid var(--soft); }
svg { display: block; height: auto; max-width: 500px; width: 100%; }
svg text { fill: var(--ink); font: 12.5px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
svg .soft { fill: var(--soft); }
svg .rule { stroke: var(--rule); }
svg .mark { stroke: var(--soft); stroke-dasharray: 3 3; }
svg .line { fill: none; stroke-width: 2; }
svg .hollow { fill: var(--page); stroke-width: 2; }
""" + "".join(f".f-{s} {{ fill: var(--{s}); }} .s-{s} {{ stroke: var(--{s}); }}\n" for s in ("star", "tree", "mesh", "ring"))


def number(value, decimals):
    return "–" if value is None or not math.isfinite(value) else f"{value:,.{decimals}f}"


# The first `left` columns are words, the others numbers.
def table(head, rows, left=1):
    kind = lambda column: " class=left" if column < left else ""
    units = any(unit for _, unit in head)
    under = lambda unit: f"<small>{html.escape(unit) or '&nbsp;'}</small>" if units else ""
    cell = lambda column, text: f"<td{kind(column)}>{html.escape(text)}</td>"
    text = "".join(f"<th{kind(i)}>{html.escape(name)}{under(unit)}</th>" for i, (name, unit) in enumerate(head))
    body = "".join(f"<tr{' class=gap' if gap else ''}>" + "".join(cell(i, c) for i, c in enumerate(cells)) + "</tr>\n"
                   for gap, cells in rows)
    return f'<div class="wide"><table><thead><tr>{text}</tr></thead><tbody>\n{body}</tbody></table></div>\n'


def charts(parts):
    inner = "".join(f"<div><h3>{html.escape(title)}</h3>{svg}</div>\n" for title, svg in parts)
    return f'<div class="charts">{inner}</div>\n'


def section(title, text, content):
    return f"<h2>{html.escape(title)}</h2>\n<p>{html.escape(text)}</p>\n{content}"


def read_figures(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def document(title, body):
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
            f"<style>{STYLE}</style></head><body>\n{body}</body></html>\n")


# FIGURES.json PAGE.html: draws one as the other.
def main(arguments, page):
    if len(arguments) != 3:
        raise SystemExit(f"usage: {arguments[0]} FIGURES.json PAGE.html")
    text = page(read_figures(arguments[1]))
    with open(arguments[2], "w", encoding="utf-8") as out:
        out.write(text)
