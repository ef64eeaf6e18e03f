"""Records, what clients were told about them, and the comparison with the table."""

from collections import Counter
from typing import NamedTuple

BASE_MS = 1_700_000_000_000


class Record(NamedTuple):
    partition: int
    timestamp: int  # ms
    key: bytes | None
    value: bytes | None
    headers: tuple = ()  # of (str, bytes or None)


class Ack(NamedTuple):
    """The record at `index` of what was sent is stored at this offset, says the broker."""
    index: int
    partition: int
    offset: int


class Row(NamedTuple):
    partition: int
    segment: int
    offset: int
    record: Record


def mixed(count, partitions=3, size=100):
    """Ordinary records, all of them different, over all partitions."""
    return [Record(i % partitions, BASE_MS + i, b"key-%d" % (i % 17), b"%012d" % i + b"v" * (size - 12),
                   (("trace", b"t%d" % i),) if i % 3 == 0 else ()) for i in range(count)]


def odd():
    """One of each kind that is easily got wrong."""
    blobs = {"null": None, "empty": b"", "zeros": b"\0\0\0", "not utf-8": b"\xff\xfe\x80"}
    odd = [Record(0, BASE_MS, key, value) for key in blobs.values() for value in blobs.values()]
    headers = [(("a", b""),), (("a", None),), (("", b"x"),), (("é", b"\xff"), ("é", b"again")),
               tuple((f"header-{i}", b"%d" % i) for i in range(100))]
    odd += [Record(1, BASE_MS + 1, b"k", b"v", each) for each in headers]
    odd += [Record(2, timestamp, None, b"at %d" % timestamp) for timestamp in (1, BASE_MS, 1_600_000_000_123)]
    return odd


def read(cassandra, keyspace, topic, fetch_size=5000):
    """Every row of a log table, segments that no index names included, by partition and offset."""
    rows = cassandra.query(
        f'SELECT partition, segment, offset, toUnixTimestamp(timestamp), key, value, headers FROM {keyspace}."{topic}"',
        fetch_size=fetch_size)
    return sorted(Row(partition, segment, offset, Record(partition, timestamp, key, value, tuple(headers or ())))
                  for partition, segment, offset, timestamp, key, value, headers in rows)


def check(rows, sent, acks, complete=True):
    """Every acknowledged record once, at its acknowledged offset, with its exact content. complete: everything
    that was sent was acknowledged, and the table holds nothing more."""
    places = Counter((row.partition, row.offset) for row in rows)
    twice = [place for place, count in places.items() if count > 1]
    assert not twice, f"{len(twice)} offsets name two rows, such as {twice[:5]}"
    stored = {(row.partition, row.offset): row.record for row in rows}
    missing = [ack for ack in acks if (ack.partition, ack.offset) not in stored]
    assert not missing, f"{len(missing)} of {len(acks)} acknowledged records are missing, such as {missing[:5]}"
    wrong = [(ack, short(sent[ack.index]), short(stored[ack.partition, ack.offset])) for ack in acks
             if stored[ack.partition, ack.offset] != sent[ack.index]]
    assert not wrong, f"{len(wrong)} of {len(acks)} records differ, such as {wrong[:3]}"
    if complete:
        assert sorted(ack.index for ack in acks) == list(range(len(sent))), f"{len(acks)} acknowledgements for {len(sent)} records"
        acknowledged = {(ack.partition, ack.offset) for ack in acks}
        more = [(row.partition, row.offset, short(row.record)) for row in rows if (row.partition, row.offset) not in acknowledged]
        assert not more, f"{len(more)} rows that nobody was told of, such as {more[:3]}"


def check_same(rows, sent):
    """For producers that are told no offsets: the table holds what was sent, each once."""
    stored, wanted = Counter(row.record for row in rows), Counter(sent)
    assert stored == wanted, (f"missing: {[short(r) for r in (wanted - stored)][:3]}, "
                              f"more: {[short(r) for r in (stored - wanted)][:3]}")


def check_index(cassandra, keyspace, topic, rows):
    """The segment index covers every row."""
    [(topic_id,)] = cassandra.query(f"SELECT id FROM system_schema.tables WHERE keyspace_name = '{keyspace}' "
                                    f"AND table_name = '{topic}'")
    index = {(partition, segment): (first, limit) for owner, partition, segment, first, limit in cassandra.query(
        f"SELECT topic_id, partition, segment, first_offset, limit_offset FROM {keyspace}.sluice_segments")
        if owner == topic_id}
    for row in rows:
        first, limit = index.get((row.partition, row.segment), (0, 0))
        assert first <= row.offset < limit, f"{row[:3]} is not within its segment: {first} to {limit}"


def short(record):
    return record._replace(**{field: blob[:40] + b"..." for field in ("key", "value")
                              if (blob := getattr(record, field)) and len(blob) > 40}, headers=record.headers[:3])
