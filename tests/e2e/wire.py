"""Kafka's bytes by hand, to send what no client would."""

import gzip
import socket
import struct
import time

PRODUCE, METADATA, API_VERSIONS = 0, 3, 18

OK, CORRUPT, UNKNOWN_TOPIC, NOT_LEADER, TIMED_OUT, TOO_LARGE, INVALID_TOPIC = 0, 2, 3, 6, 7, 10, 17
NOT_ENOUGH_REPLICAS, INVALID_REQUIRED_ACKS, UNSUPPORTED_VERSION, UNSUPPORTED_CODEC, INVALID_RECORD = 19, 21, 35, 76, 87
LEADER_NOT_AVAILABLE = 5


def _table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


_CRC = list(_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(number):
    number = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text.encode())) + text.encode()


def record(value=b"value", key=None, delta=0, length=None, key_length=None, header_count=0):
    blob = lambda data, n=None: varint(-1) if data is None and n is None else varint(len(data or b"") if n is None else n) + (data or b"")
    body = b"\0" + varint(0) + varint(delta) + blob(key, key_length) + blob(value) + varint(header_count)
    return varint(len(body) if length is None else length) + body


def batch(records=None, count=1, last_delta=None, attributes=0, magic=2, base_offset=0, length=None, crc=None,
          producer_id=-1, epoch=-1, sequence=-1, timestamp=1_700_000_000_000):
    """A record batch v2; what is not given is right."""
    records = record() if records is None else records
    if attributes & 7 == 1:
        records = gzip.compress(records)
    tail = struct.pack(">hiqqqhii", attributes, count - 1 if last_delta is None else last_delta, timestamp, timestamp,
                       producer_id, epoch, sequence, count) + records
    crc = crc32c(tail) if crc is None else crc
    return struct.pack(">qiibI", base_offset, len(tail) + 9 if length is None else length, -1, magic, crc) + tail


def header(api, version, correlation=1, client="e2e"):
    return struct.pack(">hhi", api, version, correlation) + string(client)


def frame(body, length=None):
    return struct.pack(">i", len(body) if length is None else length) + body


def produce_body(topic, records, partition=0, acks=-1, timeout_ms=5000):
    """Versions 3 to 8. records: bytes or None."""
    data = struct.pack(">i", -1) if records is None else struct.pack(">i", len(records)) + records
    return string(None) + struct.pack(">hii", acks, timeout_ms, 1) + string(topic) + struct.pack(">ii", 1, partition) + data


class Connection:
    def __init__(self, address, timeout=10):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError(f"closed after {len(data)} of {count} bytes")
            data += part
        return data

    def response(self):
        """Correlation id and body."""
        (length,) = struct.unpack(">i", self.receive(4))
        data = self.receive(length)
        return struct.unpack(">i", data[:4])[0], data[4:]

    def closed(self):
        """Is it closed by the other side, without another byte?"""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def ask(self, api, version, body):
        self.correlation += 1
        self.send(frame(header(api, version, self.correlation) + body))
        correlation, answer = self.response()
        assert correlation == self.correlation
        return answer

    def api_versions(self):
        """Error code and {key: (least, greatest)}."""
        answer = self.ask(API_VERSIONS, 0, b"")
        error, count = struct.unpack(">hi", answer[:6])
        return error, {key: (least, most) for key, least, most in struct.iter_unpack(">hhh", answer[6:6 + 6 * count])}

    def metadata(self, topic, create=True):
        """Version 4: the topic's error code and its number of partitions."""
        answer = self.ask(METADATA, 4, struct.pack(">i", 1) + string(topic) + struct.pack(">?", create))
        at = 4
        (brokers,) = struct.unpack_from(">i", answer, at)
        at += 4
        for _ in range(brokers):
            at += 4
            at += 2 + struct.unpack_from(">h", answer, at)[0] + 4
            at += 2 + max(0, struct.unpack_from(">h", answer, at)[0])
        at += 2 + max(0, struct.unpack_from(">h", answer, at)[0]) + 4
        topics, error = struct.unpack_from(">ih", answer, at)
        assert topics == 1
        at += 6
        at += 2 + struct.unpack_from(">h", answer, at)[0] + 1
        return error, struct.unpack_from(">i", answer, at)[0]

    def produce(self, topic, records, **options):
        """Version 8: error code and base offset."""
        return self.produced(self.ask(PRODUCE, 8, produce_body(topic, records, **options)))

    @staticmethod
    def produced(answer):
        at = 4 + 2 + struct.unpack_from(">h", answer, 4)[0] + 4 + 4
        return struct.unpack_from(">hq", answer, at)

    def topic(self, name, within=20):
        """Makes it, and returns when it has partitions."""
        until = time.monotonic() + within
        while (told := self.metadata(name))[0] != OK:
            assert told[0] in (UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE) and time.monotonic() < until, told
            time.sleep(0.1)
        return told[1]
