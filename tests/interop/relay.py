"""A relay before a gateway that keeps the first bytes which each connection sends: seeds for the fuzzers.

A seed is what a client sent, cut after a whole request, and a tape of no decisions (fuzz/support.h).
"""

import re
import socket
import struct
import threading

from node import ROOT, free_port

CORPUS = ROOT / "fuzz" / "corpus" / "kafka_connection"
SEED_BYTES_MAX = 4095  # and the tape
NO_TAPE = b"\0"
PRODUCE = 0


class Relay:
    def __init__(self, target_port=None):
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]
        self.target_port = target_port
        self.sent = []  # of bytearray, one per connection
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            broker = socket.create_connection(("127.0.0.1", self.target_port))
            kept = bytearray()
            self.sent.append(kept)
            for pair in ((client, broker, kept), (broker, client, bytearray())):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, target, kept):
        try:
            while data := source.recv(65536):
                kept += data[:max(0, SEED_BYTES_MAX - len(kept))]
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, target):
                end.close()

    def take(self):
        """The connections since the last call, each as a list of whole requests within a seed's size."""
        taken, self.sent = self.sent, []
        return [requests(bytes(kept)) for kept in taken]

    def close(self):
        self.listener.close()


def requests(data):
    found = []
    while len(data) >= 4 and len(data) >= 4 + (size := struct.unpack_from(">i", data)[0]):
        found.append(data[:4 + size])
        data = data[4 + size:]
    return found


def shape(connection):
    """Which requests, in which versions."""
    return [struct.unpack_from(">hh", request, 4) for request in connection]


def best(connections):
    """Of a client's connections the one with most kinds of requests, records among them."""
    useful = [each for each in connections if any(key == PRODUCE for key, _ in shape(each))]
    return max(useful, key=lambda each: (len(set(shape(each))), len(each)), default=[])


def write_seed(name, connection):
    """Returns its size in bytes: 0 when the client sent no Produce that is small enough."""
    data = b"".join(connection)
    if data:
        name = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
        (CORPUS / f"client-{name}").write_bytes(data + NO_TAPE)
    return len(data)
