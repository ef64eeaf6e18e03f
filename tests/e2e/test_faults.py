"""Sluice and Cassandra stop, die and come back under load. Producers lose time, never a record."""

import time

import pytest
from conftest import FULL
from load import Load, check
from producers import confluent
from records import check as check_records
from records import mixed, read

TIMES = 5 if FULL else 1
RATE = 20_000  # records a second
rounds = pytest.mark.parametrize("round", range(1, TIMES + 1))


@pytest.fixture
def loaded(new_sluice, topic, tmp_path, loads):
    """A Sluice of its own with a load that has been flowing for a moment."""
    sluice = new_sluice().start()
    load = Load(sluice, topic, tmp_path, RATE)
    loads.append(load.start())
    time.sleep(4)
    return sluice, load


def test_offsets_go_on_after_a_restart(new_sluice, cassandra, topic):
    sluice = new_sluice().start()
    sent, acks = mixed(3000), []
    for part, end in enumerate(["terminate", "kill", "terminate"]):
        for ack in confluent(sluice.address, topic, sent[part * 1000:][:1000]):
            acks.append(ack._replace(index=ack.index + part * 1000))
        getattr(sluice, end)()
        sluice.start()
    check_records(read(cassandra, sluice.keyspace, topic), sent, acks)
    for partition in range(3):
        offsets = [ack.offset for ack in sorted(acks) if ack.partition == partition]
        assert offsets == sorted(offsets)


@rounds
def test_a_cassandra_that_pauses_costs_no_record(loaded, cassandra, topic, round):
    sluice, load = loaded
    cassandra.pause()
    time.sleep(10 if FULL else 5)
    cassandra.resume()
    time.sleep(4)
    check(cassandra, sluice.keyspace, topic, load.finish())


@rounds
def test_a_cassandra_that_pauses_longer_than_requests_last_costs_no_record(loaded, cassandra, topic, round):
    if not FULL:
        pytest.skip("40 s; SLUICE_FULL=1 runs it")
    sluice, load = loaded
    cassandra.pause()
    time.sleep(40)
    cassandra.resume()
    time.sleep(4)
    check(cassandra, sluice.keyspace, topic, load.finish())


@rounds
def test_a_cassandra_that_is_stopped_and_started_costs_no_record(loaded, cassandra, topic, round):
    sluice, load = loaded
    cassandra.stop()
    if FULL:
        time.sleep(10)
    cassandra.start()
    time.sleep(4)
    check(cassandra, sluice.keyspace, topic, load.finish())


@rounds
def test_a_cassandra_that_is_killed_and_started_costs_no_record(loaded, cassandra, topic, round):
    sluice, load = loaded
    cassandra.kill()
    cassandra.start()
    time.sleep(4)
    check(cassandra, sluice.keyspace, topic, load.finish())


@rounds
def test_a_sluice_that_is_restarted_with_sigterm_costs_no_record_and_repeats_none(loaded, cassandra, topic, round):
    sluice, load = loaded
    assert sluice.terminate() == 0
    sluice.start()
    time.sleep(4)
    check(cassandra, sluice.keyspace, topic, load.finish())


@rounds
def test_a_sluice_that_is_killed_and_restarted_costs_no_record_and_repeats_none(loaded, cassandra, topic, round):
    sluice, load = loaded
    sluice.kill()
    sluice.start()
    time.sleep(4)
    check(cassandra, sluice.keyspace, topic, load.finish())


def test_sigterm_drains_and_ends_with_0(loaded, cassandra, topic):
    sluice, load = loaded
    start = time.monotonic()
    assert sluice.terminate() == 0
    assert time.monotonic() - start < 10
    load.abandon()
    # The client cannot tell what it was told: so ask the log that nothing was cut off, and the table for gaps.
    rows = cassandra.query(f'SELECT partition, offset FROM {sluice.keyspace}."{topic}"')
    for partition in range(3):
        offsets = sorted(offset for owner, offset in rows if owner == partition)
        assert offsets == list(range(len(offsets)))


def test_sigterm_without_any_client_ends_at_once(new_sluice):
    sluice = new_sluice().start()
    start = time.monotonic()
    assert sluice.terminate() == 0
    assert time.monotonic() - start < 3


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_million_records_at_full_speed(new_sluice, cassandra, topic, tmp_path, loads):
    sluice = new_sluice().start()
    load = Load(sluice, topic, tmp_path, rate=0, limit=1_000_000)
    loads.append(load.start())
    offsets = load.wait(600)
    assert len(offsets) == 1_000_000
    check(cassandra, sluice.keyspace, topic, offsets)
