"""Kafka's messages as tables of fields, to write requests and to read replies of every version.

A message is a list of fields; F(name, type, since, until, tag). Types: i8 i16 i32 i64 bool uuid string bytes, a list
of fields for an array of structs, [type] for an array of plain values, and a tuple of fields for a struct that may be null. `nullable` says from which version on.
"""

import struct
import uuid
from dataclasses import dataclass
from typing import Any

INTS = {"i8": ">b", "i16": ">h", "i32": ">i", "i64": ">q", "bool": ">?"}
LAST = 99


@dataclass
class F:
    name: str
    type: Any
    since: int = 0
    until: int = LAST
    tag: int | None = None
    nullable: int = LAST + 1
    default: Any = None

    def exists(self, version):
        return self.since <= version <= self.until


@dataclass
class Api:
    key: int
    name: str
    least: int  # versions that the tables below know
    most: int
    flexible: int
    request: list
    response: list

    def response_header(self, version):
        return 1 if version >= self.flexible and self.key != 18 else 0


class Malformed(Exception):
    pass


# ---- writing


def uvarint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def length(count, wide, flexible):
    if flexible:
        return uvarint(0 if count is None else count + 1)
    return struct.pack(wide, -1 if count is None else count)


def put(kind, value, version, flexible):
    if isinstance(kind, list) and kind and isinstance(kind[0], F):
        head = length(None if value is None else len(value), ">i", flexible)
        return head + b"".join(put_struct(kind, item, version, flexible) for item in value or ())
    if isinstance(kind, list):
        head = length(None if value is None else len(value), ">i", flexible)
        return head + b"".join(put(kind[0], item, version, flexible) for item in value or ())
    if isinstance(kind, tuple):
        return b"\xff" if value is None else b"\1" + put_struct(list(kind), value, version, flexible)
    if kind == "string":
        data = None if value is None else value if isinstance(value, bytes) else value.encode()
        return length(None if data is None else len(data), ">h", flexible) + (data or b"")
    if kind == "bytes":
        return length(None if value is None else len(value), ">i", flexible) + (value or b"")
    if kind == "uuid":
        return uuid.UUID(value).bytes if isinstance(value, str) else value
    return struct.pack(INTS[kind], value)


ZEROS = {"string": "", "bytes": b"", "uuid": bytes(16), "bool": False}


def put_struct(fields, values, version, flexible):
    out = b""
    for f in fields:
        if f.exists(version) and f.tag is None:
            zero = [] if isinstance(f.type, list) else None if isinstance(f.type, tuple) else ZEROS.get(f.type, 0)
            fallback = f.default if f.default is not None else None if f.nullable <= version else zero
            out += put(f.type, values.get(f.name, fallback), version, flexible)
    return out + b"\0" if flexible else out


def encode(api, version, values, correlation, client="differential"):
    flexible = version >= api.flexible
    header = struct.pack(">hhi", api.key, version, correlation) + put("string", client, 0, False)
    return header + (b"\0" if flexible else b"") + put_struct(api.request, values, version, flexible)


# ---- reading


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def count(self, wide, flexible):
        number = self.uvarint() - 1 if flexible else self.unpack(wide)
        return None if number == -1 else number


def get(kind, cursor, version, flexible):
    if isinstance(kind, list):
        count = cursor.count(">i", flexible)
        one = get_struct if kind and isinstance(kind[0], F) else lambda k, *rest: get(k[0], *rest)
        return None if count is None else [one(kind, cursor, version, flexible) for _ in range(count)]
    if isinstance(kind, tuple):
        return None if cursor.unpack(">b") < 0 else get_struct(list(kind), cursor, version, flexible)
    if kind == "string":
        count = cursor.count(">h", flexible)
        return None if count is None else cursor.take(count).decode()
    if kind == "bytes":
        count = cursor.count(">i", flexible)
        return None if count is None else cursor.take(count)
    if kind == "uuid":
        return str(uuid.UUID(bytes=cursor.take(16)))
    return cursor.unpack(INTS[kind])


def get_tags(fields, cursor, version):
    values = {}
    for _ in range(cursor.uvarint()):
        tag, size = cursor.uvarint(), cursor.uvarint()
        inner = Cursor(cursor.take(size))
        field = next((f for f in fields if f.tag == tag and f.exists(version)), None)
        if field is None:
            values[f"tag{tag}"] = inner.data.hex()
            continue
        single = isinstance(field.type, tuple)  # a struct, not an array of them
        values[field.name] = (get_struct(list(field.type), inner, version, True) if single
                              else get(field.type, inner, version, True))
        if inner.at != size:
            raise Malformed(f"tagged field {field.name} has {size} bytes, {inner.at} were read")
    return values


