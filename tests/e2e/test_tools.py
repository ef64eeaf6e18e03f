"""The tools that people use beside their producers, unmodified: what they print and what it did.

What they print of a real Kafka 3.9.2 and 4.3.1 was looked at first; where Sluice says something else on
purpose, the test says so.
"""

import os
import re
import shutil
import subprocess
import time

import confluent_kafka
import pytest
from producers import CACHE, HERE, Failed, confluent, java_classes, kcat
from records import BASE_MS, Record, read
from tools import KafkaTools


@pytest.fixture(params=[3, 4], ids=["3.9", "4.x"])
def tools(request, sluice):
    return KafkaTools(request.param, sluice.address)


def answers(text):
    """Of a program that prints "name value" by line."""
    return dict(line.split(" ", 1) for line in text.splitlines())


# --- kafka-topics ---


@pytest.mark.timeout(600)  # a dozen of Java's starts
def test_kafka_topics_creates_shows_grows_and_deletes(tools, topic):
    out = tools.works("kafka-topics", "--create", "--topic", topic, "--partitions", "2",
                      "--config", "retention.ms=3600000")
    assert f"Created topic {topic}." in out
    assert topic in tools.works("kafka-topics", "--list").split()
    told = tools("kafka-topics", "--create", "--topic", topic)
    assert told.status == 1 and f"Topic '{topic}' already exists" in told.all

    shown = tools.works("kafka-topics", "--describe", "--topic", topic)
    assert re.search(rf"Topic: {topic}\tTopicId: \S{{22}}\tPartitionCount: 2\tReplicationFactor: \d+\tConfigs: "
                     r"\S*retention.ms=3600000", shown), shown
    assert len(re.findall(r"Partition: \d\tLeader: \d+\tReplicas: \d+\S*\tIsr: \d+", shown)) == 2, shown
    assert tools.works("kafka-topics", "--describe", "--topic", topic, "--unavailable-partitions").strip() == ""
    assert tools.works("kafka-topics", "--describe", "--topic", topic, "--under-replicated-partitions").strip() == ""

    tools.works("kafka-topics", "--alter", "--topic", topic, "--partitions", "4")
    assert "PartitionCount: 4" in tools.works("kafka-topics", "--describe", "--topic", topic)
    told = tools("kafka-topics", "--alter", "--topic", topic, "--partitions", "1")
    assert told.status == 1 and "4" in told.all, told.all

    tools.works("kafka-topics", "--delete", "--topic", topic)
    assert topic not in tools.works("kafka-topics", "--list").split()
    told = tools("kafka-topics", "--delete", "--topic", topic)
    assert told.status == 1 and "does not exist as expected" in told.all


def test_kafka_topics_is_told_why_a_topic_cannot_be(tools, topic):
    for arguments, reason in ((["--topic", "no/such"], "no/such"),
                              (["--topic", topic, "--config", "no.such.setting=1"], "no.such.setting"),
                              (["--topic", topic, "--config", "cleanup.policy=compact"], "cleanup.policy"),
                              (["--topic", topic, "--partitions", "100000000"], "100000000")):
        told = tools("kafka-topics", "--create", *arguments)
        assert told.status == 1 and reason in told.all, told.all
    assert topic not in tools.works("kafka-topics", "--list").split()


def test_a_topic_that_was_grown_takes_records_in_its_new_partitions(sluice, cassandra, topic):
    tools = KafkaTools(4, sluice.address)
    confluent(sluice.address, topic, [Record(2, BASE_MS, b"k", b"before")])
    tools.works("kafka-topics", "--alter", "--topic", topic, "--partitions", "6")
    confluent(sluice.address, topic, [Record(5, BASE_MS, b"k", b"after")])
    rows = read(cassandra, sluice.keyspace, topic)
    assert [(row.partition, row.record.value) for row in rows] == [(2, b"before"), (5, b"after")]


