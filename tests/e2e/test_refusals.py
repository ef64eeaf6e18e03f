"""A batch that the database refuses for good, in the middle of everybody's: it hurts only its own producer."""

import threading

from wire import OK, Connection, batch, record

PRODUCERS, BATCHES, RECORDS = 5, 120, 5
STORAGE_ERROR = 56
NO_TEXT = b"\xff\xfe"


def table_with_text(cassandra, keyspace, topic):
    """Somebody has made the table again, with values that must be text: so the database refuses what Sluice cannot see."""
    cassandra.query(f'DROP TABLE {keyspace}."{topic}"')
    cassandra.query(f'CREATE TABLE {keyspace}."{topic}" (partition int, segment bigint, offset bigint, timestamp timestamp, '
                    "key blob, value text, headers frozen<list<frozen<tuple<text, blob>>>>, producer_id bigint, "
                    "producer_epoch smallint, base_sequence int, record_count int, stable bigint, producers blob, "
                    "PRIMARY KEY ((partition, segment), offset))")


def value(producer, sequence):
    return b"%d/%d" % (producer, sequence)


def send(address, topic, producer, told):
    """Each batch when the one before is answered; producer 0 sends a bad one between every four."""
    with Connection(address, timeout=60) as connection:
        for index in range(BATCHES):
            if producer == 0 and index % 4 == 2:
                bad = b"".join(record(NO_TEXT if i == 2 else b"fine", delta=i) for i in range(RECORDS))
                assert connection.produce(topic, batch(bad, RECORDS), timeout_ms=30_000)[0] == STORAGE_ERROR
            first = index * RECORDS
            records = b"".join(record(value(producer, first + i), delta=i) for i in range(RECORDS))
            error, offset = connection.produce(
                topic, batch(records, RECORDS, producer_id=1000 + producer, epoch=0, sequence=first), timeout_ms=30_000)
            told[producer].append((error, first, offset))


def test_a_refused_batch_hurts_only_its_own_producer(new_sluice, cassandra, topic):
    sluice = new_sluice(partitions=1).start()
    with Connection(sluice.address) as connection:
        connection.topic(topic)
    table_with_text(cassandra, sluice.keyspace, topic)
    told = [[] for _ in range(PRODUCERS)]
    threads = [threading.Thread(target=send, args=(sluice.address, topic, producer, told)) for producer in range(PRODUCERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(answers) == BATCHES and {error for error, *_ in answers} == {OK} for answers in told)
    rows = {offset: text.encode() for offset, text in cassandra.query(f'SELECT offset, value FROM {sluice.keyspace}."{topic}"')}
    assert sorted(rows) == list(range(PRODUCERS * BATCHES * RECORDS))
    for producer, answers in enumerate(told):
        for _, first, offset in answers:
            assert all(rows[offset + i] == value(producer, first + i) for i in range(RECORDS))
    assert "refused records" in sluice.log()
