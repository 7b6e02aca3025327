# tests/scenarios/store_values.py - all values of a store's dataset "env", as crdt-dump shows them.
#
# Writes the lines that tests/ingest/env_sensor_parse.py writes: series, time in milliseconds, type, value.
# store_values.py CRDT-DUMP STORE [--raw]: with --raw dot by dot, without as a query answers.
import json
import struct
import subprocess
import sys

program, store, *raw = sys.argv[1:]


def ask(*arguments):
    answer = subprocess.run([program, *arguments, "--json", "--name", "env"], stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout)


def text(value):
    if isinstance(value, bool):
        return f"bool {int(value)}"
    return f"double {struct.pack('>d', float(value)).hex()}"


for series in sorted(line["name"] for line in ask("catalogue", store)["catalogue"]):
    answer = ask("samples", store, "--dataset", "env", "--series", series, "--limit", "1000000", *raw)
    for sample in answer["samples"]:
        print(series, sample["time"], text(sample["value"]))
