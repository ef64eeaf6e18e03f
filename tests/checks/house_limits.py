#!/usr/bin/env python3
"""No function over 70 lines, no file over 800. Usage: house_limits.py SOURCE_DIR

A function is a line "{" after one that starts a definition at column 0, up to the next line that begins
with "}": the house style puts both braces there."""

import sys
from pathlib import Path

FOLDERS = ("proto", "kafka", "cql", "proxy", "fuzz", "tests")
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800


def functions(lines):
    """Yields (first line, line count), counted from the first line of the declarator to the "}"."""
    start = None
    head = None
    for number, line in enumerate(lines, 1):
        if line == "{" and head is not None:
            start = head
        elif line.startswith("}"):
            if start is not None:
                yield start, number - start + 1
            start = head = None
        elif start is None:
            if not line or line.startswith(("#", "/", "}")) or line.endswith(";"):
                head = None
            elif not line[0].isspace() and line[0] != "*":
                head = head or number


def complaints(lines):
    if len(lines) > FILE_LINES_MAX:
        yield 1, f"file of {len(lines)} lines, at most {FILE_LINES_MAX}"
    for number, count in functions(lines):
        if count > FUNCTION_LINES_MAX:
            yield number, f"function of {count} lines, at most {FUNCTION_LINES_MAX}"


def self_test():
    """The counter must be able to fail: functions of 70 and 71 lines in the house style."""
    for body, expected in ((67, 70), (68, 71)):
        text = ["static int f(int a)", "{", *["    a++;"] * body, "}"]
        assert [count for _, count in functions(text)] == [expected], list(functions(text))
    struct = ["struct s {", *["    int a;"] * 80, "};", "static const int T[] = {", *["{1},"] * 80, "};"]
    assert list(functions(struct)) == []


def main():
    self_test()
    root = Path(sys.argv[1])
    files = sorted(f for folder in FOLDERS for f in (root / folder).rglob("*.[ch]"))
    bad = counted = 0
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        counted += sum(1 for _ in functions(lines))
        for number, what in complaints(lines):
            print(f"{file.relative_to(root).as_posix()}:{number}: {what}")
            bad += 1
    print(f"{len(files)} files, {counted} functions, {bad} beyond the limits")
    return 1 if bad or not counted else 0


if __name__ == "__main__":
    sys.exit(main())
