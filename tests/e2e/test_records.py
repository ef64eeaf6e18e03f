"""What a producer sends is what the table holds."""

import confluent_kafka
import pytest
from producers import confluent
from records import BASE_MS, Record, check, check_index, check_same, mixed, odd, read

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
MEGABYTE = 1_000_000  # with its key and headers under librdkafka's and Kafka's limit for a message


def test_records_of_a_default_producer_are_rows(sluice, cassandra, topic):
    sent = mixed(3000)
    acks = confluent(sluice.address, topic, sent)
    rows = read(cassandra, sluice.keyspace, topic)
    check(rows, sent, acks)
    check_index(cassandra, sluice.keyspace, topic, rows)


def test_records_of_an_idempotent_producer_are_rows(sluice, cassandra, topic):
    sent = mixed(3000)
    acks = confluent(sluice.address, topic, sent, enable_idempotence=True)
    check(read(cassandra, sluice.keyspace, topic), sent, acks)


@pytest.mark.parametrize("codec", CODECS)
def test_each_codec_is_understood(sluice, cassandra, topic, codec):
    sent = mixed(1000, size=300)
    acks = confluent(sluice.address, topic, sent, compression_type=codec, linger_ms=20)
    check(read(cassandra, sluice.keyspace, topic), sent, acks)


@pytest.mark.parametrize("codec", CODECS)
def test_null_and_empty_and_odd_records_keep_their_bytes(sluice, cassandra, topic, codec):
    sent = odd()
    acks = confluent(sluice.address, topic, sent, enable_idempotence=True, compression_type=codec)
    check(read(cassandra, sluice.keyspace, topic), sent, acks)


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_records_of_a_megabyte_are_rows(sluice, cassandra, topic, codec):
    sent = [Record(i % 3, BASE_MS + i, b"big", bytes([i]) * (MEGABYTE - 100 - i)) for i in range(12)]
    acks = confluent(sluice.address, topic, sent, enable_idempotence=True, compression_type=codec)
    check(read(cassandra, sluice.keyspace, topic, fetch_size=4), sent, acks)


def test_a_batch_that_unpacks_to_many_megabytes_is_stored_whole(sluice, cassandra, topic):
    sent = [Record(0, BASE_MS + i, None, b"%06d" % i + b"z" * 99_994) for i in range(300)]
    acks = confluent(sluice.address, topic, sent, enable_idempotence=True, compression_type="zstd", linger_ms=500,
                     batch_size=40_000_000, batch_num_messages=1000, message_max_bytes=40_000_000)
    check(read(cassandra, sluice.keyspace, topic, fetch_size=50), sent, acks)


@pytest.mark.parametrize("acks", ["1", "all"])
def test_acknowledged_means_stored_at_each_level_of_acks(sluice, cassandra, topic, acks):
    sent = mixed(500)
    told = confluent(sluice.address, topic, sent, acks=acks)
    check(read(cassandra, sluice.keyspace, topic), sent, told)


def test_records_sent_without_acknowledgement_arrive(sluice, cassandra, topic):
    sent = mixed(500)
    confluent(sluice.address, topic, sent, acks=0)
    rows = cassandra.eventually(lambda: read(cassandra, sluice.keyspace, topic), lambda rows: len(rows) >= len(sent))
    check_same([row for row in rows], sent)


def test_offsets_begin_at_zero_and_have_no_gaps_within_a_partition(sluice, cassandra, topic):
    sent = mixed(600)
    confluent(sluice.address, topic, sent, enable_idempotence=True)
    rows = read(cassandra, sluice.keyspace, topic)
    for partition in range(3):
        assert [row.offset for row in rows if row.partition == partition] == list(range(200))


def test_two_producers_at_once_share_a_partition(sluice, cassandra, topic):
    producers = [confluent_kafka.Producer({"bootstrap.servers": sluice.address, "enable.idempotence": True}) for _ in range(2)]
    offsets, errors = [], []
    for i in range(2000):
        producers[i % 2].produce(topic, value=b"%d" % i, partition=0, on_delivery=lambda error, message: (
            errors.append(error) if error else offsets.append((message.offset(), message.value()))))
    for producer in producers:
        assert producer.flush(60) == 0
    assert not errors
    rows = read(cassandra, sluice.keyspace, topic)
    assert sorted(offsets) == [(row.offset, row.record.value) for row in rows]


def test_a_segment_that_is_full_is_followed_by_another(new_sluice, cassandra, topic):
    sluice = new_sluice(settings=["log_tables.segment_max_rows=1000"]).start()
    sent = mixed(9000)
    acks = confluent(sluice.address, topic, sent, enable_idempotence=True, batch_num_messages=100)
    rows = read(cassandra, sluice.keyspace, topic)
    check(rows, sent, acks)
    check_index(cassandra, sluice.keyspace, topic, rows)
    assert len({(row.partition, row.segment) for row in rows}) >= 9
