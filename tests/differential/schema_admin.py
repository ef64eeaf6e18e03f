"""The messages of the APIs for tools; see schema.py."""

from schema import Api, F

RESULTS = [F("error_code", "i16"), F("error_message", "string"), F("resource_type", "i8"), F("resource_name", "string")]
THROTTLE = F("throttle_time_ms", "i32")
RESOURCE = [F("resource_type", "i8", default=2), F("resource_name", "string")]

LIST_OFFSETS = Api(2, "ListOffsets", 0, 11, 6, [
    F("replica_id", "i32", default=-1),
    F("isolation_level", "i8", since=2),
    F("topics", [F("name", "string"), F("partitions", [
        F("partition_index", "i32"), F("current_leader_epoch", "i32", since=4, default=-1), F("timestamp", "i64"),
        F("max_num_offsets", "i32", until=0, default=1)])]),
    F("timeout_ms", "i32", since=10, default=5000),
], [
    F("throttle_time_ms", "i32", since=2),
    F("topics", [F("name", "string"), F("partitions", [
        F("partition_index", "i32"), F("error_code", "i16"), F("old_style_offsets", ["i64"], until=0),
        F("timestamp", "i64", since=1), F("offset", "i64", since=1), F("leader_epoch", "i32", since=4)])]),
])

FIND_COORDINATOR = Api(10, "FindCoordinator", 0, 4, 3, [
    F("key", "string", until=3),
    F("key_type", "i8", since=1),
    F("coordinator_keys", ["string"], since=4),
], [
    F("throttle_time_ms", "i32", since=1),
    F("error_code", "i16", until=3), F("error_message", "string", since=1, until=3),
    F("node_id", "i32", until=3), F("host", "string", until=3), F("port", "i32", until=3),
    F("coordinators", [F("key", "string"), F("node_id", "i32"), F("host", "string"), F("port", "i32"),
                       F("error_code", "i16"), F("error_message", "string")], since=4),
])

DESCRIBE_GROUPS = Api(15, "DescribeGroups", 0, 6, 5, [
    F("groups", ["string"]), F("include_authorized_operations", "bool", since=3),
], [
    F("throttle_time_ms", "i32", since=1),
    F("groups", [
        F("error_code", "i16"), F("error_message", "string", since=6), F("group_id", "string"),
        F("group_state", "string"), F("protocol_type", "string"), F("protocol_data", "string"),
        F("members", [F("member_id", "string"), F("group_instance_id", "string", since=4), F("client_id", "string"),
                      F("client_host", "string"), F("metadata", "bytes"), F("assignment", "bytes")]),
        F("authorized_operations", "i32", since=3)]),
])

LIST_GROUPS = Api(16, "ListGroups", 0, 5, 3, [
    F("states_filter", ["string"], since=4), F("types_filter", ["string"], since=5),
], [
    F("throttle_time_ms", "i32", since=1), F("error_code", "i16"),
    F("groups", [F("group_id", "string"), F("protocol_type", "string"), F("group_state", "string", since=4),
                 F("group_type", "string", since=5)]),
])

CREATE_TOPICS = Api(19, "CreateTopics", 0, 7, 5, [
    F("topics", [
        F("name", "string"), F("num_partitions", "i32", default=1), F("replication_factor", "i16", default=1),
        F("assignments", [F("partition_index", "i32"), F("broker_ids", ["i32"])]),
        F("configs", [F("name", "string"), F("value", "string")])]),
    F("timeout_ms", "i32", default=15000),
    F("validate_only", "bool", since=1),
], [
    F("throttle_time_ms", "i32", since=2),
    F("topics", [
        F("name", "string"), F("topic_id", "uuid", since=7), F("error_code", "i16"),
        F("error_message", "string", since=1), F("topic_config_error_code", "i16", since=5, tag=0),
        F("num_partitions", "i32", since=5), F("replication_factor", "i16", since=5),
        F("configs", [F("name", "string"), F("value", "string"), F("read_only", "bool"), F("config_source", "i8"),
                      F("is_sensitive", "bool")], since=5)]),
])

