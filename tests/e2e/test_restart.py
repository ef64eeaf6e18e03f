"""How long a restart takes until records are acknowledged again: on one host no lease is waited out, and a partition
costs a look at its tail, however many rows its newest segment has."""

import statistics
import struct
import time

import pytest
from conftest import FULL
from wire import NOT_ENOUGH_REPLICAS, NOT_LEADER, OK, PRODUCE, TIMED_OUT, Connection, batch, record, string

PARTITIONS = 1000
ROWS = 2000 if FULL else 100  # of each partition
LARGE_ROWS = 99_000 if FULL else 5000  # of the last one, below the segment's 100,000
ROUNDS = 5 if FULL else 3
LEASE = 10
VALUE = b"v" * 100


def rows(count, sequence):
    """A batch of an idempotent producer, the same for every partition."""
    return batch(b"".join(record(VALUE, delta=i) for i in range(count)), count, producer_id=7, epoch=0, sequence=sequence)


def fill(connection, topic, partition, batches, first=0):
    for index, one in enumerate(batches):
        error, offset = connection.produce(topic, one, partition=partition, timeout_ms=30_000)
        assert error == OK and offset >= first, (partition, index, error, offset)


def one_each(topic, partitions, records):
    """Produce of the same batch to each of the partitions."""
    data = struct.pack(">i", len(records)) + records
    return (string(None) + struct.pack(">hii", -1, 30_000, 1) + string(topic) + struct.pack(">i", len(partitions))
            + b"".join(struct.pack(">i", partition) + data for partition in partitions))


def refused(answer, topic, count):
    """The partitions that want to be asked again."""
    at, again = 4 + 2 + len(topic) + 4, []
    for _ in range(count):
        partition, error = struct.unpack_from(">ih", answer, at)
        assert error in (OK, NOT_LEADER, TIMED_OUT, NOT_ENOUGH_REPLICAS), error
        if error != OK:
            again.append(partition)
        at += 4 + 2 + 8 + 8 + 8  # versions 5 to 7: index, error, base offset, append time, start offset
    return again


def first_ack(sluice, topic, partition):
    """Seconds from exec to an acknowledgement: connects and sends as soon as that works."""
    begun = time.monotonic()
    sluice.launch()
    while True:
        assert sluice.alive() and time.monotonic() - begun < 30, sluice.log()[-3000:]
        try:
            with Connection(sluice.address, timeout=30) as connection:
                error, _ = connection.produce(topic, batch(record(VALUE)), partition=partition, timeout_ms=30_000)
        except OSError:
            time.sleep(0.005)
            continue
        if error == OK:
            return time.monotonic() - begun
        assert error == NOT_LEADER, error


def all_acks(sluice, topic):
    """Seconds until every partition has acknowledged a record, all in one request; again what a busy machine refuses."""
    begun, partitions = time.monotonic(), range(PARTITIONS)
    with Connection(sluice.address, timeout=60) as connection:
        while partitions:
            assert time.monotonic() - begun < 120, f"{len(partitions)} partitions are not back"
            body = one_each(topic, partitions, batch(record(VALUE)))
            partitions = refused(connection.ask(PRODUCE, 7, body), topic, len(partitions))
    return time.monotonic() - begun


@pytest.fixture
def filled(new_sluice, topic):
    """1,000 partitions with ROWS each, and LARGE_ROWS in the last."""
    sluice = new_sluice(partitions=PARTITIONS).start()
    step = min(ROWS, 1000)
    batches = [rows(step, sequence) for sequence in range(0, ROWS, step)]
    with Connection(sluice.address, timeout=60) as connection:
        assert connection.topic(topic, within=60) == PARTITIONS
        for partition in range(PARTITIONS):
            fill(connection, topic, partition, batches)
        large = [rows(1000, ROWS + sequence) for sequence in range(0, LARGE_ROWS - ROWS, 1000)]
        fill(connection, topic, PARTITIONS - 1, large, first=ROWS)
    return sluice


@pytest.mark.timeout(900)
def test_after_kill_9_a_thousand_partitions_acknowledge_within_two_seconds(filled, topic, record_property):
    small, large, every = [], [], []
    for round in range(ROUNDS):
        filled.kill()
        small.append(first_ack(filled, topic, round))
        every.append(small[-1] + all_acks(filled, topic))
        filled.kill()
        large.append(first_ack(filled, topic, PARTITIONS - 1))
    for name, times in ("first", small), ("first, large segment", large), ("all partitions", every):
        print(f"{name}: median {statistics.median(times):.2f} s, worst {max(times):.2f} s of {len(times)}")
    assert statistics.median(small) <= 2
    assert statistics.median(large) <= statistics.median(small) + 0.3  # rows of a segment cost nothing


@pytest.mark.timeout(300)
def test_after_sigterm_the_next_process_does_not_wait_for_a_lease(new_sluice, topic):
    sluice = new_sluice().start()
    with Connection(sluice.address) as connection:
        connection.topic(topic)
        fill(connection, topic, 0, [rows(10, 0)])
    for _ in range(ROUNDS):
        assert sluice.terminate() == 0
        assert first_ack(sluice, topic, 0) < LEASE / 2
