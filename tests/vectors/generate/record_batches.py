#!/usr/bin/env python3
"""Writes record batches with librdkafka, as tests/vectors/record_batch/librdkafka-*.hex.

The form of the files is described in RecordBatches.java. A broker of one thread, just enough for
librdkafka to send one Produce request, hands over the bytes that come.

    pip install confluent-kafka
    python3 tests/vectors/generate/record_batches.py tests/vectors/record_batch
"""
import pathlib
import socket
import struct
import sys
import threading

import confluent_kafka

TIME = 1700000000000
PRODUCER_ID, EPOCH = 4711, 3
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
PRODUCE, METADATA, API_VERSIONS, INIT_PRODUCER_ID = 0, 3, 18, 22
# Ranges that switch on format 2, zstd and idempotence; versions are low, so that answers are short.
APIS = {PRODUCE: (0, 7), 1: (0, 10), 2: (0, 1), METADATA: (0, 1), 10: (0, 1), API_VERSIONS: (0, 0),
        INIT_PRODUCER_ID: (0, 1)}

MIXED = [
    (TIME, b"k0", b"v0", [("h1", b"v1"), ("h2", None)]),
    (TIME + 1, None, b"no key", []),
    (TIME - 5000, b"tombstone, and earlier than the first", None, []),
    (TIME + 100, b"", b"", [("", b"")]),
    (TIME + 86400000 * 365, "schl\u00fcssel".encode(), b"\xe2\x82\xac",
     [("\u00fc", b"x"), ("\u00fc", b"y")]),
]
MANY = [(TIME + i // 10, None if i % 3 == 0 else b"key-%d" % (i % 7),
         b"record %d " % i * (i % 70), []) for i in range(300)]


def string(text):
    return struct.pack(">h", len(text)) + text


class Broker:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.batches = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")
        while size := stream.read(4):
            request = stream.read(struct.unpack(">i", size)[0])
            api, version, correlation, client = struct.unpack(">hhih", request[:10])
            body = self.answer(api, version, request[10 + client:])
            answer = struct.pack(">i", correlation) + body
            connection.sendall(struct.pack(">i", len(answer)) + answer)

    def answer(self, api, version, body):
        if api == API_VERSIONS:
            rows = b"".join(struct.pack(">hhh", key, *range_) for key, range_ in APIS.items())
            return struct.pack(">hi", 35 if version > 0 else 0, len(APIS)) + rows
        if api == METADATA:
            partition = struct.pack(">ihiiiiii", 1, 0, 0, 0, 1, 0, 1, 0)
            broker = struct.pack(">i", 0) + string(b"127.0.0.1") + struct.pack(">ih", self.port, -1)
            topic = struct.pack(">h", 0) + string(b"t") + b"\0" + partition
            return struct.pack(">i", 1) + broker + struct.pack(">ii", 0, 1) + topic
        if api == INIT_PRODUCER_ID:
            return struct.pack(">ihqh", 0, 0, PRODUCER_ID, EPOCH)
        assert api == PRODUCE, (api, version)
        # transactional id, acks, timeout, one topic "t", one partition, the records
        at = 2 + 2 + 4 + 4 + 3 + 4 + 4
        (length,) = struct.unpack(">i", body[at:at + 4])
        self.batches.append(body[at + 4:at + 4 + length])
        return (struct.pack(">i", 1) + string(b"t") + struct.pack(">iihqqq", 1, 0, 0, 0, -1, 0) +
                struct.pack(">i", 0))


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def hexed(data):
    return "null" if data is None else data.hex()


def describe(codec, records, producer, epoch, sequence):
    yield (f"batch codec={codec} transactional=0 base_timestamp={records[0][0]} "
           f"max_timestamp={max(r[0] for r in records)} producer={producer} epoch={epoch} "
           f"sequence={sequence} count={len(records)}")
    for i, (time, key, value, headers) in enumerate(records):
        pairs = ",".join(f"{name.encode().hex()}:{hexed(data)}" for name, data in headers)
        yield f"{i} timestamp={time} key={hexed(key)} value={hexed(value)} headers={pairs}"


def capture(name, folder, codec, records, idempotent=False):
    broker = Broker()
    producer = confluent_kafka.Producer({
        "bootstrap.servers": f"127.0.0.1:{broker.port}", "compression.codec": codec,
        "linger.ms": 500, "enable.idempotence": idempotent})
    for time, key, value, headers in records:
        producer.produce("t", key=key, value=value, partition=0, timestamp=time, headers=headers)
    assert producer.flush(20) == 0
    (batch,) = broker.batches
    # A batch that would not become smaller is sent plain, so the codec is read from the batch.
    assert batch[22] & 7 == CODECS[codec], f"{name}: codec {batch[22] & 7}"
    ids = (PRODUCER_ID, EPOCH, 0) if idempotent else (-1, -1, -1)
    lines = list(describe(CODECS[codec], records, *ids))
    if len(lines) > 20:
        text = "".join(line + "\n" for line in lines)
        lines = [f"lines={len(lines)} crc32c={crc32c(text.encode()):08x}"]
    text = f"# written by librdkafka {confluent_kafka.libversion()[0]}\n"
    text += "".join(f"= {line}\n" for line in lines)
    digits = batch.hex()
    text += "".join(digits[i:i + 96] + "\n" for i in range(0, len(digits), 96))
    (folder / f"librdkafka-{name}.hex").write_text(text)


def main():
    folder = pathlib.Path(sys.argv[1])
    capture("none", folder, "none", MIXED)
    capture("idempotent", folder, "none", MIXED, idempotent=True)
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        capture(codec, folder, codec, MIXED + [(TIME, None, b"compressible " * 20, [])])
        capture(codec + "-many", folder, codec, MANY)


main()
