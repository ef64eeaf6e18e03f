"""The processes of a round: Sluices that die on demand, producers, and the Cassandra of tests/e2e."""

import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from node import ROOT, Node, free_port  # noqa: E402  (also for those who import this)

from checker import Ack, Row  # noqa: E402
from producer import ACK  # noqa: E402

BINARY = os.environ.get("SLUICE_KILL_BIN", str(ROOT / "build" / "kill" / "sluice"))
CACHE = pathlib.Path(os.environ.get("SLUICE_CACHE", pathlib.Path.home() / ".cache" / "sluice"))
DEFINITE = {"MSG_SIZE_TOO_LARGE", "RecordTooLargeException", "INVALID_RECORD", "InvalidRecordException"}


class Broken(Exception):
    """Something happened that no kill explains."""


class Life:
    """One process of a member, from exec to its end."""

    def __init__(self, process, exec_ns, log_path, log_start, plan):
        self.process, self.exec_ns, self.plan = process, exec_ns, plan
        self.log_path, self.log_start = log_path, log_start
        self.end_ns = self.stopped_ns = None

    def alive(self):
        return self.process.poll() is None

    def log(self):
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="backslashreplace")

    def stopped(self):
        """Is it in SIGSTOP?"""
        try:
            stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        except FileNotFoundError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def wait(self, within):
        """Its exit status; None: it lives on."""
        try:
            status = self.process.wait(within)
        except subprocess.TimeoutExpired:
            return None
        self.end_ns = self.end_ns or time.monotonic_ns()
        return status

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait(20)


class Member:
    """A gateway of the keyspace: the same command again and again."""

    def __init__(self, name, keyspace, contact, log_path, port, advertised=None, settings=(), prefix=(), host="127.0.0.1"):
        self.log_path, self.address = log_path, f"{host}:{port}"
        self.command = [*prefix, BINARY, "serve", "--listen", f"{host}:{port}", "--contact-points", contact,
                        "--keyspace", keyspace, "--set", f"member.name={name}", "--set", "log.level=debug",
                        "--set", "log.lines_per_second=1000"]
        if advertised:
            self.command += ["--set", f"listener.advertised={advertised}"]
        for setting in settings:
            self.command += ["--set", setting]
        self.life = None
        self.lives = []

    def launch(self, point=None, stop=False, plan=""):
        """point: "NAME:N" to die at; stop: to stop there instead."""
        environment = dict(os.environ)
        if point:
            environment |= {"SLUICE_KILL_AT": point, "SLUICE_KILL_SIGNAL": "STOP" if stop else "KILL"}
        start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            begun = time.monotonic_ns()
            process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        self.life = Life(process, begun, self.log_path, start, plan)
        self.lives.append(self.life)
        return self.life

    def wait_ready(self, within=60):
        """Until it says so; False: it has ended before."""
        until = time.monotonic() + within
        while "msg=ready " not in self.life.log():
            if not self.life.alive():
                return False
            if time.monotonic() > until:
                raise Broken(f"not ready after {within} s: {self.life.log()[-500:]}")
            time.sleep(0.02)
        return True

    def close(self):
        if self.life and self.life.alive():
            self.life.signal(signal.SIGCONT)
            self.life.kill()


class Producer:
    """A client in a process of its own; see producer.py."""

    def __init__(self, kind, name, address, topic, partitions, rate, directory, **settings):
        self.kind, self.name, self.partitions = kind, name, partitions
        self.out = directory / name
        if kind == "librdkafka":
            command = [sys.executable, HERE / "producer.py"]
        else:
            command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", java_classes(kind),
                       "KillProducer"]
        settings = [f"{key.replace('_', '.')}={value}" for key, value in settings.items()]
        self.stderr = open(f"{self.out}.log", "wb")
        self.process = subprocess.Popen([*command, address, topic, name, str(partitions), str(rate), self.out, *settings],
                                        stdin=subprocess.PIPE, stdout=self.stderr, stderr=self.stderr)

    def end(self):
        """Tells it to send no more."""
        self.process.stdin.close()

    def finish(self, within=200):
        """Waits for its answers: what it says of itself at its end."""
        try:
            status = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Broken(f"producer {self.name} has no answers after {within} s") from None
        if status:
            raise Broken(f"producer {self.name} ended with {status}, see {self.out}.log")
        return json.loads(pathlib.Path(f"{self.out}.end").read_text())

    def has_acks(self):
        path = pathlib.Path(f"{self.out}.acks")
        return path.exists() and path.stat().st_size >= ACK.size

    def acks(self):
        """(Ack, ns) in the order they came."""
        data = pathlib.Path(f"{self.out}.acks").read_bytes()
        for partition, sequence, offset, ns in ACK.iter_unpack(data[:len(data) // ACK.size * ACK.size]):
            yield Ack(self.name, partition, sequence, offset), ns

    def failed(self):
        """{(name, partition, sequence): error}"""
        lines = pathlib.Path(f"{self.out}.failed").read_text().splitlines()
        return {(self.name, int(partition), int(sequence)): error for partition, sequence, error in map(str.split, lines)}

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stderr.close()


def java_classes(version):
    """Compiled once, next to the binary."""
    jars, classes = CACHE / f"kafka-{version}", pathlib.Path(BINARY).parent / f"kill-producer-{version}"
    source = HERE / "KillProducer.java"
    made = classes / "KillProducer.class"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["javac", "-cp", f"{jars}/*", "-d", classes, source], check=True)
    return f"{jars}/*:{classes}"


def read_table(node, keyspace, topic):
    """The whole table and its segment index."""
    found = node.query(f"SELECT topic_id, table_name FROM {keyspace}.sluice_topics WHERE topic = '{topic}'")
    [(topic_id, table)] = found
    rows = [Row(partition, segment, offset, key, value, tuple(tuple(header) for header in headers or ()), timestamp)
            for partition, segment, offset, key, value, headers, timestamp in node.scan(
                f'SELECT partition, segment, offset, key, value, headers, toUnixTimestamp(timestamp) '
                f'FROM {keyspace}."{table}"', fetch_size=2000)]
    index = {(partition, segment): (first, limit) for owner, partition, segment, first, limit in node.query(
        f"SELECT topic_id, partition, segment, first_offset, limit_offset FROM {keyspace}.sluice_segments")
        if owner == topic_id}
    return rows, index


def numbered(directory, stem):
    """A fresh directory stem-1, stem-2, ..."""
    for number in itertools.count(1):
        try:
            path = directory / f"{stem}-{number}"
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            continue
