"""Cases of the APIs for tools. Topics that a case makes have the name of its own topic (Server.own_topic)."""

import struct

import schema_admin as a
from case import SHARED, Case, Step
from records import TIME
from schema import INIT_PRODUCER_ID, METADATA, PRODUCE
from wire import batch, record

UNKNOWN_ID = "11111111-2222-3333-4444-555555555555"
ZERO_ID = bytes(16)
TOPIC, BROKER = 2, 4
SET, DELETE, APPEND, SUBTRACT = range(4)


def own(name):
    return name.own_topic if hasattr(name, "own_topic") else name


def codes(value):
    """All error codes in a reply."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name == "error_code" else codes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from codes(inner)


def shown(codes_wanted=(0,)):
    """Metadata of the case's own topic, asked until brokers and partitions know of the change before it."""
    return Step(METADATA, 8, lambda s: {"topics": [{"name": s.own_topic}]},
                again=lambda reply: not set(codes(reply)) <= set(codes_wanted))


# ---- CreateTopics


def create(version=7, again=None, validate_only=False, timeout_ms=15000, **topic):
    return Step(a.CREATE_TOPICS, version,
                lambda s: {"topics": [{"name": s.own_topic, **topic}], "validate_only": validate_only,
                           "timeout_ms": timeout_ms}, again=again)


def create_topics():
    for version in range(8):
        yield Case(f"CreateTopics v{version}", [create(version, num_partitions=2), shown()])
        yield Case(f"CreateTopics v{version} of one that is there",
                   [Step(a.CREATE_TOPICS, version, {"topics": [{"name": SHARED}]})])
        yield Case(f"CreateTopics v{version} of a bad name",
                   [Step(a.CREATE_TOPICS, version, {"topics": [{"name": "sl/ash"}]})])
        yield Case(f"CreateTopics v{version} with the broker's defaults",
                   [create(version, num_partitions=-1, replication_factor=-1)])
        if version > 0:
            yield Case(f"CreateTopics v{version}, validating only",
                       [create(version, validate_only=True, num_partitions=2), shown((3,))])
    for name in ("", ".", "..", "a" * 250, "spaces are not", "\u00fc"):
        for validate_only in (False, True):
            yield Case(f"CreateTopics of the name {name[:20]!r}, validating only: {validate_only}",
                       [Step(a.CREATE_TOPICS, 7, {"topics": [{"name": name}], "validate_only": validate_only})])
    for count in (0, -1, -2, 1_000_000, 2**31 - 1):
        yield Case(f"CreateTopics with {count} partitions", [create(num_partitions=count)])
    for factor in (0, -1, -2, 2, 32767):
        yield Case(f"CreateTopics with {factor} replicas", [create(replication_factor=factor)])
    for name, configs in {
        "retention.ms": [("retention.ms", "3600000")],
        "two": [("max.message.bytes", "100000"), ("message.timestamp.type", "LogAppendTime")],
        "no number": [("retention.ms", "soon")],
        "out of range": [("max.message.bytes", "-7")],
        "no such word": [("message.timestamp.type", "Sometimes")],
        "unknown": [("no.such.setting", "1")],
        "no name": [("", "1")],
        "null": [("retention.ms", None)],
        "one twice": [("retention.ms", "3600000"), ("retention.ms", "7200000")],
        "compaction": [("cleanup.policy", "compact")],
        "compression": [("compression.type", "zstd")],
        "no compression of that name": [("compression.type", "best")],
        "segment size": [("segment.bytes", "10485760")],
        "more copies than there are": [("min.insync.replicas", "2")],
        "a default's own value": [("cleanup.policy", "delete"), ("compression.type", "producer")],
    }.items():
        settings = [{"name": key, "value": value} for key, value in configs]
        for validate_only in (False, True):
            yield Case(f"CreateTopics with settings: {name}, validating only: {validate_only}",
                       [create(configs=settings, validate_only=validate_only)])
    assigned = [{"partition_index": 0, "broker_ids": [1]}]
    yield Case("CreateTopics with assignments", [create(num_partitions=-1, replication_factor=-1, assignments=assigned)])
    yield Case("CreateTopics with assignments and a count", [create(num_partitions=1, assignments=assigned)])
    yield Case("CreateTopics of nothing", [Step(a.CREATE_TOPICS, 7, {"topics": []})])
    yield Case("CreateTopics of one twice", [Step(a.CREATE_TOPICS, 7, lambda s: {
        "topics": [{"name": s.own_topic}, {"name": s.own_topic}]}), shown((3,))])
    yield Case("CreateTopics of one good and one bad", [Step(a.CREATE_TOPICS, 7, lambda s: {
        "topics": [{"name": s.own_topic}, {"name": "sl/ash"}]}), shown()])
    yield Case("CreateTopics of names that collide", [create(), shown(), Step(a.CREATE_TOPICS, 7, lambda s: {
        "topics": [{"name": s.own_topic.replace("_", ".")}]})])


