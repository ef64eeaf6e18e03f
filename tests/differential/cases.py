"""All cases. To add an API: its tables in schema.py, and a function here that returns cases; see CASES at the end."""

import gzip
import os
import struct

import cases_admin
import wire
from case import OWN, SHARED, Case, Step
from records import TIME, message, several, wrapped
from schema import API_VERSIONS, INIT_PRODUCER_ID, METADATA, PRODUCE
from wire import batch, record

UNKNOWN_ID = "11111111-2222-3333-4444-555555555555"


# ---- ApiVersions


def api_versions():
    yield from (Case(f"ApiVersions v{v}", [Step(API_VERSIONS, v)]) for v in range(5))
    ask = Step(METADATA, 1, {"topics": [{"name": SHARED}]})
    for version in (5, 99, 32767, -1):
        raw = struct.pack(">hhi", 18, version, 1) + b"\xff\xff"
        yield Case(f"ApiVersions v{version}, and another request after it",
                   [Step(API_VERSIONS, 0, raw=raw + b"\0\x02a\x02b\0"), ask])
    for name in ("", "-starts badly", "a b", "fine-1.2", "ends-"):
        values = {"client_software_name": name}
        yield Case(f"ApiVersions v3 of software {name!r}", [Step(API_VERSIONS, 3, values), ask])
    yield Case("ApiVersions v3 with bytes after it",
               [Step(API_VERSIONS, 3, raw=struct.pack(">hhi", 18, 3, 1) + b"\xff\xff\0\x02a\x02b\0trailer"), ask])


# ---- Metadata


def metadata():
    for version in range(14):
        def ask(topics, version=version, **more):
            return [Step(METADATA, version, {"topics": topics, "allow_auto_topic_creation": False, **more})]
        yield Case(f"Metadata v{version} of one topic", ask([{"name": SHARED}]))
        if version > 0:
            yield Case(f"Metadata v{version} of no topic", ask([]))
        if version >= 4:
            yield Case(f"Metadata v{version} of an unknown topic", ask([{"name": "nobody"}]))
            yield Case(f"Metadata v{version} of two, one unknown", ask([{"name": "nobody"}, {"name": SHARED}]))
        if version >= 8:
            yield Case(f"Metadata v{version} with authorized operations",
                       ask([{"name": SHARED}], include_topic_authorized_operations=True,
                           include_cluster_authorized_operations=True))
        if version >= 10:
            yield Case(f"Metadata v{version} of an unknown topic id", ask([{"topic_id": UNKNOWN_ID, "name": None}]))
            yield Case(f"Metadata v{version} by topic id",
                       [Step(METADATA, version,
                             lambda server: {"topics": [{"topic_id": server.topic_id(SHARED), "name": None}]})])
            yield Case(f"Metadata v{version} of a name with an id",
                       [Step(METADATA, version,
                             lambda server: {"topics": [{"topic_id": server.topic_id(SHARED), "name": SHARED}]})])
    for name in ("", ".", "..", "a" * 250, "spaces are not", "sl/ash", "\u00fc", "__consumer_offsets"):
        for create in (False, True):
            if name == "__consumer_offsets" and create:
                continue
            yield Case(f"Metadata v9 of the name {name[:20]!r}, creating: {create}",
                       [Step(METADATA, 9, {"topics": [{"name": name}], "allow_auto_topic_creation": create})])
    yield Case("Metadata v9 of a topic named twice",
               [Step(METADATA, 9, {"topics": [{"name": SHARED}, {"name": SHARED}]})])
    yield Case("Metadata v9 of an unknown topic named twice",
               [Step(METADATA, 9, {"topics": [{"name": "nobody"}, {"name": "nobody"}]})])
    yield Case("Metadata v12 of a null name without an id", [Step(METADATA, 12, {"topics": [{"name": None}]})])
    for version in (-1, 14, 99):
        yield Case(f"Metadata v{version}", [Step(METADATA, 0, raw=struct.pack(">hhihi", 3, version, 1, -1, -1))])


# ---- InitProducerId


def init_producer_id():
    for version in range(6):
        yield Case(f"InitProducerId v{version}", [Step(INIT_PRODUCER_ID, version)])
        if version >= 3:
            for pid, epoch in ((5, 3), (-1, 3), (5, -1), (-2, -2)):
                yield Case(f"InitProducerId v{version} with id {pid} and epoch {epoch}",
                           [Step(INIT_PRODUCER_ID, version, {"producer_id": pid, "producer_epoch": epoch})])
    yield Case("InitProducerId v4 with an empty transactional id",
               [Step(INIT_PRODUCER_ID, 4, {"transactional_id": ""})])
    yield Case("InitProducerId v4 with a transactional id",
               [Step(INIT_PRODUCER_ID, 4, {"transactional_id": "tx"})])
    yield Case("InitProducerId v4 with a negative transaction timeout",
               [Step(INIT_PRODUCER_ID, 4, {"transaction_timeout_ms": -1})])


