#!/usr/bin/env python3
"""Records what a real Cassandra says, and how the DataStax Python driver asks, as vectors of tests/vectors/cql.

    pip install cassandra-driver==3.29.2
    tests/vectors/generate/cql_record.py

It starts and wipes nodes of its own by tools/cassandra. Requests are encoded by the driver and were accepted by the
node; answers are the node's bytes. The line that begins with "= " says what is in a frame, as the driver reads it.
Frames that no node can be made to send are written here by hand from native_protocol_v4.spec, and say so.
"""
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import time

from cassandra import ConsistencyLevel as CL
from cassandra import protocol as p
from cassandra.query import BatchType

ROOT = pathlib.Path(__file__).resolve().parents[3]
OUT = ROOT / "tests/vectors/cql"
PORT = int(os.environ.get("SLUICE_CASSANDRA_PORT", "19342"))
DRIVER = "cassandra-driver 3.29.2"
NODE = "Cassandra 5.0.6"
YAML = """
authorizer: CassandraAuthorizer
user_defined_functions_enabled: true
tombstone_warn_threshold: 5
tombstone_failure_threshold: 10
native_transport_max_request_data_in_flight_per_ip: 64KiB
write_request_timeout: 500ms
read_request_timeout: 500ms
cas_contention_timeout: 500ms
truncate_request_timeout: 2s
"""

files = {}


def cassandra(*arguments, wait=True, **environment):
    environment = {"SLUICE_CASSANDRA_PORT": str(PORT), "SLUICE_CASSANDRA_AUTH": "password",
                   "SLUICE_CASSANDRA_YAML": YAML} | environment
    command = subprocess.Popen([ROOT / "tools/cassandra", *arguments], env=os.environ | environment)
    if not wait:
        return command
    if command.wait() != 0:
        sys.exit(f"tools/cassandra {' '.join(arguments)} failed")


def add(name, comment, frame, meaning=None):
    lines = [f"# {comment}"]
    if meaning is not None:
        lines.append(f"= {meaning}")
    text = frame.hex()
    lines += [text[i:i + 96] for i in range(0, len(text), 96)] or ["-"]
    if lines not in files.setdefault(name, []):
        files[name].append(lines)


# --- what a frame means, in the words of our printer ---

def quoted(value):
    if value is None:
        return "null"
    value = value.encode() if isinstance(value, str) else value
    shown = value[:64]
    if any((b < 32 and b not in b"\t\n\r") or b == 127 for b in shown):
        text = "0x" + shown.hex()
    else:
        escapes = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
        text = '"' + "".join(escapes.get(b, chr(b) if b < 128 else f"\\x{b:02x}") for b in shown) + '"'
    return text + (f"...({len(value)} bytes)" if len(value) > 64 else "")


CODES = {v: k for k, v in CL.value_to_name.items()}
WRITE_TYPES = ["SIMPLE", "BATCH", "UNLOGGED_BATCH", "COUNTER", "BATCH_LOG", "CAS", "VIEW", "CDC"]


def level(value):
    return value if isinstance(value, int) else CL.name_to_value[value]


def error_meaning(m):
    parts = [f"code={m.code}", f"message={quoted(m.message)}"]
    info = m.info or {}
    if m.code == 0x2500:
        return " ".join(parts + [f"prepared_id={quoted(m.info)}"])
    if m.code == 0x2400:
        return " ".join(parts + [f"keyspace={quoted(info['keyspace'])}", f"table={quoted(info['table'] or '')}"])
    if m.code == 0x1400:
        return " ".join(parts + [f"keyspace={quoted(info['keyspace'])}", f"function={quoted(info['function'])}"] +
                        [f"argument={quoted(a)}" for a in info["arg_types"]])
    if "consistency" in info:
        parts.append(f"consistency={level(info['consistency'])}")
    for ours, theirs in (("required", "required_replicas"), ("alive", "alive_replicas"),
                         ("received", "received_responses"), ("block_for", "required_responses"),
                         ("failure_count", "failures")):
        if theirs in info:
            parts.append(f"{ours}={info[theirs]}")
    if "data_retrieved" in info:
        parts.append(f"data_present={'true' if info['data_retrieved'] else 'false'}")
    if "write_type" in info:
        kind = info["write_type"]
        parts.append(f"write_type={quoted(kind if isinstance(kind, str) else WRITE_TYPES[kind])}")
    return " ".join(parts)


