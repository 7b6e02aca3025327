# tests/ingest/env_sensor_parse.py - the env-sensor recording, parsed by nothing of this project.
#
# Reads the JSON array from the standard input and writes a line for each value: series, time in milliseconds
# (half to even on the decimal text), type, and the double as its 16 hex digits or the truth value.
import decimal
import json
import struct
import sys

MILLISECONDS = decimal.Decimal(1000)


def to_ms(text):
    return int((decimal.Decimal(text) * MILLISECONDS).to_integral_value(decimal.ROUND_HALF_EVEN))


def line(series, time, value):
    if isinstance(value, bool):
        return f"{series} {time} bool {int(value)}"
    return f"{series} {time} double {struct.pack('>d', float(value)).hex()}"


decimal.getcontext().prec = 40
for message in json.load(sys.stdin, parse_float=str, parse_int=str):
    time = to_ms(message["ts"])
    for key, value in message["data"].items():
        print(line(f"{message['device']}/{key}", time, value))