def get_struct(fields, cursor, version, flexible):
    values = {f.name: get(f.type, cursor, version, flexible)
              for f in fields if f.exists(version) and f.tag is None}
    if flexible:
        values.update(get_tags(fields, cursor, version))
    return values


def decode(api, version, data):
    """A reply without its size: correlation id, fields. Everything must be read."""
    cursor = Cursor(data)
    correlation = cursor.unpack(">i")
    if api.response_header(version):
        get_tags([], cursor, version)
    values = get_struct(api.response, cursor, version, version >= api.flexible)
    if cursor.at != len(data):
        raise Malformed(f"{len(data) - cursor.at} bytes after the reply")
    return correlation, values


# ---- the messages

API_VERSIONS = Api(18, "ApiVersions", 0, 4, 3, [
    F("client_software_name", "string", since=3, default="differential"),
    F("client_software_version", "string", since=3, default="1"),
], [
    F("error_code", "i16"),
    F("api_keys", [F("api_key", "i16"), F("min_version", "i16"), F("max_version", "i16")]),
    F("throttle_time_ms", "i32", since=1),
    F("supported_features", [F("name", "string"), F("min_version", "i16"), F("max_version", "i16")], since=3, tag=0),
    F("finalized_features_epoch", "i64", since=3, tag=1),
    F("finalized_features", [F("name", "string"), F("max_version_level", "i16"), F("min_version_level", "i16")],
      since=3, tag=2),
    F("zk_migration_ready", "bool", since=3, tag=3),
])

METADATA = Api(3, "Metadata", 0, 13, 9, [
    F("topics", [F("topic_id", "uuid", since=10), F("name", "string", nullable=10)], nullable=1),
    F("allow_auto_topic_creation", "bool", since=4),
    F("include_cluster_authorized_operations", "bool", since=8, until=10),
    F("include_topic_authorized_operations", "bool", since=8),
], [
    F("throttle_time_ms", "i32", since=3),
    F("brokers", [F("node_id", "i32"), F("host", "string"), F("port", "i32"), F("rack", "string", since=1)]),
    F("cluster_id", "string", since=2),
    F("controller_id", "i32", since=1),
    F("topics", [
        F("error_code", "i16"), F("name", "string"), F("topic_id", "uuid", since=10), F("is_internal", "bool", since=1),
        F("partitions", [
            F("error_code", "i16"), F("partition_index", "i32"), F("leader_id", "i32"),
            F("leader_epoch", "i32", since=7), F("replica_nodes", ["i32"]), F("isr_nodes", ["i32"]),
            F("offline_replicas", ["i32"], since=5)]),
        F("topic_authorized_operations", "i32", since=8)]),
    F("cluster_authorized_operations", "i32", since=8, until=10),
    F("error_code", "i16", since=13),
])

INIT_PRODUCER_ID = Api(22, "InitProducerId", 0, 5, 2, [
    F("transactional_id", "string", nullable=0),
    F("transaction_timeout_ms", "i32", default=60000),
    F("producer_id", "i64", since=3, default=-1),
    F("producer_epoch", "i16", since=3, default=-1),
], [F("throttle_time_ms", "i32"), F("error_code", "i16"), F("producer_id", "i64"), F("producer_epoch", "i16")])

PRODUCE = Api(0, "Produce", 0, 13, 9, [
    F("transactional_id", "string", since=3, nullable=3),
    F("acks", "i16", default=-1),
    F("timeout_ms", "i32", default=5000),
    F("topics", [F("name", "string", until=12), F("topic_id", "uuid", since=13),
                 F("partitions", [F("index", "i32"), F("records", "bytes")])]),
], [
    F("topics", [
        F("name", "string", until=12), F("topic_id", "uuid", since=13),
        F("partitions", [
            F("index", "i32"), F("error_code", "i16"), F("base_offset", "i64"), F("log_append_time_ms", "i64", since=2),
            F("log_start_offset", "i64", since=5),
            F("record_errors", [F("batch_index", "i32"), F("message", "string")], since=8),
            F("error_message", "string", since=8),
            F("current_leader", (F("leader_id", "i32"), F("leader_epoch", "i32")), since=10, tag=0)])]),
    F("throttle_time_ms", "i32", since=1),
    F("node_endpoints", [F("node_id", "i32"), F("host", "string"), F("port", "i32"), F("rack", "string")],
      since=10, tag=0),
])
