/* The numbers that the requests about settings share: DescribeConfigs, AlterConfigs, CreateTopics.
 */
#ifndef KAFKA_CONFIG_H
#define KAFKA_CONFIG_H

enum kafka_config_resource {
    KAFKA_RESOURCE_UNKNOWN = 0,
    KAFKA_RESOURCE_TOPIC = 2,         /* named by the topic */
    KAFKA_RESOURCE_BROKER = 4,        /* by the node id in decimal; "": all brokers' default */
    KAFKA_RESOURCE_BROKER_LOGGER = 8, /* by the node id */
    KAFKA_RESOURCE_CLIENT_METRICS = 16,
    KAFKA_RESOURCE_GROUP = 32,
};

/* Where a value comes from; the lower number wins (KIP-226). */
enum kafka_config_source {
    KAFKA_CONFIG_SOURCE_UNKNOWN = -1,
    KAFKA_CONFIG_SOURCE_TOPIC = 1,
    KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER = 2,
    KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER = 3,
    KAFKA_CONFIG_SOURCE_STATIC_BROKER = 4, /* the file that the broker was started with */
    KAFKA_CONFIG_SOURCE_DEFAULT = 5,
    KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_LOGGER = 6,
    KAFKA_CONFIG_SOURCE_CLIENT_METRICS = 7,
    KAFKA_CONFIG_SOURCE_GROUP = 8,
};

/* What a value is (KIP-569). */
enum kafka_config_type {
    KAFKA_CONFIG_TYPE_UNKNOWN = 0,
    KAFKA_CONFIG_TYPE_BOOLEAN = 1,
    KAFKA_CONFIG_TYPE_STRING = 2,
    KAFKA_CONFIG_TYPE_INT = 3,
    KAFKA_CONFIG_TYPE_SHORT = 4,
    KAFKA_CONFIG_TYPE_LONG = 5,
    KAFKA_CONFIG_TYPE_DOUBLE = 6,
    KAFKA_CONFIG_TYPE_LIST = 7,
    KAFKA_CONFIG_TYPE_CLASS = 8,
    KAFKA_CONFIG_TYPE_PASSWORD = 9,
};

/* What IncrementalAlterConfigs does with a setting (KIP-339). */
enum kafka_config_operation {
    KAFKA_CONFIG_SET = 0,
    KAFKA_CONFIG_DELETE = 1,   /* back to the default; the value is ignored */
    KAFKA_CONFIG_APPEND = 2,   /* to a setting that is a list */
    KAFKA_CONFIG_SUBTRACT = 3, /* from one */
};

#endif