def schema_meaning(event):
    text = f"change={quoted(event['change_type'])} target={quoted(event['target_type'])} " \
           f"keyspace={quoted(event['keyspace'])}"
    target = event["target_type"]
    if target in ("TABLE", "TYPE"):
        text += f" name={quoted(event[target.lower()])}"
    elif target in ("FUNCTION", "AGGREGATE"):
        described = event[target.lower()]
        text += f" name={quoted(described.name)}"
        text += "".join(f" argument={quoted(a)}" for a in described.argument_types)
    return text


def type_name(cls):
    name = cls.typename.split("<")[0]
    custom = name == "duration" or "." in name # what v4 has no number for comes as a class of Cassandra's
    return "custom" if custom else {"text": "varchar"}.get(name, name)


def result_meaning(m):
    kinds = {1: "void", 2: "rows", 3: "set_keyspace", 4: "prepared", 5: "schema_change"}
    text = kinds[m.kind]
    if m.kind == 2:
        columns = ",".join(f"{c[2]}:{type_name(c[3])}" for c in m.column_metadata or [])
        cells = "".join("[" + "|".join("null" if c is None else c.hex() for c in row) + "]" for row in raw_rows)
        text += f" columns={columns} more={1 if m.paging_state else 0} rows={cells}"
    elif m.kind == 3:
        text += f" keyspace={m.new_keyspace}"
    elif m.kind == 4:
        text += f" id={m.query_id.hex()}"
        text += " markers=" + ",".join(f"{c.name}:{type_name(c.type)}" for c in m.bind_metadata)
        text += " pk=" + ",".join(str(i) for i in m.pk_indexes or [])
        text += " columns=" + ",".join(f"{c[2]}:{type_name(c[3])}" for c in m.column_metadata or [])
    elif m.kind == 5:
        text += " " + schema_meaning(m.schema_change_event)
    return text


raw_rows = []
plain_recv_row = p.ResultMessage.recv_row


def recv_row(f, count):
    row = plain_recv_row(f, count)
    raw_rows.append(row)
    return row


p.ResultMessage.recv_row = staticmethod(recv_row)


def meaning_of(m, body):
    if isinstance(m, p.ErrorMessage):
        return "ERROR", error_meaning(m)
    if isinstance(m, p.ResultMessage):
        return "RESULT", result_meaning(m)
    if isinstance(m, p.SupportedMessage):
        options = {"CQL_VERSION": m.cql_versions} | m.options
        count = struct.unpack(">H", body[:2])[0]
        order, at = [], 2 # the driver keeps no order
        for _ in range(count):
            n = struct.unpack(">H", body[at:at + 2])[0]
            order.append(body[at + 2:at + 2 + n].decode())
            at += 2 + n
            values = struct.unpack(">H", body[at:at + 2])[0]
            at += 2
            for _ in range(values):
                at += 2 + struct.unpack(">H", body[at:at + 2])[0]
        return "SUPPORTED", " ".join(
            f"key={quoted(k)}" + "".join(f" value={quoted(v)}" for v in options[k]) for k in order)
    if isinstance(m, p.AuthenticateMessage):
        return "AUTHENTICATE", f"class_name={quoted(m.authenticator)}"
    if isinstance(m, (p.AuthSuccessMessage, p.AuthChallengeMessage)):
        return type(m).name, 'token="<hidden>"'
    if isinstance(m, p.EventMessage):
        if m.event_type == "SCHEMA_CHANGE":
            return "EVENT", f'kind="SCHEMA_CHANGE" {schema_meaning(m.event_args)}'
        address, port = m.event_args["address"]
        return "EVENT", f"kind={quoted(m.event_type)} change={quoted(m.event_args['change_type'])} " \
                        f"address=0x{socket.inet_aton(address).hex()} port={port}"
    return type(m).name, ""


