#!/usr/bin/env python3
# scripts/lib/count_tests.py - counts the tests in a JUnit file of ctest: prints "passed failed skipped".
#
# One ctest is one program. A Catch2 program counts as its test cases, any other as one. A test case that lacks
# what it needs (recorded data, a right) prints a line "SKIPPED: reason" and ends; it is counted as skipped and
# not as passed. A program that could not be run has failed. What failed and what was skipped is named on standard
# error.
import re
import sys
import xml.etree.ElementTree as ElementTree

ALL_PASSED = re.compile(r"^All tests passed \(\d+ assertions? in (\d+) test cases?\)$", re.MULTILINE)
SOME_FAILED = re.compile(r"^test cases:\s*(\d+) \|(.*)$", re.MULTILINE)
FAILED = re.compile(r"(\d+) failed(?! as expected)")
SKIPPED = re.compile(r"^\s*(SKIPPED: .*)$", re.MULTILINE)


def count(case):
    """(passed, failed, skipped, [what to name]) of one ctest."""
    name, status = case.get("name"), case.get("status")
    output = case.findtext("system-out") or ""
    if status == "notrun":
        return 0, 1, 0, [f"FAILED: {name}: could not be run"]
    if status == "disabled":
        return 0, 0, 1, [f"skipped: {name}: disabled"]
    skips = SKIPPED.findall(output)
    notes = [f"skipped: {name}: {line}" for line in skips]
    total, failed = 1, 0
    if match := ALL_PASSED.search(output):
        total = int(match[1])
    elif match := SOME_FAILED.search(output):
        total = int(match[1])
        failed = sum(int(number) for number in FAILED.findall(match[2]))
    if status == "fail":
        failed = max(failed, 1)
        notes.append(f"FAILED: {name}")
    total = max(total, failed)
    skipped = min(len(skips), total - failed)
    return total - failed - skipped, failed, skipped, notes


def main():
    cases = ElementTree.parse(sys.argv[1]).getroot().findall("testcase")
    passed = failed = skipped = 0
    for case in cases:
        p, f, s, notes = count(case)
        passed, failed, skipped = passed + p, failed + f, skipped + s
        for note in notes:
            print(note, file=sys.stderr)
    print(passed, failed, skipped)


if __name__ == "__main__":
    main()