def test_a_deleted_topic_takes_no_records_and_made_again_it_is_empty(sluice, cassandra, topic):
    tools = KafkaTools(4, sluice.address)
    confluent(sluice.address, topic, [Record(0, BASE_MS, b"k", b"old %d" % i) for i in range(10)])
    first = tools.works("kafka-topics", "--describe", "--topic", topic)
    tools.works("kafka-topics", "--delete", "--topic", topic)
    with pytest.raises(Failed):
        confluent(sluice.address, topic, [Record(0, BASE_MS, b"k", b"lost")], allow_auto_create_topics=False,
                  within=20, message_timeout_ms=5000)
    tools.works("kafka-topics", "--create", "--topic", topic, "--partitions", "1")
    second = tools.works("kafka-topics", "--describe", "--topic", topic)
    of = re.compile(r"TopicId: (\S+)")
    assert of.search(first)[1] != of.search(second)[1]
    acks = confluent(sluice.address, topic, [Record(0, BASE_MS, b"k", b"new")])
    assert acks[0].offset == 0
    # Late writes of the old one must not meet it: its table has another name, which the database tells.
    ((table,),) = cassandra.query(f"SELECT table_name FROM {sluice.keyspace}.sluice_topics WHERE topic = '{topic}'")
    assert table != topic
    assert [row.record.value for row in read(cassandra, sluice.keyspace, table)] == [b"new"]


# --- kafka-configs ---


def settings_of(text):
    """{name: (value, line)} of kafka-configs --describe."""
    lines = [line.strip() for line in text.splitlines()[1:]]
    return {line.split("=", 1)[0]: (line.split("=", 1)[1].split(" sensitive")[0], line) for line in lines if line}


def configs(tools, topic, *arguments):
    return tools("kafka-configs", *arguments, "--entity-type", "topics", "--entity-name", topic)


def test_kafka_configs_shows_and_changes_a_topics_settings(tools, topic):
    tools.works("kafka-topics", "--create", "--topic", topic, "--config", "retention.ms=3600000")
    told = configs(tools, topic, "--alter", "--add-config",
                   "max.message.bytes=200000,message.timestamp.type=LogAppendTime")
    assert told.status == 0 and f"Completed updating config for topic {topic}." in told.out, told.all
    told = configs(tools, topic, "--alter", "--delete-config", "retention.ms")
    assert told.status == 0, told.all

    own = settings_of(configs(tools, topic, "--describe").out)
    assert {name: value for name, (value, _) in own.items()} == {
        "max.message.bytes": "200000", "message.timestamp.type": "LogAppendTime"}
    assert "synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=200000, DEFAULT_CONFIG:message.max.bytes=" in \
        own["max.message.bytes"][1]
    everything = settings_of(configs(tools, topic, "--describe", "--all").out)
    assert everything["max.message.bytes"][0] == "200000"
    assert everything["cleanup.policy"][0] == "delete"
    assert everything["retention.ms"][0] == "-1"  # Kafka: a week. Here: for ever, unless somebody says otherwise


@pytest.mark.parametrize("setting", ["no.such.setting=1", "cleanup.policy=compact", "segment.ms=1000",
                                     "retention.ms=soon", "max.message.bytes=-7", "compression.type=best"])
def test_a_setting_that_cannot_be_is_refused_with_its_name(sluice, topic, setting):
    tools = KafkaTools(4, sluice.address)
    tools.works("kafka-topics", "--create", "--topic", topic)
    told = configs(tools, topic, "--alter", "--add-config", setting)
    assert told.status == 1 and "InvalidConfigurationException" in told.all, told.all
    assert setting.split("=")[0] in told.all
    assert settings_of(configs(tools, topic, "--describe").out) == {}


def compression(cassandra, keyspace, table):
    """What the database says of the table's compression: its options, the class without its package."""
    ((told,),) = cassandra.query("SELECT compression FROM system_schema.tables "
                                 f"WHERE keyspace_name = '{keyspace}' AND table_name = '{table}'")
    return {name: value.rsplit(".", 1)[-1] for name, value in told.items()}


