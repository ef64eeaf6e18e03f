#include "core/config.h"

#define SECOND_US INT64_C(1000000)
#define KIB       ((size_t)1024)
#define MIB       (1024 * KIB)

static void listener_defaults(struct gateway_config *config)
{
    config->node_id = 1;
    config->max_connections = 10000;
    config->max_request_bytes = 100 * MIB;
    config->max_pending_requests = 1000;
    config->first_request_timeout_us = 10 * SECOND_US;
    config->request_receive_timeout_us = 30 * SECOND_US;
    config->idle_timeout_us = 600 * SECOND_US;
    config->memory_bytes = 256 * MIB;
}

static void cassandra_defaults(struct gateway_config *config)
{
    config->keyspace = "sluice";
    config->consistency = CQL_CONSISTENCY_LOCAL_QUORUM;
    config->schema_create = true;
    config->discover_nodes = true;
    config->connections_per_node = 1;
    config->max_node_connections = 4096;
    config->window_bytes = 16 * MIB;
    config->window_start = 32;
    config->window_min = 8;
    config->window_max = 1024;
    config->request_timeout_us = 12 * SECOND_US;
    config->connect_timeout_us = 5 * SECOND_US;
    config->reconnect_min_us = SECOND_US / 10;
    config->reconnect_max_us = 10 * SECOND_US;
}

static void topic_defaults(struct gateway_config *config)
{
    config->auto_create_topics = true;
    config->num_partitions = 1; /* as Kafka's own num.partitions */
    config->max_topics = 500;
    config->max_partitions = 1000;
    config->auto_create_per_second = 2;
    config->max_message_bytes = 1048588; /* Kafka's own default, batch header included */
    config->max_decompressed_bytes = 64 * MIB;
    config->max_record_headers = 1024;
    config->delete_topics = true;
    config->max_partitions_total = 20000;
    config->max_admin_items = 2000;
}

static void log_table_defaults(struct gateway_config *config)
{
    config->segment_max_rows = 100000;
    config->segment_max_bytes = (int64_t)(64 * MIB);
    config->mutation_group_rows = 600;
    config->mutation_group_bytes = 256 * KIB;
    config->mutations_per_partition = 4;
}

void gateway_config_defaults(struct gateway_config *config)
{
    *config = (struct gateway_config){.alloc = &alloc_heap, .version = "unknown"};
    listener_defaults(config);
    cassandra_defaults(config);
    topic_defaults(config);
    log_table_defaults(config);
    config->lease_us = 10 * SECOND_US;
    config->lease_renew_us = 3 * SECOND_US;
    config->drain_timeout_us = 25 * SECOND_US;
}