DELETE_TOPICS = Api(20, "DeleteTopics", 0, 6, 4, [
    F("topics", [F("name", "string", nullable=6), F("topic_id", "uuid")], since=6),
    F("topic_names", ["string"], until=5),
    F("timeout_ms", "i32", default=15000),
], [
    F("throttle_time_ms", "i32", since=1),
    F("responses", [F("name", "string"), F("topic_id", "uuid", since=6), F("error_code", "i16"),
                    F("error_message", "string", since=5)]),
])

DESCRIBE_ACLS = Api(29, "DescribeAcls", 0, 3, 2, [
    F("resource_type", "i8", default=1), F("resource_name", "string", nullable=0),
    F("pattern_type", "i8", since=1, default=1), F("principal", "string", nullable=0), F("host", "string", nullable=0),
    F("operation", "i8", default=1), F("permission_type", "i8", default=1),
], [
    THROTTLE, F("error_code", "i16"), F("error_message", "string"),
    F("resources", [F("resource_type", "i8"), F("resource_name", "string"), F("pattern_type", "i8", since=1),
                    F("acls", [F("principal", "string"), F("host", "string"), F("operation", "i8"),
                               F("permission_type", "i8")])]),
])

DESCRIBE_CONFIGS = Api(32, "DescribeConfigs", 0, 4, 4, [
    F("resources", [*RESOURCE, F("configuration_keys", ["string"], nullable=0)]),
    F("include_synonyms", "bool", since=1),
    F("include_documentation", "bool", since=3),
], [
    THROTTLE,
    F("results", [
        *RESULTS,
        F("configs", [
            F("name", "string"), F("value", "string"), F("read_only", "bool"), F("is_default", "bool", until=0),
            F("config_source", "i8", since=1), F("is_sensitive", "bool"),
            F("synonyms", [F("name", "string"), F("value", "string"), F("source", "i8")], since=1),
            F("config_type", "i8", since=3), F("documentation", "string", since=3)])]),
])

CHANGED = [THROTTLE, F("responses", RESULTS)]
ALTER_CONFIGS = Api(33, "AlterConfigs", 0, 2, 2, [
    F("resources", [*RESOURCE, F("configs", [F("name", "string"), F("value", "string", nullable=0)])]),
    F("validate_only", "bool"),
], CHANGED)
INCREMENTAL_ALTER_CONFIGS = Api(44, "IncrementalAlterConfigs", 0, 1, 1, [
    F("resources", [*RESOURCE, F("configs", [F("name", "string"), F("operation", "i8"),
                                             F("value", "string", nullable=0)])]),
    F("validate_only", "bool"),
], CHANGED)

DESCRIBE_LOG_DIRS = Api(35, "DescribeLogDirs", 0, 5, 2, [
    F("topics", [F("topic", "string"), F("partitions", ["i32"])], nullable=0),
], [
    THROTTLE, F("error_code", "i16", since=3),
    F("results", [
        F("error_code", "i16"), F("log_dir", "string"),
        F("topics", [F("name", "string"), F("partitions", [
            F("partition_index", "i32"), F("partition_size", "i64"), F("offset_lag", "i64"), F("is_future", "bool")])]),
        F("total_bytes", "i64", since=4), F("usable_bytes", "i64", since=4), F("is_cordoned", "bool", since=5)]),
])

CREATE_PARTITIONS = Api(37, "CreatePartitions", 0, 3, 2, [
    F("topics", [F("name", "string"), F("count", "i32"), F("assignments", [F("broker_ids", ["i32"])], nullable=0)]),
    F("timeout_ms", "i32", default=15000),
    F("validate_only", "bool"),
], [THROTTLE, F("results", [F("name", "string"), F("error_code", "i16"), F("error_message", "string")])])

LIST_PARTITION_REASSIGNMENTS = Api(46, "ListPartitionReassignments", 0, 0, 0, [
    F("timeout_ms", "i32", default=5000), F("topics", [F("name", "string"), F("partition_indexes", ["i32"])], nullable=0),
], [
    THROTTLE, F("error_code", "i16"), F("error_message", "string"),
    F("topics", [F("name", "string"), F("partitions", [
        F("partition_index", "i32"), F("replicas", ["i32"]), F("adding", ["i32"]), F("removing", ["i32"])])]),
])