def test_compression_type_is_the_compression_of_the_topics_table(tools, sluice, cassandra, topic):
    tools.works("kafka-topics", "--create", "--topic", topic, "--config", "compression.type=zstd")
    assert compression(cassandra, sluice.keyspace, topic)["class"] == "ZstdCompressor"
    own = settings_of(configs(tools, topic, "--describe").out)
    assert own["compression.type"][0] == "zstd" and "DEFAULT_CONFIG:compression.type=producer" in own["compression.type"][1]

    assert configs(tools, topic, "--alter", "--add-config", "compression.type=uncompressed").status == 0
    assert compression(cassandra, sluice.keyspace, topic) == {"enabled": "false"}
    confluent(sluice.address, topic, [Record(0, BASE_MS, b"k", b"v" * 1000)], compression_type="zstd")
    assert [row.record.value for row in read(cassandra, sluice.keyspace, topic)] == [b"v" * 1000]

    assert configs(tools, topic, "--alter", "--delete-config", "compression.type").status == 0
    assert settings_of(configs(tools, topic, "--describe").out) == {}
    assert settings_of(configs(tools, topic, "--describe", "--all").out)["compression.type"][0] == "producer"
    assert compression(cassandra, sluice.keyspace, topic) == compression(cassandra, sluice.keyspace, "sluice_topics")


@pytest.mark.parametrize("value, wanted", [("lz4", "LZ4Compressor"), ("snappy", "SnappyCompressor"),
                                           ("gzip", "DeflateCompressor")])
def test_each_compression_is_one_that_the_database_has(sluice, cassandra, topic, value, wanted):
    tools = KafkaTools(4, sluice.address)
    tools.works("kafka-topics", "--create", "--topic", topic)
    assert configs(tools, topic, "--alter", "--add-config", f"compression.type={value}").status == 0
    assert compression(cassandra, sluice.keyspace, topic)["class"] == wanted


def test_a_changed_limit_holds_for_the_next_record(sluice, cassandra, topic):
    tools = KafkaTools(4, sluice.address)
    big = [Record(0, BASE_MS, b"k", os.urandom(50_000))]
    confluent(sluice.address, topic, big)
    assert configs(tools, topic, "--alter", "--add-config", "max.message.bytes=10000").status == 0
    with pytest.raises(Failed, match="(?i)message size too large|MSG_SIZE_TOO_LARGE"):
        confluent(sluice.address, topic, big)
    confluent(sluice.address, topic, [Record(0, BASE_MS, b"k", b"small")])
    assert configs(tools, topic, "--alter", "--delete-config", "max.message.bytes").status == 0
    confluent(sluice.address, topic, big)
    assert [len(row.record.value) for row in read(cassandra, sluice.keyspace, topic)] == [50_000, 5, 50_000]


def test_log_append_time_set_on_a_topic_replaces_the_producers_timestamps(sluice, cassandra, topic):
    tools = KafkaTools(4, sluice.address)
    tools.works("kafka-topics", "--create", "--topic", topic, "--config", "message.timestamp.type=LogAppendTime")
    before = time.time() * 1000
    confluent(sluice.address, topic, [Record(0, BASE_MS, b"k", b"v")])
    stored = read(cassandra, sluice.keyspace, topic)[0].record.timestamp
    assert before - 1000 <= stored <= time.time() * 1000 + 1000


def test_kafka_configs_shows_the_broker_and_that_there_are_no_users(tools):
    out = tools.works("kafka-configs", "--describe", "--entity-type", "brokers", "--all")
    assert "configs for broker" in out
    assert tools.works("kafka-configs", "--describe", "--entity-type", "users").strip() == ""


# --- kafka-get-offsets, kafka-console-producer, kafka-producer-perf-test ---