# ---- DeleteTopics


def delete(version=6, own_topic=True, **values):
    def of(server):
        if values:
            return values
        named = {"topics": [{"name": server.own_topic}]} if version >= 6 else {"topic_names": [server.own_topic]}
        return named
    return Step(a.DELETE_TOPICS, version, of, own=own_topic)


def delete_topics():
    for version in range(7):
        yield Case(f"DeleteTopics v{version}", [delete(version), shown((3,))])
        unknown = {"topics": [{"name": "nobody"}]} if version >= 6 else {"topic_names": ["nobody"]}
        yield Case(f"DeleteTopics v{version} of an unknown one", [Step(a.DELETE_TOPICS, version, unknown)])
    yield Case("DeleteTopics by id", [Step(a.DELETE_TOPICS, 6, lambda s: {
        "topics": [{"name": None, "topic_id": s.topic_id(s.own_topic)}]}, own=True), shown((3,))])
    yield Case("DeleteTopics and again", [delete(), shown((3,)), delete()])
    for name, topics in {
        "an unknown id": [{"name": None, "topic_id": UNKNOWN_ID}],
        "neither name nor id": [{"name": None, "topic_id": ZERO_ID}],
        "a name and an id": [{"name": "nobody", "topic_id": UNKNOWN_ID}],
        "one twice": [{"name": "nobody"}, {"name": "nobody"}],
        "an id twice": [{"name": None, "topic_id": UNKNOWN_ID}] * 2,
        "a bad name": [{"name": "sl/ash"}],
        "an empty name": [{"name": ""}],
        "nothing": [],
    }.items():
        yield Case(f"DeleteTopics of {name}", [Step(a.DELETE_TOPICS, 6, {"topics": topics})])
    yield Case("DeleteTopics of one by name and by id", [Step(a.DELETE_TOPICS, 6, lambda s: {"topics": [
        {"name": s.own_topic}, {"name": None, "topic_id": s.topic_id(s.own_topic)}]}, own=True)])
    yield Case("DeleteTopics, then a record by name",
               [delete(), shown((3,)), Step(PRODUCE, 9, lambda s: {"topics": [
                   {"name": s.own_topic, "partitions": [{"index": 0, "records": batch()}]}]})])


# ---- CreatePartitions


def grow(count, version=3, validate_only=False, **more):
    return Step(a.CREATE_PARTITIONS, version, lambda s: {
        "topics": [{"name": s.own_topic, "count": count, **more}], "validate_only": validate_only}, own=True)


def has_partitions(count):
    return Step(METADATA, 8, lambda s: {"topics": [{"name": s.own_topic}]},
                again=lambda reply: set(codes(reply)) != {0} or len(reply["topics"][0]["partitions"]) != count)


