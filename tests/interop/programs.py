"""Programs that produce and tell nobody where their records went: what they wrote is compared as a whole.

A send function returns None when its program has ended well, or what runs on until its records are there.
"""

import os
import signal
import socket
import subprocess
import time
from itertools import groupby

import building
from cells import MEGABYTE, said_by
from node import free_port
from producers import Failed, kcat, plan
from records import Record

KAFKA = "4.3.1"  # the newest whose tools resolve
FLINK, FLINK_CONNECTOR = "2.0.1", "4.0.1-2.0"
JVM = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx768m"]
FLINK_OPENS = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "util", "time", "nio", "net", "io")]
WITHIN_S = 120


class Running:
    """A program that runs until it is told to end."""

    def __init__(self, command, log, **options):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)

    def tail(self):
        return self.log.read_text(errors="backslashreplace")[-2000:]

    def wait_until(self, ready, within=WITHIN_S):
        until = time.monotonic() + within
        while not ready():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise Failed(f"not ready within {within} s or ended:\n{self.tail()}")
            time.sleep(0.1)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def finish(command, stdin=b"", within=WITHIN_S):
    done = subprocess.run(list(map(str, command)), input=stdin, capture_output=True, timeout=within)
    if done.returncode or b"ERROR" in done.stderr:
        raise Failed(f"exit status {done.returncode}:\n{(done.stdout + done.stderr).decode(errors='replace')[-3000:]}")
    return done.stdout.decode()


# --- kcat ---

def kcat_send(_, address, topic, sent, folder, settings):
    """A run for each group of records with the same partition, headers and nulls; its -Z makes nulls of what is empty."""
    options = [part for name, value in settings.items() for part in ("-X", f"{name}={value}")]

    def group(record):
        return record.partition, record.headers, record.key is None, record.value is None

    for (partition, headers, no_key, no_value), records in groupby(sorted(sent, key=lambda r: repr(group(r))), group):
        lines = [(b"" if no_key else r.key + b":") + (r.value or b"") + b"\n" for r in records]
        marks = ([] if no_key else ["-K:"]) + (["-Z"] if no_value else [])
        marks += [part for name, value in headers for part in ("-H", name if value is None else f"{name}={value.decode()}")]
        kcat("-P", "-b", address, "-t", topic, "-p", str(partition), *marks, *options, stdin=b"".join(lines))


def kcat_records(client, cell):
    """Headers are those of a run, so only their own cell has any."""
    kept = said_by(client, cell)
    return kept if cell.name == "headers" else [record._replace(headers=()) for record in kept]


# --- Kafka's own tools ---

def tools():
    return [*JVM, "-cp", building.jars(f"kafka-tools-{KAFKA}", f"org.apache.kafka:kafka-tools:{KAFKA}", "org.slf4j:slf4j-nop:1.7.36")]


def console_send(java, address, topic, sent, folder, settings):
    def field(value):
        return "\\N" if value is None else value.decode()

    lines = []
    for r in sent:
        headers = ",".join(f"{name}:{field(value)}" for name, value in r.headers)
        lines.append(f"{headers or chr(92) + 'N'}\t{field(r.key)}\t{field(r.value)}\n")
    marks = {"parse.key": "true", "parse.headers": "true", "null.marker": "\\N"}
    options = [part for name, value in marks.items() for part in ("--reader-property", f"{name}={value}")]
    options += [part for name, value in settings.items() for part in ("--command-property", f"{name}={value}")]
    finish([*java, "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", address, "--topic", topic, *options],
           "".join(lines).encode())


def perf_send(java, address, topic, sent, folder, settings):
    if len(sent[0].value) >= MEGABYTE:
        (folder / "payload").write_bytes(sent[0].value)
        what = ["--payload-file", folder / "payload", "--payload-delimiter", "\\x00"]
    else:
        what = ["--payload-monotonic"]
    properties = [f"{name}={value}" for name, value in settings.items()]
    finish([*java, "org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", len(sent), *what,
            "--throughput", "-1", "--bootstrap-server", address, *(["--command-property", *properties] if properties else [])])


def perf_records(client, cell):
    if cell.name in client.without:
        return []
    count = len(cell.records())
    if cell.name == "1 MB":
        return [Record(0, 0, None, b"x" * MEGABYTE)] * count
    return [Record(0, 0, None, b"%d" % i) for i in range(count)]


# --- rsyslog ---

RSYSLOG = """global(workDirectory="{folder}" maxMessageSize="2m")
module(load="imfile" mode="inotify")
module(load="omkafka")
template(name="key" type="string" string="%msg:F,126:1%")
template(name="value" type="string" string="%msg:F,126:2%")
input(type="imfile" File="{folder}/lines" Tag="interop" addMetadata="off")
action(type="omkafka" broker=["{address}"] topic="{topic}" template="value" key="key" dynakey="on" partitions.auto="on"
  {settings})
"""


def rsyslog_send(_, address, topic, sent, folder, settings):
    (folder / "lines").write_bytes(b"".join(r.key + b"~" + r.value + b"\n" for r in sent))
    pairs = "confParam=[" + ",".join(f'"{name}={value}"' for name, value in settings.items()) + "]" if settings else ""
    (folder / "rsyslog.conf").write_text(RSYSLOG.format(folder=folder, address=address, topic=topic, settings=pairs))
    return Running(["rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid"], folder / "log")


# --- collectd ---

COLLECTD = """Hostname "interop"
Interval 3600
BaseDir "{folder}"
PIDFile "{folder}/pid"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin unixsock
LoadPlugin write_kafka
<Plugin unixsock>
  SocketFile "{folder}/socket"
</Plugin>
<Plugin write_kafka>
{settings}
  Property "bootstrap.servers" "{address}"
  <Topic "{topic}">
    Format Command
  </Topic>
</Plugin>
"""


