#!/usr/bin/env python3
"""The archives below proxy/ call nothing that could see the world: their undefined symbols, minus what the
archives define for each other, must be on the list below. Usage: symbols.py NM ARCHIVE..."""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

ALLOWED = """
    memcpy memmove memset memcmp memchr memrchr memmem bcmp
    strlen strnlen strcmp strncmp strcasecmp strncasecmp strchr strrchr strstr strcpy strncpy strcat strncat
    strspn strcspn strpbrk stpcpy
    malloc calloc realloc free
    snprintf vsnprintf
    abort __assert_fail
    strtol strtoll strtoul strtoull strtod __isoc23_strto* qsort bsearch
    __*_chk
    __stack_chk_guard _GLOBAL_OFFSET_TABLE_ __cpu_model __cpu_indicator_init __errno_location
    __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc
    __asan_* __ubsan_* __sanitizer_* __tsan_* __msan_* __lsan_* __sancov_* __start___sanc* __stop___sanc*
    __gcov_* __llvm_* __profc_* _ITM_* __gmon_start__
""".split()

# object -> further symbols: the compression libraries, for the files that wrap them; zlib's checksum
ALLOWED_IN = {
    "libkafka.a:compression*": "LZ4_* LZ4F_* ZSTD_* snappy_* deflate* inflate* crc32 crc32_z zlib*".split(),
    "libkafka.a:message_set*": ["crc32_z"],
    "libcql.a:compression*": ["LZ4_*"],
}


def symbols_of(nm, archive):
    """Yields (object, symbol, is_defined)."""
    output = subprocess.run([nm, "-A", "-P", archive], check=True, capture_output=True, text=True).stdout
    for line in output.splitlines():
        match = re.match(r".*\[([^\]]+)\]: (\S+) (\S)", line)
        if match:
            yield match.group(1), match.group(2), match.group(3) not in "Uwv"


def is_allowed(archive, obj, symbol):
    patterns = list(ALLOWED)
    for where, extra in ALLOWED_IN.items():
        if fnmatch.fnmatchcase(f"{archive}:{obj}", where):
            patterns += extra
    return any(fnmatch.fnmatchcase(symbol, p) for p in patterns)


def main():
    nm, archives = sys.argv[1], sys.argv[2:]
    rows = [(Path(a).name, *row) for a in archives for row in symbols_of(nm, a)]
    defined = {symbol for _, _, symbol, is_defined in rows if is_defined}
    if not defined:
        print("no symbols found: the check is broken")
        return 1
    bad = sorted({(archive, obj, symbol) for archive, obj, symbol, is_defined in rows
                  if not is_defined and symbol not in defined and not is_allowed(archive, obj, symbol)})
    for archive, obj, symbol in bad:
        print(f"{archive}({obj}): {symbol} is not among the symbols allowed below proxy/")
    print(f"{len(rows)} symbols in {len(archives)} archives, {len(bad)} forbidden")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
