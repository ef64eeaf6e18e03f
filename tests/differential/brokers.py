"""A real Apache Kafka broker: KRaft, one node, the jars that `tools/setup differential` brings."""

import os
import pathlib
import subprocess
import time

import wire
from node import free_port

CACHE = pathlib.Path(os.environ.get("SLUICE_CACHE", pathlib.Path.home() / ".cache" / "sluice"))
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"


class Kafka:
    def __init__(self, version, directory, settings=()):
        self.version = version
        self.directory = directory
        self.port = free_port(int(os.environ.get("SLUICE_KAFKA_PORT", 29500)))
        self.controller_port = free_port(self.port + 1)
        self.settings = settings
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def java(self, *arguments):
        jars = CACHE / f"kafka-broker-{self.version}"
        assert jars.exists(), f"{jars} is missing: tools/setup differential"
        return ["java", "-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-cp", f"{jars}/*", *arguments]

    def start(self, within=120):
        config = self.directory / "server.properties"
        config.write_text("\n".join([
            "process.roles=broker,controller", "node.id=1",
            f"controller.quorum.voters=1@127.0.0.1:{self.controller_port}",
            f"listeners=PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller_port}",
            f"advertised.listeners=PLAINTEXT://{self.address}", "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            f"log.dirs={self.directory}/data", "num.partitions=3", "offsets.topic.replication.factor=1",
            "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            "log.retention.ms=-1",  # the cases' records are of 2023
            *self.settings]) + "\n")
        log = open(self.directory / "log", "ab")
        subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", config),
                       check=True, stdout=log, stderr=log)
        self.process = subprocess.Popen(self.java("kafka.Kafka", config), stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log)
        until = time.monotonic() + within
        while not self.answers():
            assert self.process.poll() is None, f"Kafka {self.version} ended, see {self.directory}/log"
            assert time.monotonic() < until, f"Kafka {self.version} does not answer, see {self.directory}/log"
            time.sleep(0.3)
        return self

    def answers(self):
        try:
            with wire.Connection(self.address, 5) as connection:
                return connection.api_versions()[0] == 0
        except OSError:
            return False

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