def create_partitions():
    for version in range(4):
        yield Case(f"CreatePartitions v{version}", [grow(5, version), has_partitions(5)])
        yield Case(f"CreatePartitions v{version}, validating only",
                   [grow(5, version, validate_only=True), has_partitions(3)])
        yield Case(f"CreatePartitions v{version} of an unknown topic",
                   [Step(a.CREATE_PARTITIONS, version, {"topics": [{"name": "nobody", "count": 9}]})])
    for count in (3, 1, 0, -1):  # a million takes Kafka's own controller down for minutes
        yield Case(f"CreatePartitions to {count}", [grow(count)])
    yield Case("CreatePartitions with assignments", [grow(5, assignments=[{"broker_ids": [1]}] * 2)])
    yield Case("CreatePartitions with too few assignments", [grow(5, assignments=[{"broker_ids": [1]}])])
    yield Case("CreatePartitions of nothing", [Step(a.CREATE_PARTITIONS, 3, {"topics": []})])
    yield Case("CreatePartitions of one twice", [Step(a.CREATE_PARTITIONS, 3, {
        "topics": [{"name": SHARED, "count": 9}, {"name": SHARED, "count": 10}]})])
    yield Case("CreatePartitions of a bad name", [Step(a.CREATE_PARTITIONS, 3, {"topics": [{"name": "sl/ash", "count": 9}]})])
    yield Case("CreatePartitions, then a record for the new one", [grow(4), has_partitions(4), Step(
        PRODUCE, 9, lambda s: {"topics": [{"name": s.own_topic, "partitions": [{"index": 3, "records": batch()}]}]})])


# ---- settings

MEANT = ["retention.ms", "max.message.bytes", "message.timestamp.type", "cleanup.policy", "compression.type",
         "message.timestamp.before.max.ms", "message.timestamp.after.max.ms", "min.insync.replicas"]


def describe(name, version=4, kind=TOPIC, keys=None, **more):
    return Step(a.DESCRIBE_CONFIGS, version, {"resources": [
        {"resource_type": kind, "resource_name": name, "configuration_keys": keys}], **more})


DEFAULTS = {"retention.ms": "-1", "max.message.bytes": "1048588", "message.timestamp.before.max.ms": str(2**63 - 1)}


def settings_are(**changed):
    """The case's own topic has these values (_ for .); asked again as Kafka's controller answers before its broker has it."""
    changed = {name.replace("_", "."): value for name, value in changed.items()}
    wanted = {**{name: DEFAULTS[name] for name in ("retention.ms", "max.message.bytes")}, **changed}
    return Step(a.DESCRIBE_CONFIGS, 4, lambda s: {"resources": [
        {"resource_name": s.own_topic, "configuration_keys": list(wanted)}], "include_synonyms": True},
        again=lambda reply: {c["name"]: c["value"] for c in reply["results"][0]["configs"]} != wanted)


def describe_configs():
    for version in range(5):
        yield Case(f"DescribeConfigs v{version} of a topic", [describe(SHARED, version)])
        yield Case(f"DescribeConfigs v{version} of some settings",
                   [describe(SHARED, version, keys=MEANT, include_synonyms=True, include_documentation=True)])
        yield Case(f"DescribeConfigs v{version} of an unknown topic", [describe("nobody", version)])
    for name, step in {
        "an unknown setting": describe(SHARED, keys=["no.such.setting"]),
        "no settings": describe(SHARED, keys=[]),
        "a bad name": describe("sl/ash"),
        "an empty name": describe(""),
        "this broker": describe("1", kind=BROKER, keys=["num.partitions", "auto.create.topics.enable",
                                                        "log.retention.ms", "message.max.bytes"]),
        "all brokers": describe("", kind=BROKER),
        "another broker": describe("99", kind=BROKER),
        "a broker without a number": describe("x", kind=BROKER),
        "a broker's loggers": describe("1", kind=8, keys=["no.such.logger"]),
        "type 0": describe(SHARED, kind=0),
        "type 3": describe(SHARED, kind=3),
        "client metrics": describe("nobody", kind=16),
        "a group": describe("nobody", kind=32),
        "type 127": describe(SHARED, kind=127),
        "nothing": Step(a.DESCRIBE_CONFIGS, 4, {"resources": []}),
        "one twice": Step(a.DESCRIBE_CONFIGS, 4, {"resources": [{"resource_name": SHARED, "configuration_keys": []}] * 2}),
    }.items():
        yield Case(f"DescribeConfigs of {name}", [step])


def change(*configs, version=1, validate_only=False, name=None, kind=TOPIC):
    """configs: (operation, name, value)."""
    return Step(a.INCREMENTAL_ALTER_CONFIGS, version, lambda s: {"resources": [
        {"resource_type": kind, "resource_name": s.own_topic if name is None else name,
         "configs": [{"operation": o, "name": n, "value": v} for o, n, v in configs]}],
        "validate_only": validate_only}, own=name is None)


