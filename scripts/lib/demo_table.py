"""The closing table of scripts/demo: what each node holds, and what that took on disk and on the wire.

usage: demo_table.py FOLDER READINGS NODE...
FOLDER has NODE.health (of /healthz), NODE.page (of crdt-dump --json) and NODE.db. Exits with 1 if a node does not
hold exactly READINGS readings.
"""
import json
import os
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def row(folder, node):
    base = os.path.join(folder, node)
    telemetry = next(d for d in load(base + ".page")["datasets"] if d["dataset"] == "telemetry")
    health = load(base + ".health")
    counters = health.get("counters", {})
    log = os.path.getsize(base + ".db-wal") if os.path.exists(base + ".db-wal") else 0
    wire = counters.get("frame_bytes_sent", 0) + counters.get("frame_bytes_received", 0)
    return {
        "readings": telemetry["samples"],
        "store KiB": os.path.getsize(base + ".db") // 1024,
        "its log KiB": log // 1024,
        "wire KiB": wire // 1024,
        "wire B/reading": round(wire / telemetry["samples"], 2) if telemetry["samples"] else "-",
        "redundant": counters.get("redundant_events", "-"),
        "sessions": len(health.get("sessions", [])),
    }


def main():
    folder, readings, *nodes = sys.argv[1:]
    rows = {node: row(folder, node) for node in nodes}
    names = list(rows[nodes[0]])
    print(f"{'node':<8}" + "".join(f"{name:>16}" for name in names))
    for node, values in rows.items():
        print(f"{node:<8}" + "".join(f"{values[name]!s:>16}" for name in names))
    print("wire: frames of both directions since the node's last start")
    wrong = [node for node in nodes if rows[node]["readings"] != int(readings)]
    for node in wrong:
        print(f"{node} holds {rows[node]['readings']} readings, {readings} were sent")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
