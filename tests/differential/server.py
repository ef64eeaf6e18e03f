"""Kafka or Sluice: where cases are played."""

import struct
import time
import uuid

import schema
import wire
from case import SHARED

ANSWER_S, SILENCE_S = 20, 2


class Server:
    def __init__(self, name, address):
        self.name = name
        self.address = address
        self.ids = {}
        self.own_topic = None
        self.run = uuid.uuid4().hex[:8]

    def prepare(self, case, number):
        self.make(SHARED)
        self.own_topic = f"own-{self.run}-{number}"
        if case.has_own_topic:
            self.make(self.own_topic)

    def make(self, topic):
        """By Metadata, as clients do; returns when every partition takes a batch."""
        if topic in self.ids:
            return
        until = time.monotonic() + 60
        with wire.Connection(self.address) as connection:
            while True:
                (told,) = self.ask(connection, schema.METADATA, 12, {"topics": [{"name": topic}],
                                                                     "allow_auto_topic_creation": True})["topics"]
                if told["error_code"] == 0 and all(p["error_code"] == 0 for p in told["partitions"]):
                    break
                assert time.monotonic() < until, told
                time.sleep(0.1)
        self.ids[topic] = told["topic_id"]

    def topic_id(self, topic):
        return self.ids[topic] if topic in self.ids else schema.uuid.UUID(int=0).bytes

    @staticmethod
    def ask(connection, api, version, values):
        connection.send(wire.frame(schema.encode(api, version, values, 1)))
        return schema.decode(api, version, connection.receive(struct.unpack(">i", connection.receive(4))[0]))[1]

    def play(self, case):
        """What each step met with: a reply's fields, or a word."""
        results = []
        with wire.Connection(self.address, ANSWER_S) as connection:
            for step in case.steps:
                results.append(self.step(connection, step))
        return results

    def step(self, connection, step, attempts=50):
        time.sleep(step.wait_s)
        values = step.values(self) if callable(step.values) else step.values
        body = step.raw if step.raw is not None else schema.encode(step.api, step.version, values, 7)
        try:
            connection.send(wire.frame(body))
            connection.socket.settimeout(SILENCE_S if step.silent else ANSWER_S)
            (size,) = struct.unpack(">i", connection.receive(4))
            data = connection.receive(size)
        except TimeoutError:
            return "silence"
        except OSError:
            return "closed"
        if step.api.key == 18 and data[4:6] == b"\0\x23":  # KIP-511: in the form of version 0
            return schema.decode(step.api, 0, data)[1]
        correlation, reply = schema.decode(step.api, step.version, data)
        assert step.raw is not None or correlation == 7
        early = step.again(reply) if step.again else is_early(step, reply)
        if early and attempts > 0:
            time.sleep(0.1)
            return self.step(connection, step, attempts - 1)
        return reply


def is_early(step, reply):
    """Kafka answers 14 while it fetches its first block of producer ids, and 6 when a topic is very new."""
    if step.api.key == 22:
        return reply["error_code"] == 14
    codes = [p["error_code"] for t in reply["topics"] for p in t["partitions"]] if step.api.key == 0 else []
    return bool(codes) and set(codes) == {6}