def test_kafka_get_offsets_shows_the_ends_and_finds_times(tools, topic):
    sent = [Record(i % 2, BASE_MS + i * 1000, b"k", b"v") for i in range(20)]
    confluent(tools.address, topic, sent)

    def offsets(*arguments):
        out = tools.works("kafka-get-offsets", "--topic", topic, *arguments)
        return dict(line.rsplit(":", 1) for line in out.split())

    assert offsets() == {f"{topic}:0": "10", f"{topic}:1": "10", f"{topic}:2": "0"}
    assert offsets("--time", "latest") == offsets()
    assert offsets("--time", "earliest") == {f"{topic}:0": "0", f"{topic}:1": "0", f"{topic}:2": "0"}
    # A time finds the first record at it or after; partitions without one are not shown.
    assert offsets("--time", str(BASE_MS)) == {f"{topic}:0": "0", f"{topic}:1": "0"}
    assert offsets("--time", str(BASE_MS + 10_001)) == {f"{topic}:0": "6", f"{topic}:1": "5"}
    assert offsets("--time", str(BASE_MS + 18_500)) == {f"{topic}:1": "9"}
    assert offsets("--time", str(BASE_MS + 60_000)) == {}


def test_librdkafka_asks_for_watermarks_and_times(sluice, topic):
    sent = [Record(0, BASE_MS + i * 1000, b"k", b"v") for i in range(10)]
    confluent(sluice.address, topic, sent)
    consumer = confluent_kafka.Consumer({"bootstrap.servers": sluice.address, "group.id": "none"})
    partition = confluent_kafka.TopicPartition(topic, 0)
    assert consumer.get_watermark_offsets(partition, timeout=20) == (0, 10)
    asked = confluent_kafka.TopicPartition(topic, 0, BASE_MS + 3500)
    assert consumer.offsets_for_times([asked], timeout=20)[0].offset == 4
    consumer.close()


def test_kafka_console_producer_writes_lines(tools, sluice, cassandra, topic):
    lines = [f"key {i}\tvalue {i}" for i in range(200)]
    tools.works("kafka-console-producer", "--topic", topic, "--property", "parse.key=true", stdin="\n".join(lines) + "\n")
    rows = read(cassandra, sluice.keyspace, topic)
    assert sorted(row.record.key + b"\t" + row.record.value for row in rows) == sorted(line.encode() for line in lines)


def test_kafka_producer_perf_test_counts_what_is_stored(tools, sluice, cassandra, topic):
    out = tools.works("kafka-producer-perf-test", "--topic", topic, "--num-records", "5000", "--record-size", "100",
                      "--throughput", "-1")
    assert re.search(r"^5000 records sent, ", out, re.MULTILINE), out
    rows = read(cassandra, sluice.keyspace, topic)
    assert len(rows) == 5000 and {len(row.record.value) for row in rows} == {100}


# --- what a console asks first ---


def test_kafka_broker_api_versions_lists_what_is_served(tools, sluice):
    out = tools.works("kafka-broker-api-versions")
    assert out.startswith(f"{sluice.address} (id: "), out
    served = dict(re.findall(r"^\t(\w+)\(\d+\): (\d+(?: to \d+)?) \[usable: \d+\]", out, re.MULTILINE))
    assert served["Produce"] == "0 to 13"
    assert {"Metadata", "CreateTopics", "DeleteTopics", "CreatePartitions", "DescribeConfigs", "AlterConfigs",
            "IncrementalAlterConfigs", "DescribeCluster", "ListOffsets", "InitProducerId"} <= set(served)
    # No API of consumers' groups or transactions, and none that the client does not know.
    assert not {"JoinGroup", "OffsetCommit", "AddPartitionsToTxn", "EndTxn"} & set(served)
    assert "unusable" not in out