# ---- Produce


def produce(version, records, topic=SHARED, partition=0, **more):
    def values(server):
        name = server.own_topic if topic == OWN else topic
        where = {"topic_id": server.topic_id(name)} if version >= 13 else {"name": name}
        return {"topics": [{**where, "partitions": [{"index": partition, "records": records}]}], **more}
    return Step(PRODUCE, version, values, own=topic == OWN)


BATCHES = {
    "a sound batch": batch(),
    "a sound batch of three": batch(record() + record(delta=1) + record(delta=2), count=3),
    "gzip": batch(attributes=1),
    "wrong CRC": batch(crc=0x12345678),
    "magic 0 in the magic byte": batch(magic=0),
    "magic 1 in the magic byte": batch(magic=1),
    "magic 3": batch(magic=3),
    "magic -1": batch(magic=-1),
    "length 10": batch(length=10),
    "length 14": batch(length=14),
    "negative length": batch(length=-1),
    "length beyond the bytes": batch(length=1_000_000),
    "greatest length": batch(length=2**31 - 1),
    "cut in the header": batch()[:40],
    "cut in the records": batch()[:-2],
    "no bytes": b"",
    "3 bytes": b"abc",
    "16 bytes": b"\0" * 16,
    "two batches": batch() + batch(),
    "1 byte after the batch": batch() + b"x",
    "20 bytes after the batch": batch() + b"x" * 20,
    "20 zeros after the batch": batch() + b"\0" * 20,
    "base offset 5": batch(base_offset=5),
    "control batch": batch(attributes=0x20),
    "transactional batch": batch(attributes=0x10, producer_id=9, epoch=0, sequence=0),
    "transactional batch without a producer": batch(attributes=0x10),
    "transactional control batch": batch(attributes=0x30, producer_id=9, epoch=0, sequence=0),
    "attribute bit 6": batch(attributes=0x40),
    "attribute bit 14": batch(attributes=0x4000),
    "log append time": batch(attributes=0x08),
    "no records": batch(b"", count=0),
    "greatest count": batch(count=2**31 - 1, last_delta=2**31 - 2),
    "negative count": batch(count=-1),
    "more records than counted": batch(record() + record(delta=1), count=1),
    "fewer records than counted": batch(count=2),
    "last offset delta unlike the count": batch(last_delta=7),
    "negative last offset delta": batch(last_delta=-1),
    "offset deltas all 0": batch(record() + record(delta=0), count=2),
    "offset deltas backwards": batch(record(delta=1) + record(delta=0), count=2),
    "offset deltas of a gzip batch all 0": batch(record() + record(delta=0), count=2, attributes=1),
    "record length beyond the batch": batch(record(length=1 << 20)),
    "negative record length": batch(record(length=-5)),
    "record length 1 too large": batch(record(length=len(record())) + b"x"),
    "key length beyond the record": batch(record(key=b"k", key_length=1 << 30)),
    "key length -2": batch(record(key=b"", key_length=-2)),
    "header count beyond the record": batch(record(header_count=1 << 28)),
    "negative header count": batch(record(header_count=-1)),
    "a varint that does not end": batch(b"\xff" * 12),
    "producer id without sequence": batch(producer_id=5, epoch=0, sequence=-1),
    "producer id without epoch": batch(producer_id=5, epoch=-1, sequence=0),
    "epoch and sequence without producer id": batch(producer_id=-1, epoch=0, sequence=0),
    "codec 5": batch(attributes=5),
    "codec 7": batch(attributes=7),
    "no snappy": batch(attributes=2),
    "no lz4": batch(attributes=3),
    "no zstd": batch(attributes=4),
    "timestamp -1": batch(timestamp=-1),
    "timestamp least": batch(timestamp=-2**63),
    "timestamp ten years ahead": batch(timestamp=TIME + 10 * 365 * 86_400_000),
    "larger than a message may be": batch(record(os.urandom(1_100_000))),
    "a bomb in gzip": batch(record(bytes(100_000_000)), attributes=1),
    "null key": batch(record(key=None)),
    "null value": batch(record(value=None)),
}