def replace(*configs, version=2, validate_only=False, name=None, kind=TOPIC):
    return Step(a.ALTER_CONFIGS, version, lambda s: {"resources": [
        {"resource_type": kind, "resource_name": s.own_topic if name is None else name,
         "configs": [{"name": n, "value": v} for n, v in configs]}], "validate_only": validate_only}, own=name is None)


CHANGES = {
    "set": [(SET, "retention.ms", "3600000")],
    "several": [(SET, "retention.ms", "3600000"), (SET, "max.message.bytes", "50000"),
                (SET, "message.timestamp.type", "LogAppendTime")],
    "no number": [(SET, "retention.ms", "soon")],
    "out of range": [(SET, "max.message.bytes", "-7")],
    "no such word": [(SET, "message.timestamp.type", "Sometimes")],
    "unknown": [(SET, "no.such.setting", "1")],
    "unknown deleted": [(DELETE, "no.such.setting", None)],
    "deleted that was not set": [(DELETE, "retention.ms", None)],
    "set to null": [(SET, "retention.ms", None)],
    "one twice": [(SET, "retention.ms", "3600000"), (SET, "retention.ms", "7200000")],
    "append to a list what it has": [(APPEND, "cleanup.policy", "delete")],
    "subtract from a list what it has not": [(SUBTRACT, "cleanup.policy", "compact")],
    "append to what is no list": [(APPEND, "retention.ms", "1")],
    "operation 7": [(7, "retention.ms", "1")],
    "compaction": [(SET, "cleanup.policy", "compact")],
    "compression": [(SET, "compression.type", "lz4")],
    "no compression of that name": [(SET, "compression.type", "best")],
    "one good and one bad": [(SET, "retention.ms", "3600000"), (SET, "max.message.bytes", "-7")],
    "nothing": [],
}

CHANGED = {"set": {"retention_ms": "3600000"}, "several": {"retention_ms": "3600000", "max_message_bytes": "50000"},
           "compression": {"compression_type": "lz4"}}


def alter_configs():
    for version in range(2):
        for name, configs in CHANGES.items():
            if version == 0 and name not in CHANGED:
                continue
            yield Case(f"IncrementalAlterConfigs v{version}: {name}",
                       [change(*configs, version=version), settings_are(**CHANGED.get(name, {}))])
        yield Case(f"IncrementalAlterConfigs v{version}, validating only",
                   [change((SET, "retention.ms", "3600000"), version=version, validate_only=True),
                    settings_are()])
    yield Case("IncrementalAlterConfigs: set and back",
               [change((SET, "max.message.bytes", "50000")), settings_are(max_message_bytes="50000"),
                change((DELETE, "max.message.bytes", None)), settings_are()])
    yield Case("IncrementalAlterConfigs: compression and back",
               [change((SET, "compression.type", "gzip")), settings_are(compression_type="gzip"),
                change((DELETE, "compression.type", None)), settings_are(compression_type="producer")])
    for name, step in {
        "an unknown topic": change((SET, "retention.ms", "1"), name="nobody"),
        "a bad name": change((SET, "retention.ms", "1"), name="sl/ash"),
        "another broker": change((SET, "log.retention.ms", "1"), name="99", kind=BROKER),
        "type 3": change((SET, "retention.ms", "1"), name="x", kind=3),
        "nothing": Step(a.INCREMENTAL_ALTER_CONFIGS, 1, {"resources": []}),
        "one topic twice": Step(a.INCREMENTAL_ALTER_CONFIGS, 1, {
            "resources": [{"resource_name": SHARED, "configs": []}] * 2}),
    }.items():
        yield Case(f"IncrementalAlterConfigs of {name}", [step])
    for version in range(3):
        yield Case(f"AlterConfigs v{version}",
                   [replace(("retention.ms", "3600000"), version=version), settings_are(retention_ms="3600000"),
                    replace(("max.message.bytes", "50000"), version=version), settings_are(max_message_bytes="50000")])
        yield Case(f"AlterConfigs v{version}, validating only",
                   [replace(("retention.ms", "3600000"), version=version, validate_only=True), settings_are()])
    yield Case("AlterConfigs to nothing", [replace(("max.message.bytes", "50000")), replace(),
                                           settings_are()])
    for name, step in {
        "an unknown setting": replace(("no.such.setting", "1")),
        "no number": replace(("retention.ms", "soon")),
        "null": replace(("retention.ms", None)),
        "one twice": replace(("retention.ms", "3600000"), ("retention.ms", "7200000")),
        "an unknown topic": replace(("retention.ms", "3600000"), name="nobody"),
        "another broker": replace(("log.retention.ms", "3600000"), name="99", kind=BROKER),
    }.items():
        yield Case(f"AlterConfigs: {name}", [step])


