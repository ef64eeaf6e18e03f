#!/usr/bin/env python3
"""Which folder may include what (DESIGN.md, section 2); see RULES. Usage: include_direction.py SOURCE_DIR"""

import re
import sys
from pathlib import Path

# The plain C library, and only that part of it which sees no world: no clock, file, socket, thread.
C_HEADERS = set(
    "assert.h ctype.h errno.h float.h inttypes.h iso646.h limits.h math.h stdalign.h stdarg.h "
    "stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h".split())
PROCESSOR_HEADERS = {"immintrin.h", "arm_acle.h", "sanitizer/asan_interface.h"}

# folder -> project folders that it may include; longest prefix wins
RULES = {
    "proto": {"proto"},
    "kafka": {"proto", "kafka"},
    "cql": {"proto", "cql"},
    "proxy/core": {"proto", "kafka", "cql", "proxy/core"},
    "proxy": {"proto", "kafka", "cql", "proxy/core", "proxy"},
}
# Headers of the outside that single files need.
EXCEPTIONS = {
    "kafka/compression": {"lz4.h", "lz4frame.h", "lz4hc.h", "snappy-c.h", "zlib.h", "zstd.h",
                          "zstd_errors.h"},
    "kafka/message_set": {"zlib.h"},
    "cql/compression": {"lz4.h"},
}
SEES_THE_WORLD = {"proxy"}

# Where a quoted name is looked for after the folder of the file that names it, as the compiler does.
INCLUDE_PATH = ("", "proxy/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path, folders):
    """The longest of `folders` that holds `path`."""
    inside = [f for f in folders if path.startswith(f + "/")]
    return max(inside, key=len) if inside else None


def resolve(root, source, header):
    """The path from the top of the tree, or None."""
    own = source.rsplit("/", 1)[0] + "/"
    for prefix in (own, *INCLUDE_PATH):
        path = (root / (prefix + header)).resolve()
        if path.is_file() and path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return None


def complaint(root, source, quote, header):
    folder = folder_of(source, RULES)
    if quote == '"':
        path = resolve(root, source, header)
        if path is None:
            return "is not in the tree (headers of the system go in <>)"
        target = folder_of(path, RULES)
        if target is None:
            return "is outside the layers"
        if target not in RULES[folder]:
            return f"belongs to {target}/, which {folder}/ may not include"
        return None
    if folder in SEES_THE_WORLD or header in C_HEADERS:
        return None
    if folder == "proto" and header in PROCESSOR_HEADERS:
        return None
    for prefix, allowed in EXCEPTIONS.items():
        if source.startswith(prefix) and header in allowed:
            return None
    return "is not among the headers of C that see no clock, file, socket or thread"


def main():
    root = Path(sys.argv[1]).resolve()
    files = sorted(f for layer in ("proto", "kafka", "cql", "proxy")
                   for f in (root / layer).rglob("*.[ch]"))
    bad = 0
    for file in files:
        source = file.relative_to(root).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            why = complaint(root, source, *match.groups()) if match else None
            if why:
                print(f"{source}:{number}: {match.group(2)} {why}")
                bad += 1
    print(f"{len(files)} files, {bad} includes in the wrong direction")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