# --- a connection that keeps what it sees ---

class Node:
    def __init__(self, address="127.0.0.1"):
        self.socket = socket.create_connection((address, PORT), timeout=30)
        self.stream = 0
        self.log = [] # (">" or "<", comment, frame)

    def receive(self, timeout=30.0):
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        def exactly(n):
            data = b""
            while len(data) < n:
                more = self.socket.recv(n - len(data))
                if not more:
                    raise EOFError
                data += more
            return data
        header = exactly(9)
        return header + exactly(struct.unpack(">I", header[5:])[0])

    def raw(self, frame, comment, keep=True):
        self.socket.sendall(frame)
        answer = self.receive()
        if keep:
            self.keep(answer, comment)
        return answer

    def keep(self, frame, comment):
        raw_rows.clear()
        flags, opcode, body = frame[1], frame[4], frame[9:]
        if flags & 1:
            add("compressed", f"{NODE}: {comment}", frame)
            return None
        m = p._ProtocolHandler.decode_message(4, {}, 0, flags, opcode, body, None, [])
        name, meaning = meaning_of(m, body)
        if getattr(m, "warnings", None):
            comment += " (with a warning in front)"
        add(name.lower(), f"{NODE}: {comment}", frame, meaning)
        return m

    def ask(self, message, comment, meaning=None, keep=True, keep_request=False):
        self.stream += 1
        frame = p._ProtocolHandler.encode_message(message, self.stream, 4, compressor=None,
                                                 allow_beta_protocol_version=False)
        if keep_request:
            add(message.name.lower(), f"{DRIVER}: {comment}", frame, meaning)
        self.log.append((">", comment, frame))
        self.socket.sendall(frame)
        while True:
            answer = self.receive()
            self.log.append(("<", comment, answer))
            if answer[4] != 0x0C:
                break
            self.keep(answer, comment)
        if keep:
            return self.keep(answer, comment)
        flags, opcode, body = answer[1], answer[4], answer[9:]
        return None if flags & 1 else \
            p._ProtocolHandler.decode_message(4, {}, 0, flags, opcode, body, None, [])

    def query(self, text, comment=None, consistency=CL.ONE, keep=False, **more):
        return self.ask(p.QueryMessage(text, consistency, **more), comment or text, keep=keep or comment is not None)

    def open(self, user="cassandra", password="cassandra", options=None, keep=False):
        self.ask(p.OptionsMessage(), "OPTIONS", "", keep, keep_request=keep)
        options = {"DRIVER_NAME": "sluice", "DRIVER_VERSION": "0.1.0", "THROW_ON_OVERLOAD": "1"} \
            if options is None else options
        pairs = list(options.items()) + [("CQL_VERSION", "3.0.0")]
        self.ask(p.StartupMessage("3.0.0", options), "STARTUP",
                 " ".join(f"key={quoted(k)} value={quoted(v)}" for k, v in pairs), keep, keep_request=keep)
        return self.ask(p.AuthResponseMessage(f"\0{user}\0{password}".encode()), "AUTH_RESPONSE of PLAIN",
                        'token="<hidden>"', keep, keep_request=keep)


def value_meaning(values):
    def one(v):
        return '"<unset>"' if v is p._UNSET_VALUE else quoted(v)
    return "".join(f" value={one(v)}" for v in values)


# --- the scenes ---

def opening():
    node = Node()
    node.open(keep=True)
    names = ["TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"]
    node.ask(p.RegisterMessage(names), "READY to a REGISTER", " ".join(f"events={quoted(n)}" for n in names),
             keep_request=True)
    return node


