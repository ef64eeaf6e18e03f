"""Stock clients, unmodified."""

import re

import pytest
from producers import confluent, java, kafka_python, kcat
from records import Record, check, check_same, mixed, odd, read

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def test_kcat_produces(sluice, cassandra, topic):
    lines = [b"key-%d:value %d" % (i, i) for i in range(100)]
    kcat("-P", "-b", sluice.address, "-t", topic, "-K:", "-H", "from=kcat", stdin=b"\n".join(lines) + b"\n")
    rows = read(cassandra, sluice.keyspace, topic)
    headers = (("from", b"kcat"),)
    stored = sorted((row.record.key, row.record.value, row.record.headers) for row in rows)
    assert stored == sorted((*line.split(b":"), headers) for line in lines)


@pytest.mark.parametrize("codec", CODECS)
def test_kcat_produces_with_each_codec(sluice, cassandra, topic, codec):
    lines = b"".join(b"line %d\n" % i for i in range(500))
    kcat("-P", "-b", sluice.address, "-t", topic, "-p", "1", "-z", codec, "-X", "enable.idempotence=true", stdin=lines)
    rows = read(cassandra, sluice.keyspace, topic)
    assert [row.record.value for row in rows] == lines.splitlines()


def test_kcat_lists_the_broker_and_its_topics(sluice, topic):
    kcat("-P", "-b", sluice.address, "-t", topic, stdin=b"x\n")
    listing = kcat("-L", "-b", sluice.address)
    assert f"at {sluice.address}" in listing
    assert re.search(rf'topic "{topic}" with 3 partitions', listing), listing


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("codec", CODECS)
def test_kafka_python_produces(sluice, cassandra, topic, tmp_path, version, codec):
    sent = mixed(300)
    settings = {} if codec == "none" else {"compression_type": codec}
    acks = kafka_python(version, sluice.address, topic, sent, tmp_path, **settings)
    check(read(cassandra, sluice.keyspace, topic), sent, acks)


@pytest.mark.parametrize("version", [2, 3])
def test_kafka_python_keeps_null_and_empty(sluice, cassandra, topic, tmp_path, version):
    # It has no null headers, and wants a key or a value; its timestamp 0 means now.
    sent = [record for record in odd() if record.timestamp and (record.key is not None or record.value is not None)
            and all(value is not None for _, value in record.headers)]
    acks = kafka_python(version, sluice.address, topic, sent, tmp_path)
    check(read(cassandra, sluice.keyspace, topic), sent, acks)


@pytest.mark.parametrize("version", [2, 3])
def test_kafka_python_produces_without_acknowledgement(sluice, cassandra, topic, tmp_path, version):
    sent = mixed(100)
    kafka_python(version, sluice.address, topic, sent, tmp_path, acks=0)
    rows = cassandra.eventually(lambda: read(cassandra, sluice.keyspace, topic), lambda rows: len(rows) >= len(sent))
    check_same(rows, sent)


@pytest.mark.parametrize("version", [3, 4])
def test_java_produces_with_its_defaults(sluice, cassandra, topic, tmp_path, version):
    sent = mixed(3000) + odd()
    acks = java(version, sluice.address, topic, sent, tmp_path)
    check(read(cassandra, sluice.keyspace, topic), sent, acks)


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("codec", CODECS[1:])
def test_java_produces_with_each_codec(sluice, cassandra, topic, tmp_path, version, codec):
    sent = mixed(500)
    acks = java(version, sluice.address, topic, sent, tmp_path, compression_type=codec)
    check(read(cassandra, sluice.keyspace, topic), sent, acks)


@pytest.mark.parametrize("acks", ["0", "1"])
def test_java_produces_at_lower_levels_of_acks(sluice, cassandra, topic, tmp_path, acks):
    sent = mixed(200)
    told = java(4, sluice.address, topic, sent, tmp_path, acks=acks, enable_idempotence="false")
    rows = cassandra.eventually(lambda: read(cassandra, sluice.keyspace, topic), lambda rows: len(rows) >= len(sent))
    check_same(rows, sent)
    if acks == "1":
        check(rows, sent, told)


def test_a_client_of_the_null_key_spreads_over_all_partitions(sluice, cassandra, topic):
    sent = [Record(-1, 1_700_000_000_000, None, b"%d" % i) for i in range(3000)]
    confluent(sluice.address, topic, sent, sticky_partitioning_linger_ms=0)
    rows = read(cassandra, sluice.keyspace, topic)
    assert len(rows) == 3000 and {row.partition for row in rows} == {0, 1, 2}