SETS = {
    "one message": message(),
    "one of magic 0": message(magic=0),
    "three messages": several(3),
    "three of magic 0": several(3, magic=0),
    "magic 0 and 1": message(magic=0) + message(magic=1),
    "null key and value": message(None),
    "empty key and value": message(b"", b""),
    "offsets from 1000": several(3, first=1000),
    "no bytes": b"",
    "5 bytes": b"\0" * 5,
    "13 bytes": b"\0" * 13,
    "cut in the first message": message()[:-1],
    "cut in the second message": message() + message()[:-1],
    "1 byte after it": message() + b"x",
    "wrong CRC": message(crc=1),
    "wrong CRC of the second": message() + message(crc=1),
    "size 13": message(size=13),
    "size -1": message(size=-1),
    "size beyond the bytes": message(size=1 << 20),
    "magic 3": message(magic=3),
    "codec 5": message(attributes=5),
    "codec zstd": message(gzip.compress(message()), attributes=4),
    "attribute bit 4": message(attributes=0x10),
    "log append time": message(attributes=0x08),
    "log append time of magic 0": message(magic=0, attributes=0x08),
    "key length -2": message(key=b"", key_length=-2),
    "key length beyond the message": message(key_length=1 << 20),
    "value length beyond the message": message(value_length=1 << 20),
    "value length one short": message(value_length=4),
    "bytes after the value": message(trailer=b"trailer"),
    "timestamp -1": message(timestamp=-1),
    "timestamp -5": message(timestamp=-5),
    "timestamp ten years ahead": message(timestamp=TIME + 10 * 365 * 86_400_000),
    "wrapped, relative offsets": wrapped(several(3), offset=2),
    "wrapped, offset 0": wrapped(several(3)),
    "wrapped, all offsets 0": wrapped(message() + message()),
    "wrapped, offset below the last": wrapped(several(3), offset=1),
    "wrapped, magic 0": wrapped(several(3, magic=0), magic=0, offset=2),
    "wrapped, absolute offsets": wrapped(several(3, first=500), offset=502),
    "wrapped, other magic inside": wrapped(several(2, magic=0), offset=1),
    "wrapped, magic 1 in magic 0": wrapped(several(2), magic=0, offset=1),
    "wrapped twice": wrapped(wrapped(several(2))),
    "wrapped, wrong CRC": wrapped(several(2), crc=1),
    "wrapped, wrong CRC inside": wrapped(message() + message(crc=1)),
    "wrapped, cut inside": wrapped(several(2)[:-1]),
    "wrapped, nothing inside": wrapped(b""),
    "wrapped, null": message(None, attributes=1),
    "wrapped, no gzip": wrapped(b"", content=b"this is no gzip"),
    "wrapped, no snappy": wrapped(b"", content=b"\xff\xff\xff\xff\xff", codec=2),
    "wrapped, no lz4": wrapped(b"", content=b"this is no lz4", codec=3),
    "wrapped, and one beside it": wrapped(several(2)) + message(),
    "wrapped after a plain one": message() + wrapped(several(2)),
    "wrapped, two of them": wrapped(several(2)) + wrapped(several(2)),
    "wrapped, log append time": wrapped(several(2), attributes=0x08, offset=1),
    "wrapped, log append time inside": wrapped(message(attributes=0x08)),
    "wrapped, a bomb": wrapped(message(bytes(100_000_000))),
    "larger than a message may be": message(os.urandom(1_100_000)),
    "many, together larger than a message may be": b"".join(message(os.urandom(9000), offset=i) for i in range(130)),
    "a batch": batch(),
    "two batches": batch() + batch(),
    "a message and a batch": message() + batch(),
}


