"""Bytes that no client sends: the right code or a clean close, and the next client is served."""

import os
import struct

import pytest
import wire
from wire import Connection, batch, frame, header, produce_body, record, string

# What a client may send that is framed well and refused with a code.
BATCHES = {
    "wrong CRC": (batch(crc=0x12345678), {wire.CORRUPT}),
    "magic 1": (batch(magic=1), {wire.INVALID_RECORD, wire.CORRUPT}),
    "magic 9": (batch(magic=9), {wire.INVALID_RECORD, wire.CORRUPT}),
    "length below a header": (batch(length=10), {wire.CORRUPT, wire.INVALID_RECORD}),
    "negative length": (batch(length=-1), {wire.CORRUPT, wire.INVALID_RECORD}),
    "length beyond the bytes": (batch(length=1_000_000), {wire.CORRUPT, wire.INVALID_RECORD}),
    "greatest length": (batch(length=2**31 - 1), {wire.CORRUPT, wire.INVALID_RECORD}),
    "cut in the header": (batch()[:40], {wire.CORRUPT, wire.INVALID_RECORD}),
    "cut in the records": (batch()[:-2], {wire.CORRUPT, wire.INVALID_RECORD}),
    "no bytes": (b"", {wire.CORRUPT, wire.INVALID_RECORD}),
    "null": (None, {wire.CORRUPT, wire.INVALID_RECORD}),
    "two batches": (batch() + batch(), {wire.INVALID_RECORD}),
    "base offset 5": (batch(base_offset=5), {wire.INVALID_RECORD}),
    "control batch": (batch(attributes=0x20), {wire.INVALID_RECORD}),
    "no records": (batch(b"", count=0), {wire.INVALID_RECORD}),
    "greatest count": (batch(count=2**31 - 1), {wire.INVALID_RECORD}),
    "negative count": (batch(count=-1), {wire.INVALID_RECORD}),
    "more records than counted": (batch(record() + record(delta=1), count=1), {wire.INVALID_RECORD}),
    "fewer records than counted": (batch(count=2), {wire.INVALID_RECORD}),
    "last offset delta unlike the count": (batch(last_delta=7), {wire.INVALID_RECORD}),
    "record length beyond the batch": (batch(record(length=1 << 20)), {wire.INVALID_RECORD}),
    "negative record length": (batch(record(length=-5)), {wire.INVALID_RECORD}),
    "key length beyond the record": (batch(record(key=b"k", key_length=1 << 30)), {wire.INVALID_RECORD}),
    "header count beyond the record": (batch(record(header_count=1 << 28)), {wire.INVALID_RECORD}),
    "negative header count": (batch(record(header_count=-1)), {wire.INVALID_RECORD}),
    "a varint that does not end": (batch(b"\xff" * 12), {wire.INVALID_RECORD}),
    "producer id without sequence": (batch(producer_id=5, epoch=0, sequence=-1), {wire.INVALID_RECORD}),
    "codec 5": (batch(attributes=5), {wire.UNSUPPORTED_CODEC}),
    "codec 7": (batch(attributes=7), {wire.UNSUPPORTED_CODEC}),
    "no snappy": (batch(attributes=2), {wire.INVALID_RECORD}),
    "no lz4": (batch(attributes=3), {wire.INVALID_RECORD}),
    "no zstd": (batch(attributes=4), {wire.INVALID_RECORD}),
    "gzip of a bomb": (batch(record(bytes(100_000_000)), attributes=1), {wire.TOO_LARGE, wire.INVALID_RECORD}),
    "larger than a message may be": (batch(record(os.urandom(2_000_000))), {wire.TOO_LARGE}),
}

# What is framed so badly that there is nothing to answer.
FRAMES = {
    "negative length": struct.pack(">i", -1),
    "least length": struct.pack(">i", -2**31),
    "greatest length": struct.pack(">i", 2**31 - 1),
    "length of 1 GiB": struct.pack(">i", 1 << 30) + bytes(1000),
    "length 0": struct.pack(">i", 0),
    "3 bytes": frame(b"abc"),
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": bytes.fromhex("1603010200010001fc0303") + bytes(500),
    "text": b"hello, is anybody there?\r\n" * 4,
    "zeros": bytes(64),
    "unknown API": frame(header(999, 0)),
    "negative API": frame(header(-1, 0)),
    "unknown version of Produce": frame(header(wire.PRODUCE, 99) + produce_body("t", batch())),
    "negative version": frame(header(wire.METADATA, -1) + struct.pack(">i", -1)),
    "client id beyond the frame": frame(struct.pack(">hhih", wire.METADATA, 4, 1, 32767)),
    "Produce cut short": frame((header(wire.PRODUCE, 8) + produce_body("t", batch()))[:40]),
    "greatest count of topics": frame(header(wire.METADATA, 4) + struct.pack(">i?", 2**31 - 1, True)),
    "greatest count of partitions": frame(header(wire.PRODUCE, 8) + string(None) + struct.pack(">hii", -1, 1000, 1)
                                          + string("t") + struct.pack(">i", 2**31 - 1)),
    "records beyond the frame": frame(header(wire.PRODUCE, 8) + string(None) + struct.pack(">hii", -1, 1000, 1)
                                      + string("t") + struct.pack(">iii", 1, 0, 1 << 24) + b"short"),
    "compact length that does not end": frame(header(wire.METADATA, 12) + b"\0" + b"\xff" * 20),
}


