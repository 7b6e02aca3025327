#!/usr/bin/env python3
# benchmarks/growth_page.py - the figures of bench_growth as one page: a table and charts an axis, nothing fetched.
import html
import sys

from charts import curves, known
from page_parts import charts, document, main, number, section, table

METRICS = [  # Metric, head, unit, decimals.
    ("ingest_cpu_us_per_sample", "writing", "µs of CPU per sample", 3),
    ("sync_cpu_us_per_sample", "sync", "µs of CPU per sample", 3),
    ("query_us_per_point", "a series in a range", "µs per point", 2),
    ("latest_us_per_series", "latest values", "µs per series", 2),
    ("start_ms", "start", "ms", 0),
    ("idle_memory", "memory when idle", "MiB", 1),
    ("sync_memory_peak", "memory in sync", "MiB", 1),
    ("disk_bytes_per_sample", "disk", "B per sample", 2),
]
METHOD = ("A cost that is at most logarithmic draws a line that is at most straight, as sizes stand on logarithmic axes. "
          "The last row holds the largest size against the cheapest smaller one, with what a logarithmic cost "
          "may reach. Writing is CPU of the last samples before the size; sync is CPU of both nodes when an empty one gets all.")
AXES = {
    "samples": "One store that grows: 100 series, written by its own node.",
    "series": "Stores of as many samples each, of more and more series, ten to a device.",
    "streams": "Stores of as many samples each, of more and more peers that write in turn, ten series each.",
}


# Those of an axis that are no ratios, by what it moves.
def sizes_of(figures, axis):
    sizes = {}
    for figure in figures:
        params = figure["params"]
        if params["axis"] == axis and axis in params:
            sizes.setdefault(params[axis], {})[figure["metric"]] = figure["value"]
    return sorted(sizes.items())


def growth_of(figures, axis):
    return {figure["metric"]: figure for figure in figures if figure["params"]["axis"] == axis and "to" in figure["params"]}


def axis_table(axis, sizes, growth):
    rows = [(False, [f"{size:,g}"] + [number(costs.get(metric), decimals) for metric, _, _, decimals in METRICS])
            for size, costs in sizes]
    if growth:
        at_most = next(iter(growth.values()))["params"]["at_most"]
        ratios = [growth.get(metric + "_growth", {}).get("value") for metric, _, _, _ in METRICS]
        rows.append((True, [f"growth (≤ {at_most:g})"] + [number(ratio, 2) for ratio in ratios]))
    return table([(axis, "")] + [(head, unit) for _, head, unit, _ in METRICS], rows)


def axis_charts(axis, sizes):
    parts = []
    for metric, head, unit, _ in METRICS:
        points = [(size, costs[metric]) for size, costs in sizes if known(costs.get(metric))]
        if len(points) > 1:
            parts.append((f"{head[0].upper()}{head[1:]}, {unit}",
                          curves([("", "star", points)], axis, f"{head} by {axis}", [size for size, _ in sizes])))
    return charts(parts)


def page(figures):
    body = f"<h1>What growth costs</h1>\n<p>{html.escape(METHOD)}</p>\n"
    for axis, text in AXES.items():
        sizes = sizes_of(figures, axis)
        if sizes:
            body += section(f"More {axis}", text, axis_table(axis, sizes, growth_of(figures, axis)) + axis_charts(axis, sizes))
    return document("What growth costs", body)


main(sys.argv, page)