def takes_effect():
    big = batch(record(bytes(50_000)))

    # Kafka's broker shows a setting a moment before its log has it; tests/e2e/test_tools.py shows that Sluice needs none.
    def put(records):
        return Step(PRODUCE, 9, lambda s: {"topics": [
            {"name": s.own_topic, "partitions": [{"index": 0, "records": records}]}]}, own=True, wait_s=0.5)
    yield Case("max.message.bytes holds for the next record",
               [put(big), change((SET, "max.message.bytes", "20000")), settings_are(max_message_bytes="20000"), put(big),
                put(batch()), change((DELETE, "max.message.bytes", None)), settings_are(), put(big)])
    yield Case("message.timestamp.before.max.ms holds for the next record",
               [put(batch()), change((SET, "message.timestamp.before.max.ms", "60000")),
                settings_are(message_timestamp_before_max_ms="60000"), put(batch()),
                change((DELETE, "message.timestamp.before.max.ms", None)),
                settings_are(message_timestamp_before_max_ms=DEFAULTS["message.timestamp.before.max.ms"]), put(batch())])


# ---- what there is


def describe_cluster():
    for version in range(3):
        yield Case(f"DescribeCluster v{version}", [Step(a.DESCRIBE_CLUSTER, version)])
        yield Case(f"DescribeCluster v{version} with authorized operations",
                   [Step(a.DESCRIBE_CLUSTER, version, {"include_cluster_authorized_operations": True})])
    for kind in (0, 2, 7):
        yield Case(f"DescribeCluster of endpoint type {kind}", [Step(a.DESCRIBE_CLUSTER, 1, {"endpoint_type": kind})])
    yield Case("DescribeCluster with fenced brokers", [Step(a.DESCRIBE_CLUSTER, 2, {"include_fenced_brokers": True})])


def describe_topic_partitions():
    def ask(*names, limit=2000, cursor=None, **more):
        return Step(a.DESCRIBE_TOPIC_PARTITIONS, 0, lambda s: {
            "topics": [{"name": s.own_topic if n is None else n} for n in names], "response_partition_limit": limit,
            "cursor": None if cursor is None else {"topic_name": cursor[0], "partition_index": cursor[1]}}, **more)
    for name, step in {
        "of one topic": ask(SHARED),
        "of its own topic and another": ask(None, SHARED, own=True),
        "of an unknown topic": ask("nobody"),
        "of two, one unknown": ask("nobody", SHARED),
        "of a bad name": ask("sl/ash"),
        "of an empty name": ask(""),
        "of one twice": ask(SHARED, SHARED),
        "of two partitions at most": ask(SHARED, limit=2),
        "of three partitions at most": ask(SHARED, "zzz", limit=3),
        "of no partitions at most": ask(SHARED, limit=0),
        "of -1 partitions at most": ask(SHARED, limit=-1),
        "from partition 1 on": ask(SHARED, cursor=(SHARED, 1)),
        "from partition 1 on, one": ask(SHARED, limit=1, cursor=(SHARED, 1)),
        "from partition 17 on": ask(SHARED, cursor=(SHARED, 17)),
        "from partition -1 on": ask(SHARED, cursor=(SHARED, -1)),
        "from a topic that is not asked for": ask(SHARED, cursor=("a", 0)),
        "from a topic after it": ask(SHARED, cursor=("zzz", 0)),
    }.items():
        yield Case(f"DescribeTopicPartitions {name}", [step])