def schema(node):
    node.query("CREATE KEYSPACE v WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
               "CREATE KEYSPACE")
    node.query("CREATE TYPE v.pair (a int, b text)", "CREATE TYPE")
    node.query("CREATE TABLE v.t (k int, c bigint, s text, b blob, u uuid, f boolean, h frozen<list<frozen<tuple<"
               "text, blob>>>>, m map<text, frozen<pair>>, i smallint, PRIMARY KEY ((k, i), c))", "CREATE TABLE")
    node.query("CREATE TABLE v.x (k int PRIMARY KEY, v vector<float, 2>, d duration, n int)", "CREATE TABLE")
    node.query("CREATE FUNCTION v.broken (n int, t text) CALLED ON NULL INPUT RETURNS int LANGUAGE java "
               "AS 'throw new RuntimeException(\"broken\");'", "CREATE FUNCTION")
    node.query("CREATE FUNCTION v.plus (s int, n int) CALLED ON NULL INPUT RETURNS int LANGUAGE java "
               "AS 'return s + n;'", "CREATE FUNCTION")
    node.query("CREATE AGGREGATE v.total (int) SFUNC plus STYPE int INITCOND 0", "CREATE AGGREGATE")
    node.query("ALTER TABLE v.x ADD extra text", "ALTER TABLE")
    node.query("CREATE ROLE guest WITH PASSWORD = 'guest' AND LOGIN = true")


def requests(node):
    insert = "INSERT INTO v.t (k, i, c, s, b) VALUES (?, ?, ?, ?, ?)"
    prepared = node.ask(p.PrepareMessage(insert), "an INSERT with five markers", f"text={quoted(insert)}",
                        keep_request=True)
    values = [struct.pack(">i", 1), struct.pack(">h", -2), struct.pack(">q", 3), b"text", None]
    stamp = 1700000000000001
    node.ask(p.ExecuteMessage(prepared.query_id, values, CL.LOCAL_QUORUM, timestamp=stamp),
             "EXECUTE with values, a null and a timestamp",
             f"prepared_id={quoted(prepared.query_id)} consistency=6 flags=33{value_meaning(values)} "
             f"timestamp_us={stamp}", keep_request=True)
    values[2], values[4] = struct.pack(">q", 4), p._UNSET_VALUE
    node.ask(p.ExecuteMessage(prepared.query_id, values, CL.ONE), "EXECUTE with an unset value",
             f"prepared_id={quoted(prepared.query_id)} consistency=1 flags=1{value_meaning(values)}",
             keep_request=True)
    select = "SELECT * FROM v.t WHERE k = 1 AND i = -2"
    rows = node.ask(p.QueryMessage(select, CL.ONE, fetch_size=1), "QUERY, one row a page",
                    f"text={quoted(select)} consistency=1 flags=4 page_size=1", keep_request=True)
    node.ask(p.QueryMessage(select, CL.ONE, fetch_size=5, paging_state=rows.paging_state), "QUERY, the next page",
             f"text={quoted(select)} consistency=1 flags=12 page_size=5 "
             f"paging_state={quoted(rows.paging_state)}", keep_request=True)
    cas = "INSERT INTO v.t (k, i, c) VALUES (9, 9, 9) IF NOT EXISTS"
    node.ask(p.QueryMessage(cas, CL.ONE, serial_consistency_level=CL.LOCAL_SERIAL), "QUERY, a transaction",
             f"text={quoted(cas)} consistency=1 flags=16 serial_consistency=9", keep_request=True)
    node.ask(p.QueryMessage(cas, CL.ONE, serial_consistency_level=CL.SERIAL), "QUERY, a transaction refused",
             f"text={quoted(cas)} consistency=1 flags=16 serial_consistency=8", keep_request=True)
    text = "INSERT INTO v.x (k) VALUES (?)"
    queries = [(True, prepared.query_id, values), (False, text, [struct.pack(">i", 7)])]
    statements = f" statement{{kind=1 prepared_id={quoted(prepared.query_id)}{value_meaning(values)}}}" \
                 f" statement{{kind=0 text={quoted(text)}{value_meaning(queries[1][2])}}}"
    node.ask(p.BatchMessage(BatchType.UNLOGGED, queries, CL.QUORUM, timestamp=stamp),
             "BATCH of a prepared statement and a text",
             f"type=1 statement_count=2{statements} consistency=4 flags=32 timestamp_us={stamp}", keep_request=True)
    node.ask(p.BatchMessage(BatchType.LOGGED, queries[:1], CL.ANY, serial_consistency_level=CL.SERIAL),
             "BATCH, logged, with a serial level",
             f"type=0 statement_count=1{statements.split(' statement{kind=0')[0]} consistency=0 flags=16 "
             f"serial_consistency=8", keep_request=True)
    return prepared


