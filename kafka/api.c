#include "kafka/api.h"

#include "kafka/alter_configs.h"
#include "kafka/api_versions.h"
#include "kafka/create_partitions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_records.h"
#include "kafka/delete_topics.h"
#include "kafka/describe_acls.h"
#include "kafka/describe_client_quotas.h"
#include "kafka/describe_cluster.h"
#include "kafka/describe_configs.h"
#include "kafka/describe_groups.h"
#include "kafka/describe_log_dirs.h"
#include "kafka/describe_producers.h"
#include "kafka/describe_topic_partitions.h"
#include "kafka/describe_user_scram_credentials.h"
#include "kafka/fetch.h"
#include "kafka/find_coordinator.h"
#include "kafka/init_producer_id.h"
#include "kafka/list_config_resources.h"
#include "kafka/list_groups.h"
#include "kafka/list_offsets.h"
#include "kafka/list_partition_reassignments.h"
#include "kafka/list_transactions.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"

/* `shared`: the message whose structs, and whose response, it has. */
#define MESSAGE_OF(noun, shared)                                                                   \
    .request_bytes = sizeof(struct kafka_##shared##_request),                                      \
    .response_bytes = sizeof(struct kafka_##shared##_response),                                    \
    .request = kafka_##noun##_request_walk, .response = kafka_##shared##_response_walk
#define MESSAGE(noun) MESSAGE_OF(noun, noun)
/* Rows of which only the walks are there, and those that are answered too. */
#define DECODED(min, max)                                                                          \
    .min_version = (min), .max_version = (max), .advertised_min = (min), .advertised_max = (max)
#define SERVED(min, max) .served = true, DECODED(min, max)

static const struct kafka_api rows[] = {
    {.key = KAFKA_PRODUCE,
     .name = "Produce",
     SERVED(0, 13),
     .first_flexible = 9,
     MESSAGE(produce)},
    {.key = KAFKA_FETCH, .name = "Fetch", SERVED(0, 12), .first_flexible = 12, MESSAGE(fetch)},
    {.key = KAFKA_LIST_OFFSETS,
     .name = "ListOffsets",
     SERVED(0, 11),
     .first_flexible = 6,
     MESSAGE(list_offsets)},
    {.key = KAFKA_METADATA,
     .name = "Metadata",
     SERVED(0, 13),
     .first_flexible = 9,
     MESSAGE(metadata)},
    {.key = KAFKA_FIND_COORDINATOR,
     .name = "FindCoordinator",
     SERVED(0, 4),
     .first_flexible = 3,
     MESSAGE(find_coordinator)},
    {.key = KAFKA_DESCRIBE_GROUPS,
     .name = "DescribeGroups",
     SERVED(0, 6),
     .first_flexible = 5,
     MESSAGE(describe_groups)},
    {.key = KAFKA_LIST_GROUPS,
     .name = "ListGroups",
     SERVED(0, 5),
     .first_flexible = 3,
     MESSAGE(list_groups)},
    {.key = KAFKA_API_VERSIONS,
     .name = "ApiVersions",
     SERVED(0, 4),
     .first_flexible = 3,
     MESSAGE(api_versions)},
    {.key = KAFKA_CREATE_TOPICS,
     .name = "CreateTopics",
     SERVED(0, 7),
     .first_flexible = 5,
     MESSAGE(create_topics)},
    {.key = KAFKA_DELETE_TOPICS,
     .name = "DeleteTopics",
     SERVED(0, 6),
     .first_flexible = 4,
     MESSAGE(delete_topics)},
    {.key = KAFKA_DELETE_RECORDS,
     .name = "DeleteRecords",
     DECODED(0, 2),
     .first_flexible = 2,
     MESSAGE(delete_records)},
    {.key = KAFKA_INIT_PRODUCER_ID,
     .name = "InitProducerId",
     SERVED(0, 5),
     .first_flexible = 2,
     MESSAGE(init_producer_id)},
    {.key = KAFKA_DESCRIBE_ACLS,
     .name = "DescribeAcls",
     SERVED(0, 3),
     .first_flexible = 2,
     MESSAGE(describe_acls)},
    {.key = KAFKA_DESCRIBE_CONFIGS,
     .name = "DescribeConfigs",
     SERVED(0, 4),
     .first_flexible = 4,
     MESSAGE(describe_configs)},
    {.key = KAFKA_ALTER_CONFIGS,
     .name = "AlterConfigs",
     SERVED(0, 2),
     .first_flexible = 2,
     MESSAGE(alter_configs)},
    {.key = KAFKA_DESCRIBE_LOG_DIRS,
     .name = "DescribeLogDirs",
     SERVED(0, 5),
     .first_flexible = 2,
     MESSAGE(describe_log_dirs)},
    {.key = KAFKA_CREATE_PARTITIONS,
     .name = "CreatePartitions",
     SERVED(0, 3),
     .first_flexible = 2,
     MESSAGE(create_partitions)},
    {.key = KAFKA_INCREMENTAL_ALTER_CONFIGS,
     .name = "IncrementalAlterConfigs",
     SERVED(0, 1),
     .first_flexible = 1,
     MESSAGE_OF(incremental_alter_configs, alter_configs)},
    {.key = KAFKA_LIST_PARTITION_REASSIGNMENTS,
     .name = "ListPartitionReassignments",
     SERVED(0, 0),
     .first_flexible = 0,
     MESSAGE(list_partition_reassignments)},
    {.key = KAFKA_DESCRIBE_CLIENT_QUOTAS,
     .name = "DescribeClientQuotas",
     SERVED(0, 1),
     .first_flexible = 1,
     MESSAGE(describe_client_quotas)},
    {.key = KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS,
     .name = "DescribeUserScramCredentials",
     SERVED(0, 0),
     .first_flexible = 0,
     MESSAGE(describe_user_scram_credentials)},
    {.key = KAFKA_DESCRIBE_CLUSTER,
     .name = "DescribeCluster",
     SERVED(0, 2),
     .first_flexible = 0,
     MESSAGE(describe_cluster)},
    {.key = KAFKA_DESCRIBE_PRODUCERS,
     .name = "DescribeProducers",
     SERVED(0, 0),
     .first_flexible = 0,
     MESSAGE(describe_producers)},
    {.key = KAFKA_LIST_TRANSACTIONS,
     .name = "ListTransactions",
     SERVED(0, 2),
     .first_flexible = 0,
     MESSAGE(list_transactions)},
    {.key = KAFKA_LIST_CONFIG_RESOURCES,
     .name = "ListConfigResources",
     SERVED(0, 1),
     .first_flexible = 0,
     MESSAGE(list_config_resources)},
    {.key = KAFKA_DESCRIBE_TOPIC_PARTITIONS,
     .name = "DescribeTopicPartitions",
     SERVED(0, 0),
     .first_flexible = 0,
     MESSAGE(describe_topic_partitions)},
};

const struct kafka_api *kafka_api_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

const struct kafka_api *kafka_api_find(int16_t key)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rows[i].key <= key; i++) {
        if (rows[i].key == key)
            return &rows[i];
    }
    return NULL;
}
