#!/usr/bin/env python3
"""Writes message sets of old clients, as tests/vectors/message_set/*.hex: what was given to the client, and the bytes
that it sent. A broker of a few lines, just enough for one Produce request, takes them.

    = set magic=M codec=C count=N
    = 0 timestamp=T key=HEX value=HEX          null for null; -1 where the format has no timestamp
    hex ...

    tests/vectors/generate/message_sets.py CLIENT tests/vectors/message_set

CLIENT is kafka-python (with kafka-python 2.0.2, lz4, python-snappy in the interpreter's environment), librdkafka (with
confluent-kafka), or java:VERSION:FOLDER-OF-JARS (MessageSets.java, kafka-clients of that version).
"""

import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time

TIME = 1_700_000_000_000
RECORDS = [(TIME, b"k0", b"v0"), (TIME + 1, None, b"no key"), (TIME - 5000, b"tombstone, and earlier", None),
           (TIME + 100, b"empty", b""), (TIME + 200, b"long", b"0123456789abcdef" * 20)]
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3}
PRODUCE, METADATA, API_VERSIONS = 0, 3, 18


def string(text):
    return struct.pack(">h", len(text)) + text


class Broker:
    """Speaks Produce 0 to `produce`, Metadata 0 and 1; older than 0.10 it closes on ApiVersions."""

    def __init__(self, produce):
        self.produce = produce
        self.sets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while size := stream.read(4):
                request = stream.read(struct.unpack(">i", size)[0])
                api, version, correlation, client = struct.unpack(">hhih", request[:10])
                body = self.answer(api, version, request[10 + max(0, client):])
                if body is None:
                    return
                answer = struct.pack(">i", correlation) + body
                connection.sendall(struct.pack(">i", len(answer)) + answer)

    def answer(self, api, version, body):
        if api == API_VERSIONS:
            if self.produce < 2:
                return None
            rows = [(PRODUCE, 0, self.produce), (1, 0, self.produce), (2, 0, 0), (METADATA, 0, 1), (8, 0, 2), (9, 0, 1),
                    (10, 0, 0), (API_VERSIONS, 0, 0)]
            return struct.pack(">hi", 35 if version else 0, len(rows)) + b"".join(struct.pack(">hhh", *r) for r in rows)
        if api == METADATA:
            one = struct.pack(">ihiiiiii", 1, 0, 0, 0, 1, 0, 1, 0)
            rack = struct.pack(">h", -1) if version else b""
            broker = struct.pack(">i", 0) + string(b"127.0.0.1") + struct.pack(">i", self.port) + rack
            topic = struct.pack(">h", 0) + string(b"t") + (b"\0" if version else b"") + one
            controller = struct.pack(">i", 0) if version else b""
            # librdkafka 2.16 runs out of its own buffer with so short an answer of version 0
            padding = struct.pack(">h", 3) + string(b"padding" * 30) + (b"\0" if version else b"") + struct.pack(">i", 0)
            return struct.pack(">i", 1) + broker + controller + struct.pack(">i", 2) + topic + padding
        assert api == PRODUCE and version <= self.produce, (api, version)
        at = 2 + 4 + 4 + 3 + 4 + 4  # acks, timeout, one topic "t", one partition
        (length,) = struct.unpack(">i", body[at:at + 4])
        self.sets.append(body[at + 4:at + 4 + length])
        answer = struct.pack(">i", 1) + string(b"t") + struct.pack(">iihq", 1, 0, 0, 0)
        return answer + (struct.pack(">q", -1) if version >= 2 else b"") + (struct.pack(">i", 0) if version else b"")


def of_kafka_python(broker, magic, codec):
    import kafka
    producer = kafka.KafkaProducer(bootstrap_servers=f"127.0.0.1:{broker.port}", linger_ms=500, acks=1,
                                   api_version=(0, 10, 0) if magic else (0, 9),
                                   compression_type=None if codec == "none" else codec)
    for timestamp, key, value in RECORDS:
        producer.send("t", value, key, partition=0, timestamp_ms=timestamp if magic else None)
    producer.flush(20)
    producer.close(1)


def of_librdkafka(broker, magic, codec):
    import confluent_kafka
    producer = confluent_kafka.Producer({
        "bootstrap.servers": f"127.0.0.1:{broker.port}", "linger.ms": 500, "acks": 1, "api.version.request": False,
        "broker.version.fallback": "0.10.0" if magic else "0.9.0", "compression.type": codec})
    for timestamp, key, value in RECORDS:
        options = {"timestamp": timestamp} if magic else {}
        producer.produce("t", value=value, key=key, partition=0, **options)
    assert producer.flush(20) == 0


def of_java(broker, magic, codec, jars):
    program = pathlib.Path(__file__).with_name("MessageSets.java")
    subprocess.run(["java", "-cp", f"{jars}/*", program, f"127.0.0.1:{broker.port}", str(magic), codec], check=True)


def text_of(data):
    return "null" if data is None else data.hex()


def write(path, source, data, magic, codec):
    assert data[16] == magic and data[17] & 7 == CODECS[codec], (path, data[:20].hex())
    lines = [f"# sent by {source}", f"= set magic={magic} codec={CODECS[codec]} count={len(RECORDS)}"]
    for index, (timestamp, key, value) in enumerate(RECORDS):
        lines.append(f"= {index} timestamp={timestamp if magic else -1} key={text_of(key)} value={text_of(value)}")
    text = data.hex()
    lines += [text[at:at + 100] for at in range(0, len(text), 100)]
    path.write_text("\n".join(lines) + "\n")
    print(path.name, len(data), "bytes")


def main():
    client, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    magics, codecs = (0, 1), list(CODECS)
    if client == "kafka-python":
        import kafka
        name, source, send = "kafka-python", f"kafka-python {kafka.__version__}", of_kafka_python
    elif client == "librdkafka":
        import confluent_kafka
        name, source, send = "librdkafka", f"librdkafka {confluent_kafka.libversion()[0]}", of_librdkafka
    else:
        _, version, jars = client.split(":")
        name, source = f"java-{version}", f"kafka-clients {version}"
        magics = (1,) if int(version.split(".")[1]) >= 10 else (0,)
        send = lambda broker, magic, codec: of_java(broker, magic, codec, jars)
    for magic in magics:
        for codec in codecs:
            broker = Broker(2 if magic else 1)
            send(broker, magic, codec)
            assert len(broker.sets) == 1, f"{len(broker.sets)} sets instead of one"
            write(folder / f"{name}-magic{magic}-{codec}.hex", source, broker.sets[0], magic, codec)
            time.sleep(0.1)


if __name__ == "__main__":
    main()
