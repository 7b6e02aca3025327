#!/usr/bin/env python3
# benchmarks/hot_paths.py - counts what each hot path costs, and compares it with what it cost before.
#
#   hot_paths.py PROGRAM TABLE           compares; status 1 and a line for each path that costs another number
#   hot_paths.py PROGRAM TABLE --renew   writes the table anew
#
# Instructions come from callgrind, bytes allocated by C++ from the program itself: a copy of a block is a few hundred
# instructions among millions, but its bytes show. Both repeat, whatever else the machine does. The table is of one
# compiler and its options; the caller sees to that.
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

FUNCTION = "deltamesh_hot_path"
# Wider: a regression of that size goes unseen. Narrower: another build of a library (SQLite, libc) fails the guard.
TOLERANCE = {"instructions": 0.03, "allocated_bytes": 0.01}
# libc chooses its copies and searches by what the processor can; here they are the same on every one.
LIBC = ("glibc.cpu.hwcaps=-AVX2,-AVX,-AVX512F,-AVX512VL,-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM,-ERMS,-FSRM,"
        "-AVX_Fast_Unaligned_Load,-SSE4_1,-SSE4_2,-SSSE3:"
        "glibc.cpu.x86_non_temporal_threshold=0xc0000:glibc.cpu.x86_rep_movsb_threshold=0x800")


def paths_of(program):
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()


def measure(program, path):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        command = ["valgrind", "--tool=callgrind", f"--toggle-collect={FUNCTION}", f"--callgrind-out-file={out}",
                   program, path]
        run = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, GLIBC_TUNABLES=LIBC))
        if run.returncode != 0:
            raise SystemExit(f"hot path {path} fails:\n{run.stdout}{run.stderr}")
        with open(out, encoding="utf-8") as profile:
            instructions = re.search(r"^(?:summary|totals): (\d+)", profile.read(), re.MULTILINE)
        allocated = re.search(r"^allocated_bytes (\d+)$", run.stdout, re.MULTILINE)
        return {"instructions": int(instructions[1]), "allocated_bytes": int(allocated[1])}


def read_table(name):
    table = {}
    with open(name, encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                path, metric, value = line.split()
                table[path, metric] = int(value)
    return table


def write_table(name, costs):
    with open(name, "w", encoding="utf-8") as out:
        out.write("# What each hot path costs with preset dev; renewed by scripts/hot-paths --renew.\n")
        for (path, metric), value in sorted(costs.items()):
            out.write(f"{path}\t{metric}\t{value}\n")


# What differs by more than its tolerance, in either direction: what became cheaper is to stay so.
def differences(before, now):
    found = [f"{path} {metric}: in one table only" for path, metric in sorted(before.keys() ^ now.keys())]
    for key in sorted(before.keys() & now.keys()):
        change = now[key] / max(before[key], 1) - 1
        if abs(change) > TOLERANCE[key[1]]:
            found.append(f"{key[0]} {key[1]}: {before[key]:,} before, {now[key]:,} now ({change:+.1%})")
    return found


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--renew"]):
        sys.exit("usage: hot_paths.py PROGRAM TABLE [--renew]")
    if shutil.which("valgrind") is None:
        print("SKIPPED: valgrind is not installed")
        sys.exit(1 if sys.argv[3:] else 0)
    program, table = sys.argv[1], sys.argv[2]
    paths = paths_of(program)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        measured = dict(zip(paths, pool.map(lambda path: measure(program, path), paths)))
    costs = {(path, metric): value for path, figures in measured.items() for metric, value in figures.items()}
    for (path, metric), value in sorted(costs.items()):
        print(f"{path:10} {metric:16} {value:14,}")
    if sys.argv[3:]:
        write_table(table, costs)
        return
    found = differences(read_table(table), costs)
    if found:
        print("hot paths cost another number than before; if that is meant: scripts/hot-paths --renew", *found, sep="\n  ")
        sys.exit(1)


main()
