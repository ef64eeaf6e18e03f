"""The real Cassandra of a test run, through tools/cassandra, and a driver session to read back with."""

import os
import pathlib
import socket
import subprocess
import time

from cassandra import ConsistencyLevel, OperationTimedOut, ReadTimeout, Unavailable
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import ConstantReconnectionPolicy, RoundRobinPolicy
from cassandra.query import SimpleStatement, tuple_factory

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORAGE_PORT_BELOW = 2042  # tools/cassandra
UNREADABLE = (NoHostAvailable, OperationTimedOut, ReadTimeout, Unavailable)  # for now


def free_port(first=0):
    """A free port on 127.0.0.1; from `first` on, or any."""
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", first))
                return probe.getsockname()[1]
            except OSError:
                first += 1


def free_cassandra_port(first):
    port = free_port(first)
    return port if free_port(port - STORAGE_PORT_BELOW) == port - STORAGE_PORT_BELOW else free_cassandra_port(port + 1)


class Node:
    """Node 1 of a cluster of one."""

    def __init__(self, directory, port=None):
        self.shared = port is not None  # someone else's: left as it is
        self.port = port or free_cassandra_port(23042)
        self.environment = dict(os.environ, SLUICE_CASSANDRA_PORT=str(self.port))
        if not self.shared:
            self.environment["SLUICE_CASSANDRA_DIR"] = str(directory)
        self.cluster = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def tool(self, *arguments):
        subprocess.run([ROOT / "tools" / "cassandra", *arguments], env=self.environment, check=True)

    def start(self):
        self.tool("start")

    def kill(self):
        self.tool("kill")

    def stop(self):
        self.tool("stop")

    def pause(self):
        self.tool("pause")

    def resume(self):
        self.tool("resume")

    def running(self):
        """Runs and answers from now on, whatever a test did to it."""
        status = subprocess.run([ROOT / "tools" / "cassandra", "status", "1"], env=self.environment,
                                capture_output=True, text=True, check=True).stdout
        if "paused" in status:
            self.resume()
        if "answers" not in status:
            self.start()

    def leave(self):
        if self.cluster:
            self.cluster.shutdown()
        if not self.shared:
            self.tool("wipe")

    def session(self):
        """Survives restarts of the node: it reconnects twice a second."""
        if not self.cluster:
            profile = ExecutionProfile(RoundRobinPolicy(), row_factory=tuple_factory, request_timeout=60,
                                       consistency_level=ConsistencyLevel.QUORUM)
            cluster = Cluster([self.address.partition(":")[0]], port=self.port, protocol_version=4, connect_timeout=20,
                              execution_profiles={EXEC_PROFILE_DEFAULT: profile},
                              reconnection_policy=ConstantReconnectionPolicy(0.5, None))
            self.driver = cluster.connect()
            self.cluster = cluster  # one whose connect failed is of no more use
        return self.driver

    def query(self, text, **options):
        return list(self.scan(text, **options))

    def scan(self, text, fetch_size=5000, patience=30):
        """The rows, page by page. Begun again while the driver has not come back after a restart of the node."""
        until = time.monotonic() + patience
        while True:
            try:
                return self.session().execute(SimpleStatement(text, fetch_size=fetch_size))
            except UNREADABLE:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    @staticmethod
    def eventually(look, wanted, within=15):
        """What look() returned when it was wanted, or last."""
        until = time.monotonic() + within
        while not wanted(seen := look()) and time.monotonic() < until:
            time.sleep(0.2)
        return seen