def results(node):
    node.query("INSERT INTO v.t (k, i, c, s, b, u, f, h, m) VALUES (5, 5, 5, '', 0x, "
               "00112233-4455-6677-8899-aabbccddeeff, true, [('h', 0xff)], {'a': {a: 1, b: 'x'}})")
    node.query("SELECT * FROM v.t WHERE k = 5 AND i = 5", "a row of many types")
    node.query("SELECT * FROM v.t WHERE k = 77 AND i = 5", "no row")
    node.query("INSERT INTO v.x (k, v, d) VALUES (1, [1.5, 2.5], 1mo2d)")
    node.query("SELECT * FROM v.x WHERE k = 1", "a vector and a duration")
    node.query("SELECT cluster_name, native_protocol_version FROM system.local", "system.local")
    node.query("USE v", "USE")
    for text in ("SELECT * FROM v.t WHERE i = ? AND k = ?", "INSERT INTO v.t (k, i, c) VALUES (1, ?, ?)",
                 "SELECT now() FROM system.local"):
        node.ask(p.PrepareMessage(text), f"PREPARE {text}")


def errors(node, prepared):
    node.query("SELEC", "a syntax error")
    node.query("SELECT * FROM v.nope", "a table that does not exist")
    node.query("CREATE TABLE v.t (k int PRIMARY KEY)", "a table that exists")
    node.query("CREATE KEYSPACE v WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
               "a keyspace that exists")
    node.query("CREATE KEYSPACE w WITH replication = {'class': 'NetworkTopologyStrategy', 'nodc': 1}",
               "an unknown data centre")
    node.ask(p.ExecuteMessage(b"\x01" * 16, [], CL.ONE), "an unknown prepared id")
    node.ask(p.ExecuteMessage(prepared.query_id, [b"abc"] + [b""] * 4, CL.ONE), "an int of three bytes")
    node.query("SELECT v.broken(n, extra) FROM v.x WHERE k = 1", "a function that throws")
    for i in range(20):
        node.query(f"DELETE FROM v.t WHERE k = 3 AND i = 3 AND c = {i}")
    node.query("SELECT * FROM v.t WHERE k = 3 AND i = 3", "too many tombstones")
    for i in range(7):
        node.query(f"DELETE FROM v.t WHERE k = 4 AND i = 4 AND c = {i}")
    node.query("SELECT * FROM v.t WHERE k = 4 AND i = 4", "rows, and a warning about tombstones")
    node.query("CREATE KEYSPACE three WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}")
    node.query("CREATE TABLE three.t (k int PRIMARY KEY, v int)")
    node.query("INSERT INTO three.t (k) VALUES (1)", "three copies on one node", consistency=CL.QUORUM)
    node.query("INSERT INTO v.x (k, extra) VALUES (1, '" + "x" * 100000 + "')", "more bytes than the node takes at once")
    guest = Node()
    guest.open("guest", "guest")
    guest.query("SELECT * FROM v.t", "a role without permissions")
    Node().open("cassandra", "wrong", keep=True)
    raw = Node()
    raw.raw(bytes.fromhex("0400000107000000") + b"\x07" + b"\0\0\0\1x\0\1", "QUERY before STARTUP")
    raw = Node()
    raw.open()
    raw.raw(bytes.fromhex("0400000907") + struct.pack(">I", 3) + b"\0\0\0", "a QUERY that is cut short")
    raw = Node()
    raw.open()
    raw.raw(bytes.fromhex("040000090d") + bytes.fromhex("00000006" "010000" "000101"), "a BATCH with flag 0x01")


