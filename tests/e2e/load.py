"""A steady load from librdkafka in a process of its own, and the comparison of a large table with its answers.

As a program: load.py ADDRESS TOPIC RATE LIMIT OUT [name=value...] sends records of 100 B at RATE a second (0: as fast as
it goes), LIMIT of them or until its standard input ends, waits for every answer and writes the offsets to OUT as 64-bit
numbers: -1 for a failed record.
"""

import array
import json
import pathlib
import subprocess
import sys
import threading
import time

PARTITIONS = 3
BASE_MS = 1_700_000_000_000
FILL = b"." * 88
HERE = pathlib.Path(__file__).resolve().parent


def value(index):
    return b"%012d" % index + FILL


def key(index):
    return b"key-%d" % (index % 1000)


class Load:
    """Under way from start() to finish()."""

    def __init__(self, sluice, topic, directory, rate=20_000, limit=50_000_000, **settings):
        self.topic, self.rate = topic, rate
        self.out = directory / f"{topic}.offsets"
        self.command = [sys.executable, HERE / "load.py", sluice.address, topic, str(rate), str(limit), self.out,
                        *(f"{name.replace('_', '.')}={setting}" for name, setting in settings.items())]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def wait(self, within):
        """Until its limit is sent and answered."""
        self.process.wait(within)
        return self.finish()

    def finish(self, within=150):
        """Ends it and waits for the answers. Returns the offsets by index; every record must have one."""
        stdout, _ = self.process.communicate(timeout=within)
        assert self.process.returncode == 0, f"the producer ended with {self.process.returncode}"
        told = json.loads(stdout)
        print(f"{self.topic}: {told}")
        assert not told["errors"], f"the client gave up on records: {told}"
        return array.array("q", self.out.read_bytes())

    def abandon(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def check(cassandra, keyspace, topic, offsets):
    """Every acknowledged record is at its offset with its bytes, the table holds nothing twice and nothing else, and the
    order in each partition is that of sending."""
    partitions = [{} for _ in range(PARTITIONS)]  # index by offset
    for partition, offset, row_key, row_value, timestamp in cassandra.scan(
            f'SELECT partition, offset, key, value, toUnixTimestamp(timestamp) FROM {keyspace}."{topic}"'):
        index = int(row_value[:12])
        assert (row_key, row_value, timestamp) == (key(index), value(index), BASE_MS + index), \
            f"another record at {partition}:{offset}: {row_key} {row_value} {timestamp}"
        assert offset not in partitions[partition], f"{partition}:{offset} names two records"
        partitions[partition][offset] = index
    missing = [(i % PARTITIONS, offset, i) for i, offset in enumerate(offsets)
               if offset >= 0 and partitions[i % PARTITIONS].get(offset) != i]
    assert not missing, f"{len(missing)} of {len(offsets)} acknowledged records are missing, such as {missing[:5]}"
    for partition, by_offset in enumerate(partitions):
        newest, seen = -1, set()
        for offset in sorted(by_offset):
            index = by_offset[offset]
            assert index % PARTITIONS == partition and index < len(offsets), f"nobody sent {index} to {partition}:{offset}"
            assert index not in seen, f"record {index} is there twice, the second time at {partition}:{offset}"
            assert index > newest, f"{partition}:{offset} holds {index}, after {newest}"
            newest = index
            seen.add(index)
    print(f"{topic}: {sum(map(len, partitions))} rows")


def produce(address, topic, rate, limit, out, settings):
    import confluent_kafka
    offsets = array.array("q")
    errors = {}
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()

    def delivered(index):
        def callback(error, message):
            if error:
                errors[error.name()] = errors.get(error.name(), 0) + 1
            else:
                offsets[index] = message.offset()
        return callback

    producer = confluent_kafka.Producer({"bootstrap.servers": address, "enable.idempotence": True, **settings})
    start, index = time.monotonic(), 0
    while index < limit and not ended.is_set():
        due = min(limit, int((time.monotonic() - start) * rate)) if rate else index + 1000
        if index >= due:
            producer.poll(0.005)
            continue
        offsets.append(-1)
        try:
            producer.produce(topic, value=value(index), key=key(index), partition=index % PARTITIONS,
                             timestamp=BASE_MS + index, on_delivery=delivered(index))
            index += 1
        except BufferError:
            offsets.pop()
            producer.poll(0.05)
        if index % 100 == 0:
            producer.poll(0)
    sent_after = time.monotonic() - start
    left = producer.flush(120)
    if left:
        errors["no answer"] = left
    with open(out, "wb") as file:
        offsets.tofile(file)
    json.dump({"sent": index, "acknowledged": sum(offset >= 0 for offset in offsets), "errors": errors,
               "sent_after_s": round(sent_after, 1), "answered_after_s": round(time.monotonic() - start, 1),
               "records_per_s": round(index / sent_after)}, sys.stdout)


if __name__ == "__main__":
    produce(*sys.argv[1:3], *map(int, sys.argv[3:5]), sys.argv[5], dict(pair.split("=", 1) for pair in sys.argv[6:]))