def list_offsets():
    def put(*, partition=0, **options):
        return Step(PRODUCE, 8, lambda s: {"topics": [{"name": s.own_topic, "partitions": [
            {"index": partition, "records": batch(**options)}]}]}, own=True)
    filled = [put(timestamp=TIME + i * 1000) for i in range(4)]

    def ask(version, timestamp, partition=0, name=None, more=(), **values):
        return Step(a.LIST_OFFSETS, version, lambda s: {"topics": [{
            "name": s.own_topic if name is None else name,
            "partitions": [{"partition_index": partition, "timestamp": timestamp, **dict(more)}]}], **values},
            own=name is None)
    for version in range(12):
        times = [-1, -2, TIME, TIME + 1500, TIME + 3000, TIME + 9000, 0]
        yield Case(f"ListOffsets v{version}: times", [*filled, *(ask(version, time) for time in times)])
        yield Case(f"ListOffsets v{version}: special timestamps, an empty partition",
                   [*filled, *(ask(version, time) for time in (-3, -4, -5, -6, -7)),
                    ask(version, -1, 1), ask(version, -2, 1), ask(version, TIME, 1)])
        yield Case(f"ListOffsets v{version}: an unknown topic", [ask(version, -1, name="nobody")])
        yield Case(f"ListOffsets v{version}: an unknown partition", [ask(version, -1, 17, name=SHARED)])
    yield Case("ListOffsets v11: partition -1", [ask(11, -1, -1, name=SHARED)])
    yield Case("ListOffsets v11: a bad name", [ask(11, -1, name="sl/ash")])
    yield Case("ListOffsets v11: isolation levels, replica ids, epochs", [
        *filled, ask(11, -1, isolation_level=1), ask(11, -1, replica_id=1), ask(11, -1, replica_id=-2), ask(11, -3, 1),
        ask(11, -1, more={"current_leader_epoch": 1_000_000}.items()), ask(11, -1, isolation_level=5)])
    yield Case("ListOffsets v11: nothing", [Step(a.LIST_OFFSETS, 11, {"topics": []})])
    yield Case("ListOffsets v11: a partition twice", [Step(a.LIST_OFFSETS, 11, {"topics": [{
        "name": SHARED, "partitions": [{"partition_index": 0, "timestamp": -2}] * 2}]})])


def describe_producers():
    def ask(*partitions, name=None, **more):
        return Step(a.DESCRIBE_PRODUCERS, 0, lambda s: {"topics": [
            {"name": s.own_topic if name is None else name, "partition_indexes": list(partitions)}]}, own=name is None, **more)
    loaded = {"again": lambda reply: 6 in codes(reply)}  # both say so while they load it

    def put(sequence, **options):
        return Step(PRODUCE, 9, lambda s: {"topics": [{"name": s.own_topic, "partitions": [
            {"index": 0, "records": batch(producer_id=4711, epoch=2, sequence=sequence, **options)}]}]}, own=True)
    yield Case("DescribeProducers of a partition", [put(0), put(1), ask(0, **loaded)])
    yield Case("DescribeProducers of nobody", [ask(0, 1, **loaded)])
    yield Case("DescribeProducers of an unknown topic", [ask(0, name="nobody")])
    yield Case("DescribeProducers of an unknown partition", [ask(17, -1, name=SHARED)])
    yield Case("DescribeProducers of a bad name", [ask(0, name="sl/ash")])
    yield Case("DescribeProducers of nothing", [Step(a.DESCRIBE_PRODUCERS, 0, {"topics": []})])


# ---- what there is none of