DESCRIBE_CLIENT_QUOTAS = Api(48, "DescribeClientQuotas", 0, 1, 1, [
    F("components", [F("entity_type", "string"), F("match_type", "i8"), F("match", "string", nullable=0)]),
    F("strict", "bool"),
], [
    THROTTLE, F("error_code", "i16"), F("error_message", "string"),
    F("entries", [F("entity", [F("entity_type", "string"), F("entity_name", "string")]),
                  F("values", [F("key", "string"), F("value", "i64")])]),
])

DESCRIBE_USER_SCRAM_CREDENTIALS = Api(50, "DescribeUserScramCredentials", 0, 0, 0, [
    F("users", [F("name", "string")], nullable=0),
], [
    THROTTLE, F("error_code", "i16"), F("error_message", "string"),
    F("results", [F("user", "string"), F("error_code", "i16"), F("error_message", "string"),
                  F("infos", [F("mechanism", "i8"), F("iterations", "i32")])]),
])

DESCRIBE_CLUSTER = Api(60, "DescribeCluster", 0, 2, 0, [
    F("include_cluster_authorized_operations", "bool"),
    F("endpoint_type", "i8", since=1, default=1),
    F("include_fenced_brokers", "bool", since=2),
], [
    THROTTLE, F("error_code", "i16"), F("error_message", "string"), F("endpoint_type", "i8", since=1),
    F("cluster_id", "string"), F("controller_id", "i32"),
    F("brokers", [F("node_id", "i32"), F("host", "string"), F("port", "i32"), F("rack", "string"),
                  F("is_fenced", "bool", since=2)]),
    F("cluster_authorized_operations", "i32"),
])

DESCRIBE_PRODUCERS = Api(61, "DescribeProducers", 0, 0, 0, [
    F("topics", [F("name", "string"), F("partition_indexes", ["i32"])]),
], [
    THROTTLE,
    F("topics", [F("name", "string"), F("partitions", [
        F("partition_index", "i32"), F("error_code", "i16"), F("error_message", "string"),
        F("active_producers", [
            F("producer_id", "i64"), F("producer_epoch", "i32"), F("last_sequence", "i32"), F("last_timestamp", "i64"),
            F("coordinator_epoch", "i32"), F("current_txn_start_offset", "i64")])])]),
])

LIST_TRANSACTIONS = Api(66, "ListTransactions", 0, 2, 0, [
    F("state_filters", ["string"]), F("producer_id_filters", ["i64"]), F("duration_filter", "i64", since=1, default=-1),
    F("transactional_id_pattern", "string", since=2, nullable=2),
], [
    THROTTLE, F("error_code", "i16"), F("unknown_state_filters", ["string"]),
    F("transaction_states", [F("transactional_id", "string"), F("producer_id", "i64"), F("state", "string")]),
])

LIST_CONFIG_RESOURCES = Api(74, "ListConfigResources", 0, 1, 0, [
    F("resource_types", ["i8"], since=1),
], [
    THROTTLE, F("error_code", "i16"),
    F("config_resources", [F("resource_name", "string"), F("resource_type", "i8", since=1)]),
])

CURSOR = F("cursor", (F("topic_name", "string"), F("partition_index", "i32")), nullable=0)
DESCRIBE_TOPIC_PARTITIONS = Api(75, "DescribeTopicPartitions", 0, 0, 0, [
    F("topics", [F("name", "string")]), F("response_partition_limit", "i32", default=2000), CURSOR,
], [
    THROTTLE,
    F("topics", [
        F("error_code", "i16"), F("name", "string"), F("topic_id", "uuid"), F("is_internal", "bool"),
        F("partitions", [
            F("error_code", "i16"), F("partition_index", "i32"), F("leader_id", "i32"), F("leader_epoch", "i32"),
            F("replica_nodes", ["i32"]), F("isr_nodes", ["i32"]), F("eligible_leader_replicas", ["i32"]),
            F("last_known_elr", ["i32"]), F("offline_replicas", ["i32"])]),
        F("topic_authorized_operations", "i32")]),
    CURSOR,
])

APIS = [value for value in list(globals().values()) if isinstance(value, Api)]