@pytest.fixture
def served(sluice, topic):
    """A topic that works before the test, and for another client after it."""
    with Connection(sluice.address) as first:
        first.topic(topic)
        error, _ = first.produce(topic, batch())
        assert error == wire.OK
    yield sluice
    with Connection(sluice.address) as next_client:
        assert next_client.api_versions()[0] == wire.OK
        error, offset = next_client.produce(topic, batch())
        assert (error, offset) == (wire.OK, 1), "the refused records left something behind"


@pytest.mark.parametrize("name", BATCHES)
def test_a_bad_batch_is_refused_with_its_code(served, topic, name):
    records, codes = BATCHES[name]
    with Connection(served.address) as connection:
        error, offset = connection.produce(topic, records)
        assert error in codes and offset == -1
        assert connection.produce("never-made", batch())[0] == wire.UNKNOWN_TOPIC, "the connection goes on"


@pytest.mark.parametrize("name", FRAMES)
def test_a_bad_frame_closes_the_connection(served, name):
    with Connection(served.address, timeout=15) as connection:
        connection.send(FRAMES[name])
        assert connection.closed()


def test_a_bad_batch_next_to_a_good_one_does_not_harm_it(served, topic, cassandra):
    parts = b"".join(struct.pack(">ii", partition, len(data)) + data
                     for partition, data in ((1, batch(crc=1)), (2, batch())))
    with Connection(served.address) as connection:
        answer = connection.ask(wire.PRODUCE, 3, string(None) + struct.pack(">hii", -1, 5000, 1) + string(topic)
                                + struct.pack(">i", 2) + parts)
    at = 4 + 2 + len(topic) + 4
    codes = {partition: error for partition, error, _, _ in (struct.unpack_from(">ihqq", answer, at + 22 * i) for i in range(2))}
    assert codes == {1: wire.CORRUPT, 2: wire.OK}


@pytest.mark.parametrize("partition", [3, -1, 2**31 - 1])
def test_a_partition_that_is_not_there_is_unknown(served, topic, partition):
    with Connection(served.address) as connection:
        assert connection.produce(topic, batch(), partition=partition)[0] == wire.UNKNOWN_TOPIC


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "ä", "x" * 250])
def test_a_bad_topic_name_is_refused(sluice, name):
    with Connection(sluice.address) as connection:
        assert connection.metadata(name)[0] == wire.INVALID_TOPIC
        assert connection.produce(name, batch())[0] in (wire.INVALID_TOPIC, wire.UNKNOWN_TOPIC)


def test_acks_2_is_refused(served, topic):
    with Connection(served.address) as connection:
        assert connection.produce(topic, batch(), acks=2)[0] == wire.INVALID_REQUIRED_ACKS


def test_an_unknown_version_of_api_versions_is_answered_and_the_connection_goes_on(sluice):
    with Connection(sluice.address) as connection:
        answer = connection.ask(wire.API_VERSIONS, 99, b"\0\1\1\0")
        assert struct.unpack(">h", answer[:2])[0] == wire.UNSUPPORTED_VERSION
        error, versions = connection.api_versions()
        assert error == wire.OK and versions[wire.PRODUCE][1] >= 13


def test_requests_before_a_bad_frame_are_answered_in_order(served, topic):
    good = [frame(header(wire.PRODUCE, 8, i) + produce_body(topic, batch(), partition=1)) for i in (1, 2)]
    with Connection(served.address) as connection:
        connection.send(b"".join(good) + struct.pack(">i", -1))
        for expected in (1, 2):
            correlation, answer = connection.response()
            assert (correlation, connection.produced(answer)) == (expected, (wire.OK, expected - 1))
        assert connection.closed()


def test_a_request_that_comes_byte_by_byte_is_served(sluice):
    with Connection(sluice.address) as connection:
        for byte in frame(header(wire.API_VERSIONS, 0, 7)):
            connection.send(bytes([byte]))
        assert connection.response()[0] == 7


def test_half_a_request_and_a_close_leave_nothing(served, topic):
    whole = frame(header(wire.PRODUCE, 8) + produce_body(topic, batch()))
    for cut in (1, 4, 10, len(whole) // 2, len(whole) - 1):
        with Connection(served.address) as connection:
            connection.send(whole[:cut])


def test_a_bad_frame_is_one_line_in_the_log(new_sluice):
    sluice = new_sluice().start()
    before = len(sluice.log().splitlines())
    with Connection(sluice.address) as connection:
        connection.send(FRAMES["HTTP"])
        assert connection.closed()
        peer = "%s:%d" % connection.socket.getsockname()
    lines = sluice.log().splitlines()[before:]
    assert len(lines) == 1 and peer in lines[0], lines
