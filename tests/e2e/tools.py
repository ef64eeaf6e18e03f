"""The command-line tools that come with Apache Kafka, of its 3.9 and 4.x releases, and kadm of franz-go."""

import dataclasses
import os
import subprocess

from producers import CACHE

TOOLS = "org.apache.kafka.tools."
CLASSES = {
    "kafka-broker-api-versions": (TOOLS + "BrokerApiVersionsCommand", "kafka.admin.BrokerApiVersionsCommand"),
    "kafka-acls": (TOOLS + "AclCommand", "kafka.admin.AclCommand"),
    "kafka-cluster": (TOOLS + "ClusterTool", "kafka.tools.ClusterTool"),
    "kafka-configs": ("kafka.admin.ConfigCommand", "kafka.admin.ConfigCommand"),
    "kafka-console-producer": (TOOLS + "ConsoleProducer", "kafka.tools.ConsoleProducer"),
    "kafka-consumer-groups": (TOOLS + "consumer.group.ConsumerGroupCommand",) * 2,
    "kafka-delete-records": (TOOLS + "DeleteRecordsCommand",) * 2,
    "kafka-get-offsets": (TOOLS + "GetOffsetShell",) * 2,
    "kafka-log-dirs": (TOOLS + "LogDirsCommand",) * 2,
    "kafka-producer-perf-test": (TOOLS + "ProducerPerformance",) * 2,
    "kafka-reassign-partitions": (TOOLS + "reassign.ReassignPartitionsCommand",) * 2,
    "kafka-topics": (TOOLS + "TopicCommand",) * 2,
    "kafka-transactions": (TOOLS + "TransactionsCommand",) * 2,
}


@dataclasses.dataclass(frozen=True)
class Told:
    """What a tool said and how it ended."""

    status: int
    out: str
    err: str

    @property
    def all(self):
        return self.out + self.err


class KafkaTools:
    """tools("kafka-topics", "--list") with the address filled in."""

    def __init__(self, version, address):
        self.version, self.address = version, address

    def __call__(self, name, *arguments, stdin="", within=60):
        newer, older = CLASSES[name]
        where = ["--bootstrap-server", self.address]
        if name == "kafka-producer-perf-test":
            where = ["--producer-props", f"bootstrap.servers={self.address}"]
        arguments = [*arguments, *where] if name == "kafka-cluster" else [*where, *arguments]
        command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
                   f"{CACHE}/kafka-admin-{self.version}/*", newer if self.version == 4 else older, *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA")}
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=within, env=environment)
        return Told(done.returncode, done.stdout, done.stderr)

    def works(self, name, *arguments, **options):
        """What it said; it must end well."""
        told = self(name, *arguments, **options)
        assert told.status == 0, f"{name} {arguments} ended with {told.status}:\n{told.all[-3000:]}"
        return told.out
