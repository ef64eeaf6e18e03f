"""A producer of librdkafka under test, as a program: producer.py ADDRESS TOPIC NAME PARTITIONS RATE OUT [name=value...]

Sends RATE records a second in turn to all partitions until its standard input ends, then waits for the answers. Writes
what it was told: OUT.acks, big-endian (partition, sequence, offset or -1, CLOCK_MONOTONIC in ns) as it comes; OUT.failed, a
line "partition sequence error" each; OUT.end, JSON, when it is over. KillProducer.java has the same contract."""

import json
import struct
import sys
import threading
import time

import confluent_kafka
from record import content, is_oversized

ACK = struct.Struct(">iqqq")
NO_OFFSET = -1
FLUSH_SECONDS = 180
SETTINGS = {
    "enable.idempotence": True, "message.timeout.ms": 0, "linger.ms": 5, "message.max.bytes": 1_000_000,
    "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20, "retry.backoff.max.ms": 100,
    "topic.metadata.refresh.interval.ms": 5000, "topic.metadata.refresh.fast.interval.ms": 50,
    "queue.buffering.max.kbytes": 65536,
}


def main(address, topic, name, partitions, rate, out, *settings):
    partitions, rate = int(partitions), int(rate)
    acks, failed = open(f"{out}.acks", "wb"), open(f"{out}.failed", "w")
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()

    def delivered(partition, sequence):
        def callback(error, message):
            if error:
                print(partition, sequence, error.name(), file=failed, flush=True)
            else:
                offset = message.offset()  # None: the answer to a later batch said that this one is there
                acks.write(ACK.pack(partition, sequence, NO_OFFSET if offset is None else offset, time.monotonic_ns()))
        return callback

    producer = confluent_kafka.Producer({"bootstrap.servers": address, **SETTINGS,
                                         **dict(pair.split("=", 1) for pair in settings)})
    sent, fatal, left = [0] * partitions, None, 0
    try:
        send(producer, topic, name, rate, sent, delivered, ended, acks)
        left = producer.flush(FLUSH_SECONDS)
    except confluent_kafka.KafkaException as error:  # a fatal error: the client goes on no more
        fatal = str(error)
    acks.close()
    with open(f"{out}.end", "w") as end:
        json.dump({"sent": sent, "unanswered": left, "fatal": fatal}, end)


def send(producer, topic, name, rate, sent, delivered, ended, acks):
    index, owed, before, flushed = 0, 0.0, time.monotonic(), 0.0
    while not ended.is_set():
        now = time.monotonic()
        owed = min(owed + (now - before) * rate, rate / 2)  # what could not be sent is not caught up with
        before = now
        if now - flushed > 0.2:
            acks.flush()
            flushed = now
        if owed < 1:
            producer.poll(0.005)
            continue
        partition = index % len(sent)
        # A refusal makes the client begin a new epoch. What was under way without an answer then is sent again under
        # that epoch, and no broker can know it (librdkafka 2.16): so a refusal finds nothing under way.
        alone = is_oversized(name, sent[partition])
        if alone and producer.flush(1):
            continue
        record = content(name, partition, sent[partition])
        try:
            producer.produce(topic, value=record.value, key=record.key, partition=partition, timestamp=record.timestamp,
                             headers=list(record.headers), on_delivery=delivered(partition, sent[partition]))
        except BufferError:
            producer.poll(0.05)
            continue
        sent[partition] += 1
        index += 1
        owed -= 1
        while alone and producer.flush(1):
            pass
        if index % 50 == 0:
            producer.poll(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
