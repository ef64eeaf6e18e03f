"""Producers: each sends records and returns the acknowledgements its client was given.

Clients that cannot run in pytest's own process are small programs with one contract. Arguments: bootstrap, topic,
plan file, then settings as name=value. Plan: a line per record, tab-separated: partition, timestamp, key, value,
headers (name:value,...), all base64, "-" for null. Output: a line per record: index, partition, offset; or
index, "error", why. Exit status 0 when every record was acknowledged.
"""

import atexit
import base64
import functools
import os
import pathlib
import subprocess
import tempfile

import confluent_kafka
from records import Ack

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("SLUICE_CACHE", pathlib.Path.home() / ".cache" / "sluice"))


class Failed(AssertionError):
    pass


def confluent(address, topic, sent, within=60, **settings):
    """librdkafka with its defaults but for `settings` (in Python's spelling). With acks=0 offsets mean nothing."""
    acks, errors = [], []

    def delivered(index):
        def callback(error, message):
            if error:
                errors.append((index, str(error)))
            else:
                acks.append(Ack(index, message.partition(), message.offset()))
        return callback

    producer = confluent_kafka.Producer(
        {"bootstrap.servers": address, **{name.replace("_", "."): value for name, value in settings.items()}})
    for index, record in enumerate(sent):
        while True:
            try:
                producer.produce(topic, value=record.value, key=record.key, partition=record.partition,
                                 timestamp=record.timestamp, headers=list(record.headers), on_delivery=delivered(index))
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(within)
    if left or errors:
        raise Failed(f"{left} records without an answer, {len(errors)} errors, such as {errors[:3]}")
    return acks


def blob(data):
    return "-" if data is None else base64.b64encode(data).decode()


def plan(path, sent):
    with open(path, "w") as out:
        for r in sent:
            headers = ",".join(f"{blob(name.encode())}:{blob(value)}" for name, value in r.headers)
            print(r.partition, r.timestamp, blob(r.key), blob(r.value), headers, sep="\t", file=out)
    return path


def client(command, address, topic, sent, directory, settings, within=90):
    path = plan(directory / "plan", sent)
    done = subprocess.run([*command, address, topic, path, *(f"{name}={value}" for name, value in settings.items())],
                          capture_output=True, text=True, timeout=within)
    answers = [line.split("\t") for line in done.stdout.splitlines()]
    errors = [answer for answer in answers if answer[1] == "error"]
    if done.returncode or errors:
        raise Failed(f"exit status {done.returncode}, {len(errors)} errors, such as {errors[:3]}\n{done.stderr[-3000:]}")
    return [Ack(*map(int, answer)) for answer in answers]


def kafka_python(version, address, topic, sent, directory, **settings):
    return client([CACHE / f"kafka-python-{version}" / "bin" / "python", HERE / "clients" / "kafka_python.py"],
                  address, topic, sent, directory, settings)


def java(version, address, topic, sent, directory, **settings):
    """Settings in Java's spelling, with _ for the dots."""
    return client(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", java_classes(version), "Producer"], address,
                  topic, sent, directory, {name.replace("_", "."): value for name, value in settings.items()})


@functools.cache
def java_classes(version, program="Producer"):
    """The class path of a program of java/ with the clients of this version."""
    jars = f"{CACHE}/kafka-{version}/*"
    classes = tempfile.TemporaryDirectory()
    atexit.register(classes.cleanup)
    subprocess.run(["javac", "-nowarn", "-Xlint:-removal", "-cp", jars, "-d", classes.name, HERE / "java" / f"{program}.java"], check=True)
    return f"{jars}:{classes.name}"


def kcat(*arguments, stdin=b"", within=30):
    done = subprocess.run(["kcat", *arguments], input=stdin, capture_output=True, timeout=within)
    if done.returncode:
        raise Failed(f"kcat exit status {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done.stdout.decode()