def collectd_send(_, address, topic, sent, folder, settings):
    pairs = "\n".join(f'  Property "{name}" "{value}"' for name, value in settings.items())
    (folder / "collectd.conf").write_text(COLLECTD.format(folder=folder, address=address, topic=topic, settings=pairs))
    running = Running(["/usr/sbin/collectd", "-f", "-C", folder / "collectd.conf"], folder / "log")
    running.wait_until((folder / "socket").exists)
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(folder / "socket"))
        answers = control.makefile("rb")
        for record in sent:
            control.sendall(record.value.replace(b".000:", b":").replace(b".000 ", b" ") + b"\n")
            if not (answer := answers.readline()).startswith(b"0 "):
                running.stop()
                raise Failed(f"collectd answers {answer!r}")
    return running


def collectd_records(client, cell):
    """What it makes of PUTVAL; the value is its own text, the key its own too."""
    if cell.name in client.without:
        return []
    return [Record(0, 0, None, b"PUTVAL interop/matrix/gauge-%d interval=10.000 1700000000.000:%d" % (i, i))
            for i in range(len(cell.records()))]


# --- Flink ---

def flink():
    class_path = building.jars(
        f"flink-{FLINK}", f"org.apache.flink:flink-connector-kafka:{FLINK_CONNECTOR}", f"org.apache.flink:flink-clients:{FLINK}",
        f"org.apache.flink:flink-streaming-java:{FLINK}", f"org.apache.flink:flink-connector-base:{FLINK}",
        "org.slf4j:slf4j-nop:1.7.36")
    return [*JVM, *FLINK_OPENS, "-cp", f"{class_path}:{building.java_class('FlinkSink', class_path)}", "FlinkSink"]


def flink_send(command, address, topic, sent, folder, settings):
    path = plan(folder / "plan", sent)
    finish([*command, address, topic, path, *(f"{name}={value}" for name, value in settings.items())])


# --- Kafka Connect ---

def connect():
    class_path = building.jars(f"connect-{KAFKA}", f"org.apache.kafka:connect-runtime:{KAFKA}",
                               f"org.apache.kafka:connect-file:{KAFKA}", "org.slf4j:slf4j-simple:1.7.36")
    return [*JVM, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", class_path,
            "org.apache.kafka.connect.cli.ConnectStandalone"]


def properties(path, **pairs):
    path.write_text("".join(f"{name.replace('__', '.')}={value}\n" for name, value in pairs.items()))
    return path


def connect_send(command, address, topic, sent, folder, settings):
    (folder / "lines").write_bytes(b"".join(r.value + b"\n" for r in sent))
    text = "org.apache.kafka.connect.storage.StringConverter"
    worker = properties(folder / "worker.properties", **{
        "bootstrap.servers": address, "key.converter": text, "value.converter": text,
        "offset.storage.file.filename": folder / "offsets", "plugin.discovery": "service_load",
        "listeners": f"http://127.0.0.1:{free_port()}", **{f"producer.{name}": value for name, value in settings.items()}})
    source = properties(folder / "source.properties", **{
        "name": "lines", "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": 1,
        "file": folder / "lines", "topic": topic})
    return Running([*command, worker, source], folder / "log", env={**os.environ, "LC_ALL": "C.UTF-8"})


# --- rows ---

def clients(client, java, librdkafka):
    untimed = {"timestamp": "sets its own", "partition": "chooses by itself"}
    lines = {**untimed, "nulls": "sends lines of text", "headers": "sends none"}
    version = building.debian_version
    return [
        client("kcat", lambda: f"{version('kcat')} (librdkafka {version('librdkafka1')})", lambda: building.debian("kcat"),
               librdkafka, {"timestamp": "sets its own", "empty key": "takes it for none",
                            "null key and value": "skips an empty line", "null key and empty value": "skips an empty line",
                            "null header": "has no mark for it",
                            "empty header name": "takes it for a bad argument",
                            "bytes that are not UTF-8": "takes headers from its arguments"},
               send=kcat_send, records=kcat_records, quick=True),
        client("Java console producer", lambda: KAFKA, tools, java, {
            **untimed, "bytes that are not UTF-8": "is for lines of text"}, send=console_send),
        client("Java producer perf test", lambda: KAFKA, tools, java, {
            **untimed, "nulls": "makes up its records", "headers": "makes up its records"},
               send=perf_send, records=perf_records),
        client("rsyslog omkafka", lambda: f"{version('rsyslog-kafka')} (librdkafka {version('librdkafka1')})",
               lambda: building.debian("rsyslog", "rsyslog-kafka"), librdkafka, lines, send=rsyslog_send),
        client("collectd write_kafka", lambda: f"{version('collectd-core')} (librdkafka {version('librdkafka1')})",
               lambda: building.debian("collectd-core"), librdkafka, {
                   **untimed, "any key": "makes up its own", "nulls": "sends measured values", "headers": "sends none",
                   "1 MB": "sends measured values"}, send=collectd_send, records=collectd_records),
        client("Flink KafkaSink", lambda: f"{FLINK_CONNECTOR} (at least once)", flink, java, send=flink_send),
        client("Kafka Connect, standalone", lambda: f"{KAFKA}, FileStreamSource", connect, java, {
            **untimed, "any key": "this source sends none", "headers": "this source sends none",
            "bytes that are not UTF-8": "is for lines of text", "null value": "this source sends lines"}, send=connect_send),
    ]
