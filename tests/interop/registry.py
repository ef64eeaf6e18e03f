"""Every client of the matrix: a row each. What a client cannot do stands in its row, with the reason.

A row's keys of `without` are columns (cells.CELLS), kinds of records (cells.KINDS) or cells.CHANGED.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import building
import producers
import programs
from building import NODE_RUNTIME
from cells import said_by
from node import ROOT



def spelling(**names):
    """Neutral settings in the client's names; a name of None: the client's default is just that."""
    def spell(settings):
        return {names[name]: str(value).lower() if isinstance(value, bool) else value
                for name, value in settings.items() if names[name]}
    return spell


JAVA = spelling(acks="acks", codec="compression.type", idempotence="enable.idempotence", linger_ms="linger.ms",
                max_bytes="max.request.size")
LIBRDKAFKA = spelling(acks="acks", codec="compression.codec", idempotence="enable.idempotence", linger_ms="linger.ms",
                      max_bytes="message.max.bytes")
NEUTRAL = spelling(acks="acks", codec="codec", idempotence="idempotence", linger_ms="linger_ms", max_bytes="max_bytes")


def pythonic(settings):
    """kafka-python and aiokafka: no codec is None, which is their default."""
    names = {"acks": "acks", "codec": "compression_type", "idempotence": "enable_idempotence", "linger_ms": "linger_ms",
             "max_bytes": "max_request_size"}
    return {names[name]: value for name, value in settings.items() if (name, value) != ("codec", "none")}


@dataclass
class Client:
    name: str
    version: Callable  # text, once it is prepared
    prepare: Callable  # installs and builds; returns what `send` needs
    spell: Callable = NEUTRAL
    without: dict = field(default_factory=dict)
    acks: str = "all"  # what it asks for by default
    send: Callable = producers.client  # (prepared, address, topic, records, folder, settings): acks, None or a Running
    records: Callable = said_by  # (client, cell): what to send
    quick: bool = False


def fixed(text):
    return lambda: text


NO_IDEMPOTENCE = {"idempotent": "has no idempotent producer"}


def java(version, without=None, quick=False):
    def prepare():
        building.jars(f"kafka-{version}", f"org.apache.kafka:kafka-clients:{version}", "org.slf4j:slf4j-nop:1.7.36")
        return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", producers.java_classes(version), "Producer"]

    return Client("Java kafka-clients", fixed(version), prepare, JAVA, without or {},
                  "all" if version >= "3" else "1", quick=quick)


def kafka_python(version, codecs, without, quick=True):
    def prepare():
        python = building.python(f"kafka-python-{version}", f"kafka-python=={version}", *codecs)
        return [python, ROOT / "tests" / "e2e" / "clients" / "kafka_python.py"]

    return Client("kafka-python", fixed(version), prepare, pythonic, without, "1" if version < "3" else "all", quick=quick)


def confluent_python(version, librdkafka, quick=False):
    return Client("confluent-kafka-python", fixed(f"{version} (librdkafka {librdkafka})"),
                  lambda: [building.python(f"confluent-kafka-{version}", f"confluent-kafka=={version}"),
                           building.CLIENTS / "confluent.py"], LIBRDKAFKA, quick=quick)


def aiokafka(version):
    return Client("aiokafka", fixed(version),
                  lambda: [building.python(f"aiokafka-{version}", f"aiokafka[lz4,snappy,zstd]=={version}"),
                           building.CLIENTS / "aiokafka_client.py"], pythonic,
                  {"null header": "encodes header values without a check for null",
                   "null key and value": "asks for a key or a value"}, "1")


def go(name, source, module, version, spell=NEUTRAL, without=None, acks="all", note=""):
    return Client(name, fixed(version + note), lambda: [building.go(source, module, f"v{version}")], spell, without or {}, acks)


def rust(name, source, version, dependencies, spell=NEUTRAL, without=None, acks="all", note=""):
    return Client(name, fixed(version + note), lambda: [building.rust(source, *dependencies)], spell, without or {}, acks)


def node(name, source, version, packages, spell=NEUTRAL, without=None, acks="all", runtime=None, note=lambda: ""):
    return Client(name, lambda: version + note(), lambda: building.node(source, *packages, runtime=runtime), spell,
                  without or {}, acks)


def librdkafka_c():
    return Client("librdkafka (C, Debian's)", lambda: building.debian_version("librdkafka1"),
                  lambda: [building.c("librdkafka", "librdkafka-dev", "-lrdkafka")], LIBRDKAFKA)


NO_ZSTD = {"zstd": "has no zstd before 2.1"}
TOKIO = 'tokio = {{ version = "1", features = [{}] }}'

CLIENTS = [
    java("0.11.0.3", NO_ZSTD), java("1.0.2", NO_ZSTD), java("2.0.1", NO_ZSTD), java("2.8.2"),
    java("3.9.2", quick=True), java("4.4.0", quick=True),
    librdkafka_c(),
    confluent_python("1.9.2", "1.9.2"), confluent_python("2.16.1", "2.16.0", quick=True),
    go("confluent-kafka-go", "confluent", "github.com/confluentinc/confluent-kafka-go/v2", "2.11.1", LIBRDKAFKA,
       note=" (librdkafka 2.11.1)"),
    rust("rust-rdkafka", "rust_rdkafka", "0.39.0", ['rdkafka = { version = "=0.39.0", features = ["zstd"] }',
                                                   TOKIO.format('"rt", "macros"')], LIBRDKAFKA, note=" (librdkafka 2.12.1)"),
    node("node-rdkafka", "node_rdkafka", "3.6.1", ["node-rdkafka@3.6.1"], LIBRDKAFKA, {
        "empty key": "sends it as null", "empty value": "sends it as null", "null header": "sends the text null",
        "header bytes that are not UTF-8": "makes text of them"},
         note=lambda: f" (librdkafka {building.debian_version('librdkafka1')})"),
    kafka_python("2.0.2", ["lz4==4.4.5", "zstandard==0.25.0", "python-snappy==0.7.3", "crc32c==2.8"], {
        **NO_IDEMPOTENCE, "not idempotent": "has no such setting: the same as defaults",
        "null header": "encodes header values without a check for null",
        "null key and value": "asks for a key or a value"}),
    kafka_python("3.0.12", ["lz4==4.4.5", "zstandard==0.25.0", "python-snappy==0.7.3", "crc32c==2.8"], {
        "null header": "encodes header values without a check for null",
        "null key and value": "asks for a key or a value"}),
    aiokafka("0.14.0"),
    node("kafkajs", "kafkajs", "2.2.4", ["kafkajs@2.2.4", "kafkajs-snappy@1.1.0", "kafkajs-lz4@1.2.1"], without={
        "zstd": "its zstd package does not build", "linger 0": "does not linger: a call is a request",
        "null header": "encodes header values without a check for null"}),
    node("@platformatic/kafka", "platformatic", "2.12.1", ["@platformatic/kafka@2.12.1"], runtime=NODE_RUNTIME, without={
        "linger 0": "send() does not linger: a call is a request",
        "repeated header": "holds headers in a map by name",
        "timestamp far from the batch's first": "encodes differences of 2^31 ms and more wrongly"}),
    go("Sarama", "sarama", "github.com/IBM/sarama", "1.61.1", acks="1"),
    go("franz-go", "franz", "github.com/twmb/franz-go", "1.22.2"),
    go("segmentio/kafka-go", "kafka_go", "github.com/segmentio/kafka-go", "0.4.51", acks="0", without={
        **NO_IDEMPOTENCE, "not idempotent": "has no such setting: the same as defaults"}),
    rust("rskafka", "rskafka", "0.6.0", ['rskafka = "=0.6.0"', 'chrono = "=0.4.42"', TOKIO.format('"rt", "macros"')], without={
        **NO_IDEMPOTENCE, "not idempotent": "has no such setting: the same as defaults",
        "acks 0": "always asks for all", "acks 1": "always asks for all", "linger 0": "does not linger: a call is a request",
        "null header": "its type for header values has no null", "repeated header": "holds headers in a map by name",
        "headers out of order": "sorts them by name"}),
    rust("kafka-rust", "kafka_rust", "0.10.0", ['kafka = { version = "=0.10.0", default-features = false, '
                                               'features = ["gzip", "snappy"] }'], acks="1", without={
        **NO_IDEMPOTENCE, "not idempotent": "has no such setting: the same as defaults",
        "lz4": "has gzip and snappy only", "zstd": "has gzip and snappy only", "linger 0": "does not linger: a call is a request",
        "headers": "speaks Produce 0, which has none", "timestamp": "speaks Produce 0, which has none",
        "empty key": "sends it as null", "empty value": "sends it as null"}),
    *programs.clients(Client, JAVA, LIBRDKAFKA),
]