def compressed():
    node = Node()
    node.open(options={"COMPRESSION": "lz4"}, keep=True)
    node.query("SELECT * FROM system.local", "lz4, system.local", keep=True)
    node.query("INSERT INTO v.x (k) VALUES (3)", "lz4, a Void", keep=True)


def session():
    """What our own connection asks for, in its order and on its stream ids."""
    node = Node()
    node.open()
    node.ask(p.RegisterMessage(["TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"]), "REGISTER", keep=False)
    prepared = node.ask(p.PrepareMessage("INSERT INTO v.x (k, n) VALUES (?, ?)"), "PREPARE", keep=False)
    node.ask(p.BatchMessage(BatchType.UNLOGGED, [(True, prepared.query_id, [b"\0\0\0\1", b"\0\0\0\2"])], CL.ONE,
                            timestamp=5), "BATCH", keep=False)
    node.query("CREATE TABLE v.y (k int PRIMARY KEY)", keep=False)
    event = node.receive(5)
    if event is not None:
        node.log.append(("<", "EVENT", event))
    node.query("SELECT k, n FROM v.x", keep=False)
    node.query("SELEC", keep=False)
    node.ask(p.OptionsMessage(), "OPTIONS", keep=False)
    lines = [f"# What a connection of ours says (>, encoded by {DRIVER}) and hears (<, {NODE})."]
    for direction, comment, frame in node.log:
        lines += [f"# {comment}", direction + " " + frame.hex()]
    (OUT / "session.txt").write_text("\n".join(lines) + "\n")


