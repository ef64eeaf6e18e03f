"""The columns of the matrix: a setting in its neutral spelling, and the records that are sent with it.

acks         0, 1 or all
codec        none, gzip, snappy, lz4, zstd
idempotence  True or False
linger_ms    ms
max_bytes    the largest request or batch that the client may send, in bytes
"""

from collections.abc import Callable
from typing import NamedTuple

from records import BASE_MS, Record, mixed, odd

PARTITIONS = 3
MANY_PARTITIONS = 64
MEGABYTE = 1_000_000
MAX_BYTES = 1_048_000  # just below the broker's max.message.bytes; some clients' default is just below a megabyte


def nulls():
    return [record for record in odd() if not record.headers]


def headers():
    some = Record(0, BASE_MS, b"k", b"v", (("a", b"1"), ("b", b"two"), ("c", b"3" * 300)))
    return [some, *(record for record in odd() if record.headers)]


def large():
    return [Record(i % PARTITIONS, BASE_MS + i, b"large-%d" % i, b"%012d" % i + bytes(range(32, 123)) * (MEGABYTE // 91))
            for i in range(4)]


def tiny():
    return [Record(i % PARTITIONS, BASE_MS + i, b"k", b"%d" % i) for i in range(20_000)]


class Cell(NamedTuple):
    name: str
    settings: dict
    records: Callable
    partitions: int = PARTITIONS


def plain(name, **settings):
    return Cell(name, settings, lambda: mixed(300))


CELLS = [
    plain("defaults"),
    plain("idempotent", idempotence=True),
    plain("not idempotent", idempotence=False),
    plain("acks 0", acks="0"),
    plain("acks 1", acks="1"),
    plain("acks all", acks="all"),
    *(plain(codec, codec=codec) for codec in ("none", "gzip", "snappy", "lz4", "zstd")),
    plain("linger 0", linger_ms=0),
    Cell("nulls", {}, nulls),
    Cell("headers", {}, headers),
    Cell("1 MB", {"max_bytes": MAX_BYTES}, large),
    Cell("20,000 tiny", {}, tiny),
    Cell("64 partitions", {}, lambda: mixed(640, MANY_PARTITIONS), MANY_PARTITIONS),
]

QUICK = {"defaults", "idempotent", "acks 0", "acks 1", "gzip", "zstd", "nulls", "headers", "1 MB", "20,000 tiny", "64 partitions"}

# What a record may hold that not every client can say. The records that a client cannot say are left out of its cells;
# those of the kinds below are changed instead.
KINDS = {
    "null key": lambda r: r.key is None,
    "empty key": lambda r: r.key == b"",
    "null value": lambda r: r.value is None,
    "empty value": lambda r: r.value == b"",
    "null key and value": lambda r: r.key is None and r.value is None,
    "null key and empty value": lambda r: r.key is None and r.value == b"",
    "null header": lambda r: any(value is None for _, value in r.headers),
    "empty header": lambda r: any(value == b"" for _, value in r.headers),
    "empty header name": lambda r: any(name == "" for name, _ in r.headers),
    "header bytes that are not UTF-8": lambda r: any(not text(value) for _, value in r.headers),
    "repeated header": lambda r: len({name for name, _ in r.headers}) < len(r.headers),
    "headers out of order": lambda r: [name for name, _ in r.headers] != sorted(name for name, _ in r.headers),
    "timestamp far from the batch's first": lambda r: abs(r.timestamp - BASE_MS) >= 2**31,
    "bytes that are not UTF-8": lambda r: any(not text(value) for value in (r.key, r.value, *(v for _, v in r.headers))),
}
# headers       removed, or the cell is unsupported
# any key       removed
# timestamp     what is stored is not compared
# partition     what is stored is not compared
CHANGED = {"headers", "any key", "timestamp", "partition"}


def text(value):
    try:
        return b"\0" not in (value or b"") and (value or b"").decode() is not None
    except UnicodeDecodeError:
        return False


def said_by(client, cell):
    """The records of the cell as the client can say them: none when it cannot say the cell's matter."""
    kept = [record for record in cell.records() if not any(KINDS[kind](record) for kind in client.without if kind in KINDS)]
    if "headers" in client.without:
        kept = [] if cell.name == "headers" else [record._replace(headers=()) for record in kept]
    if "any key" in client.without:
        kept = [record._replace(key=None) for record in kept]
    return kept