def test_tools_find_no_groups_no_transactions_no_moves_and_no_access_lists(tools, topic):
    tools.works("kafka-topics", "--create", "--topic", topic)
    assert tools.works("kafka-consumer-groups", "--list").strip() == ""
    assert tools.works("kafka-transactions", "list").split() == [
        "TransactionalId", "Coordinator", "ProducerId", "TransactionState"]
    assert "No partition reassignments found." in tools.works("kafka-reassign-partitions", "--list")
    told = tools("kafka-acls", "--list")
    assert "SecurityDisabledException" in told.all, told.all


def test_kafka_transactions_shows_an_idempotent_producer(tools, topic):
    confluent(tools.address, topic, [Record(0, BASE_MS, b"k", b"v")], enable_idempotence=True)
    out = tools.works("kafka-transactions", "describe-producers", "--topic", topic, "--partition", "0")
    names, *rows = [line.split() for line in out.strip().splitlines()]
    assert len(rows) == 1, out
    producer = dict(zip(names, rows[0]))
    assert int(producer["ProducerId"]) >= 0 and producer["ProducerEpoch"] == "0" and producer["LastSequence"] == "0"
    assert producer["CurrentTransactionStartOffset"] == "None"


def test_kcat_lists_a_topic_that_a_tool_made(sluice, topic):
    KafkaTools(4, sluice.address).works("kafka-topics", "--create", "--topic", topic, "--partitions", "5")
    listing = kcat("-L", "-b", sluice.address, "-t", topic)
    assert f"at {sluice.address}" in listing
    assert re.search(rf'topic "{topic}" with 5 partitions', listing), listing
    assert len(re.findall(r"partition \d, leader \d+, replicas: \d+, isrs: \d+", listing)) == 5, listing


# --- admin clients ---


def admin_acts(program, version, address, topic):
    done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", java_classes(version, program),
                           program, address, topic], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-3000:]
    return answers(done.stdout)


@pytest.mark.parametrize("version", [3, 4])
def test_a_web_console_finds_its_way_with_the_java_clients(sluice, topic, version):
    """What Kafbat, AKHQ and Kafdrop ask first, each answered usefully or refused with the right code."""
    confluent(sluice.address, topic, [Record(i % 2, BASE_MS + i, b"k", b"v") for i in range(10)], enable_idempotence=True)
    told = admin_acts("ConsoleActs", version, sluice.address, topic)
    assert told["cluster"] == f"[{sluice.port}]" and told["features"] == "{}"
    assert told["quorum"].startswith("error UnsupportedVersionException ")  # not advertised: consoles do without
    assert told["acls"].startswith("error SecurityDisabledException ")
    assert told["broker"] == told["topics"] == "true" and told["topic"] == "delete"
    assert told["log_dirs"] == f"1 directories, 0 replicas, cassandra:{sluice.keyspace}"
    assert told["groups"] == "[]" and told["reassignments"] == told["users"] == "{}" and told["producers"] == "1"
    assert told["group"].startswith("error GroupAuthorizationException ")
    assert told["begins"] == "[0]" and told["ends"] == "[0, 5]" and told["consumer_topics"] == "true"
    assert told["messages"].startswith("error TopicAuthorizationException ")  # records are read in Cassandra