def events(node, seconds, comment, wanted):
    """The events of the next seconds, until one says what is wanted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        frame = node.receive(1)
        if frame is None:
            continue
        node.keep(frame, comment)
        if wanted.encode() in frame:
            return
    print(f"no event {wanted}", file=sys.stderr)


def two_nodes(node):
    cassandra("start", "2", SLUICE_CASSANDRA_AUTH="", SLUICE_CASSANDRA_YAML="") # roles are node 1's business
    events(node, 30, "a node joins", "UP")
    node.query("CREATE KEYSPACE two WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}")
    node.query("CREATE TABLE two.t (k int PRIMARY KEY, v int)")
    node.query("CREATE TABLE two.counter (k int PRIMARY KEY, n counter)")
    time.sleep(3)
    node.query("INSERT INTO two.t (k) VALUES (1)", consistency=CL.TWO)
    cassandra("pause", "2")
    node.query("INSERT INTO two.t (k) VALUES (2)", "a replica is silent", consistency=CL.TWO)
    node.query("SELECT * FROM two.t WHERE k = 1", "a replica is silent", consistency=CL.TWO)
    node.query("INSERT INTO two.t (k) VALUES (3) IF NOT EXISTS", "a replica is silent, transaction",
               consistency=CL.QUORUM)
    node.query("BEGIN BATCH INSERT INTO two.t (k) VALUES (4) INSERT INTO two.t (k) VALUES (5) APPLY BATCH",
               "a replica is silent, logged batch", consistency=CL.TWO)
    node.query("BEGIN UNLOGGED BATCH INSERT INTO two.t (k) VALUES (4) INSERT INTO two.t (k) VALUES (5) APPLY BATCH",
               "a replica is silent, unlogged batch", consistency=CL.TWO)
    node.query("UPDATE two.counter SET n = n + 1 WHERE k = 1", "a replica is silent, counter", consistency=CL.TWO)
    node.query("TRUNCATE two.t", "a replica is silent, TRUNCATE")
    events(node, 60, "a node falls silent", "DOWN")
    cassandra("kill", "2")


def older_versions():
    """tools/cassandra waits for an answer in v4, which such a node never gives, so the wait is here."""
    command = cassandra("start", "1", wait=False,
                        SLUICE_CASSANDRA_YAML=YAML + "native_transport_allow_older_protocols: false\n")
    options = bytes.fromhex("040000000500000000")
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        time.sleep(1)
        try:
            node = Node()
            node.socket.sendall(options)
            answer = node.receive()
            break
        except OSError:
            continue
    command.terminate()
    command.wait()
    add("version", f"{NODE} with native_transport_allow_older_protocols: false, to OPTIONS in v4", answer)
    node = Node()
    node.socket.sendall(b"\x07" + options[1:])
    add("version", f"{NODE}, to OPTIONS in v7", node.receive())


# --- by hand, from the specification ---

def by_hand():
    def string(text):
        return struct.pack(">H", len(text)) + text.encode()

    def frame(opcode, body, stream=1):
        return struct.pack(">BBhBI", 0x84, 0, stream, opcode, len(body)) + body

    def error(code, message, tail, meaning):
        add("error", f"by hand: {message}", frame(0, struct.pack(">i", code) + string(message) + tail),
            f"code={code} message={quoted(message)}{meaning}")

    replicas = struct.pack(">Hii", 6, 1, 2)
    said = " consistency=6 received=1 block_for=2"
    error(0x0000, "Server error", b"", "")
    error(0x1001, "Overloaded", b"", "")
    error(0x1002, "Is_bootstrapping", b"", "")
    error(0x1003, "Truncate_error", b"", "")
    error(0x1500, "Write_failure", replicas + struct.pack(">i", 3) + string("BATCH"),
          said + ' failure_count=3 write_type="BATCH"')
    error(0x1300, "Read_failure", replicas + struct.pack(">i", 3) + b"\1", said + " failure_count=3 data_present=true")
    error(0x1600, "CDC_write_failure", b"", "")
    error(0x1700, "CAS_write_unknown", replicas, said)
    error(0x1100, "Write_timeout of a kind that is not known yet", replicas + string("NEWER") + b"more",
          said + ' write_type="NEWER"')
    error(0xF000, "a code that is not known", b"\1\1", "")
    add("auth_challenge", "by hand: PLAIN-START", frame(0x0E, struct.pack(">i", 11) + b"PLAIN-START"),
        'token="<hidden>"')
    add("event", "by hand: MOVED_NODE with an IPv6 address", frame(
        0x0C, string("TOPOLOGY_CHANGE") + string("MOVED_NODE") + b"\x10" + b"\0" * 15 + b"\1" + struct.pack(">i", 9042),
        -1), f'kind="TOPOLOGY_CHANGE" change="MOVED_NODE" address=0x{"00" * 15}01 port=9042')
    add("event", "by hand: an event that is not known", frame(0x0C, string("CLIENT_ROUTES_CHANGE") + string("x"), -1),
        'kind="UNKNOWN"')


def main():
    cassandra("stop", "--clean", "1", "2")
    try:
        cassandra("start", "1")
        node = opening()
        schema(node)
        prepared = requests(node)
        results(node)
        errors(node, prepared)
        compressed()
        session()
        two_nodes(node)
        cassandra("stop", "1")
        older_versions()
        by_hand()
    finally:
        cassandra("stop", "--clean", "1", "2")
    for name, vectors in files.items():
        (OUT / f"{name}.hex").write_text("\n".join(line for lines in vectors for line in lines) + "\n")


if __name__ == "__main__":
    main()