def absent():
    for version in range(5):
        many = version >= 4
        for kind in ((0,) if version == 0 else (0, 1, 2, 9)):
            asked = {"coordinator_keys": ["x"]} if many else {"key": "x"}
            yield Case(f"FindCoordinator v{version} of type {kind}",
                       [Step(a.FIND_COORDINATOR, version, {**asked, "key_type": kind},
                             again=lambda reply: 15 in codes(reply))])
    yield Case("FindCoordinator v4 of nothing", [Step(a.FIND_COORDINATOR, 4, {"coordinator_keys": []})])
    for version in range(6):
        yield Case(f"ListGroups v{version}", [Step(a.LIST_GROUPS, version)])
    for version in range(7):
        yield Case(f"DescribeGroups v{version} of nothing", [Step(a.DESCRIBE_GROUPS, version, {"groups": []})])
        # Kafka becomes the coordinator of groups once somebody has looked for one.
        look = Step(a.FIND_COORDINATOR, 2, {"key": "nobody"}, again=lambda reply: 15 in codes(reply))
        yield Case(f"DescribeGroups v{version} of one", [look, Step(
            a.DESCRIBE_GROUPS, version, {"groups": ["nobody"]}, again=lambda reply: {14, 15, 16} & set(codes(reply)))])
    for version in range(4):
        yield Case(f"DescribeAcls v{version}", [Step(a.DESCRIBE_ACLS, version)])
    for version in range(2):
        yield Case(f"DescribeClientQuotas v{version}", [Step(a.DESCRIBE_CLIENT_QUOTAS, version, {"components": []})])
        yield Case(f"DescribeClientQuotas v{version} of users", [Step(a.DESCRIBE_CLIENT_QUOTAS, version, {
            "components": [{"entity_type": "user", "match_type": 2, "match": None}]})])
    yield Case("DescribeUserScramCredentials", [Step(a.DESCRIBE_USER_SCRAM_CREDENTIALS, 0)])
    yield Case("DescribeUserScramCredentials of one",
               [Step(a.DESCRIBE_USER_SCRAM_CREDENTIALS, 0, {"users": [{"name": "nobody"}]})])
    yield Case("ListPartitionReassignments", [Step(a.LIST_PARTITION_REASSIGNMENTS, 0)])
    yield Case("ListPartitionReassignments of one", [Step(a.LIST_PARTITION_REASSIGNMENTS, 0, {
        "topics": [{"name": SHARED, "partition_indexes": [0]}]})])
    yield Case("ListPartitionReassignments of an unknown one", [Step(a.LIST_PARTITION_REASSIGNMENTS, 0, {
        "topics": [{"name": "nobody", "partition_indexes": [0]}]})])
    for version in range(3):
        yield Case(f"ListTransactions v{version}", [Step(a.LIST_TRANSACTIONS, version)])
    yield Case("ListTransactions in states that are not", [Step(a.LIST_TRANSACTIONS, 2, {"state_filters": ["Nowhere"]})])
    yield Case("ListConfigResources v0", [Step(a.LIST_CONFIG_RESOURCES, 0)])
    for kinds in ([BROKER], [8], [16], [32], [99]):
        yield Case(f"ListConfigResources v1 of types {kinds}", [Step(a.LIST_CONFIG_RESOURCES, 1, {"resource_types": kinds})])
    for version in range(6):
        yield Case(f"DescribeLogDirs v{version}", [Step(a.DESCRIBE_LOG_DIRS, version, {"topics": [
            {"topic": SHARED, "partitions": [0]}]})])
    yield Case("DescribeLogDirs of an unknown topic", [Step(a.DESCRIBE_LOG_DIRS, 4, {"topics": [
        {"topic": "nobody", "partitions": [0]}]})])


def versions_and_keys():
    for api in a.APIS:
        for version in (-1, api.most + 1, 32767):
            if api is a.FIND_COORDINATOR and version == api.most + 1:
                continue  # Kafka has more
            raw = struct.pack(">hhih", api.key, version, 1, -1) + bytes(40)
            yield Case(f"{api.name} v{version}", [Step(api, 0, raw=raw)])
    for key in (-1, 999, 32767):
        yield Case(f"API {key}", [Step(METADATA, 0, raw=struct.pack(">hhih", key, 0, 1, -1) + bytes(40))])
    for key in (7, 4, 5, 6):  # ControlledShutdown, LeaderAndIsr, StopReplica, UpdateMetadata: between brokers
        yield Case(f"API {key}, between brokers",
                   [Step(METADATA, 0, raw=struct.pack(">hhih", key, 0, 1, -1) + bytes(40))])
    yield Case("InitProducerId with 40 bytes after it",
               [Step(INIT_PRODUCER_ID, 0, raw=struct.pack(">hhihhi", 22, 0, 7, -1, -1, 60000) + bytes(40))])


CASES = [*create_topics(), *delete_topics(), *create_partitions(), *describe_configs(), *alter_configs(), *takes_effect(),
         *describe_cluster(), *describe_topic_partitions(), *list_offsets(), *describe_producers(), *absent(),
         *versions_and_keys()]
