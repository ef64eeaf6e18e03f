"""Three real Cassandra nodes, a load that tells when each record was acknowledged, and what the nodes counted."""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

from node import ROOT, UNREADABLE, Node

sys.path.append(str(ROOT / "tests" / "kill"))

import checker  # noqa: E402
from parts import Producer, read_table  # noqa: E402

COUNTERS = pathlib.Path(__file__).resolve().parent / "java" / "NodeCounters.java"
# What a producer gives a record by itself; the producers under tests/kill wait for ever unless told otherwise.
DELIVERY_TIMEOUT = {"librdkafka": {"message_timeout_ms": 300_000}, "4": {"delivery_timeout_ms": 120_000}}


class Nodes(Node):
    """127.0.0.1 to 127.0.0.3, of which some run."""

    def __init__(self, directory):
        super().__init__(directory)
        self.net = os.environ.get("SLUICE_CASSANDRA_NET", "127.0.0")
        self.environment.setdefault("SLUICE_CASSANDRA_HEAP", "768M")  # three share one machine

    @property
    def address(self):
        return ",".join(f"{self.net}.{node}:{self.port}" for node in (1, 2, 3))

    def tool(self, verb, *nodes, within=4):
        """On a busy machine a start may take longer than tools/cassandra waits; begun again it goes on."""
        for _ in range(within):
            status = subprocess.run([ROOT / "tools" / "cassandra", verb, *map(str, nodes)], env=self.environment).returncode
            if status == 0 or verb != "start":
                break
        assert status == 0, f"tools/cassandra {verb} ended with {status}"

    def pids(self):
        """{process id: node} of those that run."""
        said = subprocess.run([ROOT / "tools" / "cassandra", "status"], env=self.environment, capture_output=True,
                              text=True, check=True).stdout
        return {int(pid): int(node) for node, pid in re.findall(r"^node (\d) .*, pid (\d+),", said, re.MULTILINE)}

    def restart(self, node):
        """In good order."""
        self.tool("stop", node)
        self.tool("start", node)

    def move(self, node, net):
        """It comes back at another address."""
        self.tool("stop", node)
        home = dict(self.environment)
        self.environment |= {"SLUICE_CASSANDRA_NET": net, "SLUICE_CASSANDRA_SEED_NET": self.net}
        try:
            self.tool("start", node)
        finally:
            self.environment = home

    def coordinated(self):
        """{node: (writes that it coordinated as one of their replicas, as a mere go-between)}, counted by the node."""
        pids = self.pids()
        lines = subprocess.run(["java", COUNTERS, *map(str, pids)], capture_output=True, text=True, check=True).stdout
        counts = (map(int, line.split()) for line in lines.splitlines())
        return {pids[pid]: (local, remote) for pid, local, remote in counts}


def shares(before, after):
    """What was coordinated in between: {node: writes} and the part of it that went to a replica."""
    local = {node: counts[0] - before.get(node, (0, 0))[0] for node, counts in after.items()}
    remote = {node: counts[1] - before.get(node, (0, 0))[1] for node, counts in after.items()}
    writes = {node: local[node] + remote[node] for node in after}
    return writes, sum(local.values()) / max(1, sum(writes.values()))


class Load:
    """An idempotent librdkafka and an idempotent Java producer at their default delivery time-outs, at `rate` records a
    second each. Events name moments; `told` tells the rate of acknowledgements in each second between them."""

    def __init__(self, sluice, topic, partitions, directory, rate):
        self.topic, self.keyspace, self.rate = topic, sluice.keyspace, rate
        self.producers = [Producer(kind, f"{kind[:2]}{number}", sluice.address, topic, partitions, rate, directory,
                                   batch_size=200_000, **DELIVERY_TIMEOUT[kind])
                          for number, kind in enumerate(DELIVERY_TIMEOUT)]
        self.events = []
        until = time.monotonic() + 60
        while not all(producer.has_acks() for producer in self.producers):
            assert time.monotonic() < until, "a producer was never answered"
            time.sleep(0.1)
        time.sleep(3)  # Java warms up

    def event(self, name, seconds=0):
        self.events.append((name, time.monotonic_ns()))
        time.sleep(seconds)

    def finish(self):
        self.event("end")
        for producer in self.producers:
            producer.end()
        self.ends = {producer: producer.finish(150) for producer in self.producers}

    def rates(self):
        """{event: acknowledgements in each whole second until the next one}"""
        times = sorted(ns for producer in self.producers for _, ns in producer.acks())
        found = {}
        for (name, begin), (_, end) in zip(self.events, self.events[1:]):
            counts = [0] * max(1, (end - begin) // 10**9)
            for ns in times:
                if begin <= ns < begin + len(counts) * 10**9:
                    counts[(ns - begin) // 10**9] += 1
            found[name] = counts
            print(f"{self.topic}: {name}: {statistics.median(counts):.0f} acks/s (median of {len(counts)} s): "
                  f"{' '.join(map(str, counts))}")
        return found

    def read(self, cassandra, times=10):
        """The table, whole. A node that was just started may be too slow for a page of it: then from the beginning."""
        for left in reversed(range(times)):
            try:
                return read_table(cassandra, self.keyspace, self.topic)
            except UNREADABLE:
                if not left:
                    raise
                time.sleep(1)

    def check(self, cassandra):
        """No producer had an error, and the table holds each record once, where it was said to be."""
        acks, sent = [], {}
        for producer, end in self.ends.items():
            assert not producer.failed(), f"{producer.name} was told errors: {list(producer.failed().items())[:5]}"
            assert not end["unanswered"] and not end["fatal"], f"{producer.name}: {end}"
            acks += [ack for ack, _ in producer.acks()]
            sent |= {(producer.name, partition): count for partition, count in enumerate(end["sent"])}
        assert len(acks) == sum(sent.values())
        rows, index = self.read(cassandra)
        report = checker.check(rows, index, checker.Answers(acks, sent=sent))
        assert report, f"{report}"
        assert report.rows == len(acks)
        print(f"{self.topic}: {report}")

    def close(self):
        for producer in self.producers:
            producer.close()