@pytest.mark.parametrize("version", [3, 4])
def test_the_java_admin_client_manages_a_topic(sluice, topic, version):
    told = admin_acts("AdminActs", version, sluice.address, topic)
    assert told["validated"].startswith("2 partitions, ") and told["not_listed"] == "true"
    assert re.fullmatch(r"2 partitions, \d+ replicas, retention.ms=3600000 from DYNAMIC_TOPIC_CONFIG, id true",
                        told["created"]), told["created"]
    assert told["created_again"].startswith("error TopicExistsException ")
    assert told["set"] == told["set_back"] == "done"
    assert told["set_nothing"].startswith("error InvalidConfigurationException ")
    assert told["compressed"] == "lz4 from DYNAMIC_TOPIC_CONFIG as STRING"
    assert told["compressed_badly"].startswith("error InvalidConfigurationException ")
    assert told["compressed_as_before"] == "producer from DEFAULT_CONFIG as STRING"
    assert told["cluster"] == "1 nodes, controller true, id true" and told["operations"] == "true"
    assert told["listed"] == "true" and told["described"] == "2 partitions, leaders [true, true]"
    assert told["retention.ms"] == "-1 from DEFAULT_CONFIG as LONG"
    assert told["max.message.bytes"] == "100000 from DYNAMIC_TOPIC_CONFIG as INT"
    assert told["latest"] == told["earliest"] == "{0=0, 1=0}" and told["at_2030"] == "{0=-1, 1=-1}"
    assert told["groups"] == "[]" and told["reassignments"] == "{}" and told["transactions"] == "[]"
    assert told["acls"].startswith("error SecurityDisabledException ") and told["quotas"] == "{}"
    assert told["features"] == "{}"
    assert told["grown"] == "4 partitions, leaders [true, true, true, true]"
    assert told["shrunk"].startswith("error InvalidPartitionsException ")
    assert told["deleted"] == "null" and told["gone"] == "true"
    assert told["deleted_again"].startswith("error UnknownTopicOrPartitionException ")


@pytest.mark.parametrize("version", ["0.11.0.3", "2.8.2"])
def test_old_java_admin_clients_manage_a_topic(sluice, topic, version):
    if not (CACHE / f"kafka-{version}").is_dir():
        pytest.skip(f"kafka-{version} is not installed: tests/interop does")
    told = admin_acts("OldAdminActs", version, sluice.address, topic)
    assert told["validated"] == told["created"] == told["replaced"] == "done"
    assert told["created_again"].startswith("error TopicExistsException ")
    assert told["cluster"] == "1 nodes, controller true, id true"
    assert told["listed"] == "true" and told["described"] == "2 partitions"
    # The last answer for it: AlterConfigs has replaced all settings of the topic.
    assert told["retention.ms"] == "-1 default true" and told["max.message.bytes"] == "100000 default false"
    assert told["replaced_nothing"].startswith("error InvalidConfigurationException ")
    assert told["deleted"] == "null" and told["gone"] == "true"
    assert told["deleted_again"].startswith("error UnknownTopicOrPartitionException ")


@pytest.fixture(scope="session")
def kadm(tmp_path_factory):
    if shutil.which("go") is None:
        pytest.skip("there is no Go")
    program = tmp_path_factory.mktemp("kadm") / "kadm"
    subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "clients" / "kadm", check=True)
    return program


def test_kadm_manages_a_topic(kadm, sluice, topic):
    done = subprocess.run([kadm, sluice.address, topic], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    told = answers(done.stdout)
    assert re.fullmatch(r"2 partitions, \d+ replicas, retention.ms=3600000", told["created"]), told["created"]
    assert told["validated"] == told["created"]
    assert told["created_again"].startswith("error TOPIC_ALREADY_EXISTS ")
    assert told["set"] == told["set_back"] == "done"
    assert told["set_nothing"].startswith("error INVALID_CONFIG ") and "no.such.setting" in told["set_nothing"]
    assert told["cluster"] == "1 nodes, controller true, id true" and told["described"] == "2 partitions"
    assert told["retention.ms"] == "-1 from DEFAULT_CONFIG"
    assert told["max.message.bytes"] == "100000 from DYNAMIC_TOPIC_CONFIG"
    assert told["latest"] == told["earliest"] == told["at_2030"] == "map[0:0 1:0]"
    assert told["groups"] == told["reassignments"] == told["transactions"] == "0"
    assert told["acls"].startswith("error SECURITY_DISABLED")
    # Redpanda Console's, beside these
    assert told["log_dirs"] == f"1: cassandra:{sluice.keyspace} 0 bytes" and told["broker"] == "true"
    assert told["grown"] == "done" and told["shrunk"].startswith("error INVALID_PARTITIONS ")
    assert told["deleted"] == "done" and told["deleted_again"].startswith("error UNKNOWN_TOPIC_OR_PARTITION")
