#include "kafka/api.h"

#include "kafka/api_versions.h"
#include "kafka/fetch.h"
#include "kafka/find_coordinator.h"
#include "kafka/init_producer_id.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"

#define MESSAGE(noun)                                                                              \
    .request_bytes = sizeof(struct kafka_##noun##_request),                                        \
    .response_bytes = sizeof(struct kafka_##noun##_response),                                      \
    .request = kafka_##noun##_request_walk, .response = kafka_##noun##_response_walk
#define SERVED(min, max)                                                                           \
    .min_version = (min), .max_version = (max), .advertised_min = (min), .advertised_max = (max)

static const struct kafka_api rows[] = {
    {.key = KAFKA_PRODUCE,
     .name = "Produce",
     .min_version = 3,
     .max_version = 13,
     .advertised_min = 0,
     .advertised_max = 13,
     .first_flexible = 9,
     MESSAGE(produce),
     .why_forced = "without version 0 librdkafka up to 2.11.0 switches compression off"},
    {.key = KAFKA_FETCH, .name = "Fetch", SERVED(0, 12), .first_flexible = 12, MESSAGE(fetch)},
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
    {.key = KAFKA_API_VERSIONS,
     .name = "ApiVersions",
     SERVED(0, 4),
     .first_flexible = 3,
     MESSAGE(api_versions)},
    {.key = KAFKA_INIT_PRODUCER_ID,
     .name = "InitProducerId",
     SERVED(0, 5),
     .first_flexible = 2,
     MESSAGE(init_producer_id)},
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
