#!/usr/bin/env python3
# benchmarks/convergence_page.py - the figures of bench_convergence as one page: tables and charts, nothing fetched.
import html
import sys

from charts import bars, curves, delays, known
from page_parts import charts, document, main, number, section, table

COLUMNS = [  # Metric, head, unit, decimals.
    ("delay_p50", "delay p50", "s", 3),
    ("delay_p99", "p99", "s", 3),
    ("delay_max", "max", "s", 3),
    ("first_events_delay_p99", "first events p99", "s", 3),
    ("convergence_time", "all equal after", "s", 3),
    ("payload_per_minimum", "payload", "of minimum", 3),
    ("redundant_copies_per_delivery", "copies", "per delivery", 3),
    ("metadata_bytes_per_delta", "metadata", "B per delta", 1),
    ("metadata_per_payload", "metadata", "% of payload", 0),
    ("frames_per_delivery", "frames", "per delivery", 2),
    ("cpu_us_per_delivery", "CPU", "µs per delivery", 1),
    ("memory_peak_per_node", "memory", "KiB per node", 0),
    ("idle_bytes_per_link_and_keepalive", "idle", "B per link, 10 s", 0),
]
GROWTH = [
    ("delay_p99", "Delay, p99", "s"),
    ("metadata_bytes_per_delta", "Metadata a delta", "B"),
    ("cpu_us_per_delivery", "CPU a delivery", "µs"),
    ("memory_peak_per_node", "Peak memory a node", "KiB"),
]


class Case:
    def __init__(self, params):
        self.name, self.params = params["case"], params
        self.figures, self.peers, self.units = {}, {}, {}

    def __getitem__(self, metric):
        return self.figures.get(metric)

    def has(self, **params):
        return all(self.params[name] == value for name, value in params.items())


def cases_of(figures):
    cases = {}
    for figure in figures:
        case = cases.setdefault(figure["params"]["case"], Case(figure["params"]))
        case.figures[figure["metric"]] = figure["value"]
        case.units[figure["metric"]] = figure["unit"]
        if "peer" in figure:
            case.peers[figure["metric"]] = figure["peer_value"]
    return list(cases.values())


# A rule above each kind of load, where the one above was another.
def summary(cases):
    rows, last = [], None
    for case in cases:
        kind = (case.params["group"], case.params["load"], case.params["data"])
        cells = [case.name] + [number(case[metric], decimals) for metric, _, _, decimals in COLUMNS]
        rows.append((last not in (None, kind), cells))
        last = kind
    return table([("case", "")] + [(head, unit) for _, head, unit, _ in COLUMNS], rows)


def beside_simulator(case):
    rows = []
    for metric, simulated in case.peers.items():
        decimals = 0 if metric in ("writes", "deliveries") else 3
        rows.append((False, [metric.replace("_", " "), case.units[metric],
                             number(case[metric], decimals), number(simulated, decimals)]))
    return table([("figure", ""), ("unit", ""), ("real processes", ""), ("simulator", "")], rows, left=2)


# A rule where the rows of a write are others.
def beside_tarantool(cases):
    rows = []
    for case in cases:
        written = f"{case.params['rows_per_write']:g} a write"
        for i, (metric, theirs) in enumerate(case.peers.items()):
            name, ours = metric.removeprefix("mesh_").replace("_", " "), case[metric]
            cells = [name, written, case.units[metric], number(ours, 2), number(theirs, 2), number(theirs / ours, 1) + " ×"]
            rows.append((i == 0 and case is not cases[0], cells))
    head = ["figure", "rows", "unit", "sync-nodes", "Tarantools", "ratio"]
    return table([(name, "") for name in head], rows, left=3)


def cost_section(matrix):
    parts = []
    for data, title in (("telemetry", "telemetry"), ("map", "maps")):
        chosen = [case for case in matrix if case.has(data=data)]
        if chosen:
            parts.append((f"Payload of {title}, against the minimum", bars(chosen, "payload_per_minimum", 1, "minimum")))
            parts.append((f"Redundant copies a delivery, {title}", bars(chosen, "redundant_copies_per_delivery")))
    return section("What is sent", "Payload is what all nodes sent of blocks and map entries, against each write sent once "
                   "to each other node; a map may stay below that, as overwritten values need not travel. Redundant "
                   "copies are deliveries of what a node already had, for each that was new.", charts(parts))


def delay_section(matrix):
    parts = [(title, delays([case for case in matrix if case.has(data=data, load="steady")]))
             for data, title in (("telemetry", "Telemetry"), ("map", "Maps"))
             if any(case.has(data=data, load="steady") for case in matrix)]
    if not parts:
        return ""
    return section("How long it takes", "From a write until another node holds it durably, steady load, from the third event "
                   "of each stream on; links of 5 to 80 ms, commits every 20 ms.", charts(parts))


# A curve a topology.
def growth_curves(cases, metric):
    lines = []
    for topology in ("star", "tree", "mesh"):
        points = [(case.params["nodes"], case[metric]) for case in cases
                  if case.has(topology=topology) and known(case[metric])]
        lines.append((topology, topology, sorted(points)))
    sizes = sorted({case.params["nodes"] for case in cases})
    return curves(lines, "nodes", metric.replace("_", " ") + " by number of nodes", sizes)


def growth_section(cases):
    chosen = [case for case in cases if case.has(data="telemetry", load="steady") and not case.has(topology="ring")]
    if len({case.params["nodes"] for case in chosen}) < 2:
        return ""
    parts = [(f"{title}, {unit}", growth_curves(chosen, metric)) for metric, title, unit in GROWTH
             if any(case[metric] is not None for case in chosen)]
    return section("How it grows", "Steady telemetry; nodes on a logarithmic axis.", charts(parts))


METHOD = ("Real engines run in one thread under virtual time over links with their own delays, so delays, bytes and frames "
          "repeat exactly with the seed. Each stream's first two events, which find the way, are kept apart; all other figures "
          "are of what follows, counted by the nodes themselves, and a case counts only if all nodes end up equal. CPU and "
          "memory are those of the machine that ran it, simulator included, each case in a process of its own.")


def page(figures):
    cases = cases_of(figures)
    simulated = [case for case in cases if case.params["group"] not in ("real", "tarantool")]
    matrix = [case for case in simulated if case.has(group="matrix")]
    body = f"<h1>What convergence costs</h1>\n<p>{METHOD}</p>\n"
    body += section("All cases", "The number in a name is that of nodes.", summary(simulated))
    if matrix:
        body += cost_section(matrix) + delay_section(matrix)
    body += growth_section(simulated)
    for case in cases:
        if case.has(group="real"):
            body += section(f"Real processes, {case.params['nodes']} of them", "The same steady star of sync-nodes over "
                            "loopback; bytes and counts are to be compared, times are not.", beside_simulator(case))
    meshes = [case for case in cases if case.has(group="tarantool")]
    if meshes:
        body += section("Beside Tarantool", "The same rows at the same pace into a full mesh of five, of each kind in turn. "
                        "A crossing is a row that came to a node over a link, whether or not the node had it.",
                        beside_tarantool(meshes))
    return document("What convergence costs", body)


main(sys.argv, page)