def produce_cases():
    for version in range(14):
        sound = batch() if version >= 3 else message(magic=1 if version == 2 else 0)
        yield Case(f"Produce v{version}: offsets", [produce(version, sound, OWN), produce(version, sound, OWN)])
        if version < 13:
            yield Case(f"Produce v{version}: unknown topic", [produce(version, sound, "nobody")])
        yield Case(f"Produce v{version}: unknown partition", [produce(version, sound, partition=17)])
        yield Case(f"Produce v{version}: partition -1", [produce(version, sound, partition=-1)])
        yield Case(f"Produce v{version}: wrong CRC",
                   [produce(version, message(crc=1) if version < 3 else BATCHES["wrong CRC"])])
        yield Case(f"Produce v{version}: zstd", [produce(version, batch(attributes=4))])
        for acks in (2, -2, 1):
            yield Case(f"Produce v{version}: acks {acks}", [produce(version, sound, acks=acks)])
        quiet = produce(version, sound, acks=0)
        quiet.silent = True
        yield Case(f"Produce v{version}: acks 0", [quiet, Step(METADATA, 1, {"topics": [{"name": SHARED}]})])
        quiet = produce(version, sound, partition=17, acks=0)
        quiet.silent = True
        yield Case(f"Produce v{version}: acks 0 that fails", [quiet, Step(METADATA, 1, {"topics": [{"name": SHARED}]})])
        if version >= 3:
            yield Case(f"Produce v{version}: one message", [produce(version, message())])
        if version >= 3:
            yield Case(f"Produce v{version}: no topics", [Step(PRODUCE, version, {"topics": []})])
    for version in (8, 12):
        for name, records in BATCHES.items():
            yield Case(f"Produce v{version}, batch: {name}", [produce(version, records)])
        null = produce(version, None)
        null.silent = True
        yield Case(f"Produce v{version}, batch: null", [null])
        yield Case(f"Produce v{version}, batch: transactional batch with its id",
                   [produce(version, BATCHES["transactional batch"], transactional_id="tx")])
        yield Case(f"Produce v{version}, batch: a transactional id alone",
                   [produce(version, batch(), transactional_id="tx")])
    for version in (0, 1, 2):
        for name, records in SETS.items():
            yield Case(f"Produce v{version}, set: {name}", [produce(version, records)])
    for name in ("wrong CRC", "no bytes", "codec 5", "magic 1 in the magic byte", "two batches"):
        yield Case(f"Produce v9: {name}, unknown topic", [produce(9, BATCHES[name], "nobody")])
        yield Case(f"Produce v9: {name}, acks 5", [produce(9, BATCHES[name], acks=5)])
    yield Case("Produce v9: unknown topic, acks 5", [produce(9, batch(), "nobody", acks=5)])
    yield Case("Produce v13: unknown id",
               [Step(PRODUCE, 13, {"topics": [{"topic_id": UNKNOWN_ID,
                                               "partitions": [{"index": 0, "records": batch()}]}]})])
    yield Case("Produce v13: zero id", [Step(PRODUCE, 13, {"topics": [{"partitions": [{"index": 0, "records": batch()}]}]})])
    yield Case("Produce v9: internal topic", [produce(9, batch(), "__consumer_offsets")])
    yield Case("Produce v9: a bad name", [produce(9, batch(), "sl/ash")])
    yield from several_parts()
    yield from producers()
    for version in (-1, 14, 99):
        yield Case(f"Produce v{version}", [Step(PRODUCE, 0, raw=struct.pack(">hhih", 0, version, 1, -1) + bytes(20))])


def several_parts():
    def parts(*partitions, topic=SHARED):
        return {"name": topic, "partitions": [{"index": i, "records": r} for i, r in partitions]}
    good, bad = batch(), BATCHES["wrong CRC"]
    for name, topics in {
        "one partition good, one bad": [parts((0, good), (1, bad), (2, good))],
        "one topic unknown": [parts((0, good)), parts((0, good), topic="nobody")],
        "a partition twice": [parts((0, good), (0, good))],
        "a topic twice": [parts((0, good)), parts((1, good))],
        "a topic and partition twice": [parts((0, good)), parts((0, good))],
        "one transactional, one not": [parts((0, good), (1, BATCHES["transactional batch"]))],
        "no partitions": [parts()],
    }.items():
        yield Case(f"Produce v9: {name}", [Step(PRODUCE, 9, {"topics": topics})])


def producers():
    def of(sequence, epoch=0, count=1, producer=77_000):
        records = b"".join(record(delta=i) for i in range(count))
        return produce(9, batch(records, count=count, producer_id=producer, epoch=epoch, sequence=sequence), OWN)
    for name, steps in {
        "in sequence": [of(0), of(1, count=3), of(4)],
        "a duplicate": [of(0), of(1), of(1), of(0), of(2)],
        "a duplicate six back": [of(i) for i in range(6)] + [of(0)],
        "a gap": [of(0), of(2), of(1)],
        "an overlap": [of(0, count=3), of(2, count=3)],
        "a part of a batch": [of(0, count=3), of(0, count=2)],
        "a new epoch": [of(0), of(1), of(0, epoch=1), of(1, epoch=1), of(2, epoch=0)],
        "a new epoch not from 0": [of(0), of(1, epoch=1)],
        "the sequence wraps": [of(2**31 - 2, count=2), of(0)],
    }.items():
        yield Case(f"Produce v9, idempotent: {name}", steps)


CASES = [*api_versions(), *metadata(), *init_producer_id(), *produce_cases(), *cases_admin.CASES]
assert len({case.name for case in CASES}) == len(CASES), "two cases have one name"
