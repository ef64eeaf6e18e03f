#!/usr/bin/env python3
"""Records what real Cassandra nodes tell of their cluster, in answer to the questions of proxy/core/topology.c,
as tests/vectors/cql/topology.txt: lines "> request" and "< answer" under the question's text.

    SLUICE_CASSANDRA_PORT=29190 tools/cassandra start 1 2
    SLUICE_CASSANDRA_PORT=29190 tests/vectors/generate/cql_topology.py
"""
import os
import pathlib
import socket
import struct

OUT = pathlib.Path(__file__).resolve().parents[1] / "cql" / "topology.txt"
PORT = int(os.environ.get("SLUICE_CASSANDRA_PORT", "9042"))
ROW = "SELECT host_id, {}data_center, rack, tokens FROM system.{}"
KEYSPACE = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '{}'"
MADE = {"one": "{'class': 'SimpleStrategy', 'replication_factor': 1}",
        "dc": "{'class': 'NetworkTopologyStrategy', 'datacenter1': 2}"}
QUESTIONS = [ROW.format("", "local WHERE key = 'local'"),
             ROW.format("peer, native_address, native_port, ", "peers_v2"),
             ROW.format("peer, rpc_address, ", "peers"),
             *(KEYSPACE.format(name) for name in MADE)]


def frame(opcode, body, stream):
    return struct.pack(">BBhBi", 4, 0, stream, opcode, len(body)) + body


def ask(node, opcode, body, stream=1):
    request = frame(opcode, body, stream)
    node.sendall(request)
    head = node.recv(9, socket.MSG_WAITALL)
    return request, head + node.recv(struct.unpack(">i", head[5:])[0], socket.MSG_WAITALL)


def query(node, text, stream=1):
    text = text.encode()
    return ask(node, 0x07, struct.pack(">i", len(text)) + text + struct.pack(">HB", 1, 0), stream)


lines = ["# What Cassandra 5.0.6 tells of its cluster (two nodes): recorded by tests/vectors/generate/cql_topology.py."]
with socket.create_connection(("127.0.0.1", PORT)) as node:
    ask(node, 0x01, struct.pack(">HH", 1, 11) + b"CQL_VERSION" + struct.pack(">H", 5) + b"3.0.0")
    for name, replication in MADE.items():
        query(node, f"DROP KEYSPACE IF EXISTS {name}")
        answer = query(node, f"CREATE KEYSPACE {name} WITH replication = {replication}")[1]
        if answer[4] == 0:
            raise SystemExit(f"{name}: {answer[9:]}")
    for number, text in enumerate(QUESTIONS):
        request, answer = query(node, text, number + 1)
        lines += [f"# {text}", f"> {request.hex()}", f"< {answer.hex()}"]
OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
