/* ListGroups (key 16), versions 0-5. */
#ifndef KAFKA_LIST_GROUPS_H
#define KAFKA_LIST_GROUPS_H

#include "kafka/types.h"

struct kafka_list_groups_request {
    struct slice *states_filter; /* v4+; none: groups in all states */
    int32_t states_filter_count;
    struct slice *types_filter; /* v5+; none: groups of all types */
    int32_t types_filter_count;
};

struct kafka_listed_group {
    struct slice group_id;
    struct slice protocol_type;
    struct slice group_state; /* v4+ */
    struct slice group_type;  /* v5+ */
};

struct kafka_list_groups_response {
    int32_t throttle_time_ms; /* v1+ */
    int16_t error_code;
    struct kafka_listed_group *groups;
    int32_t group_count;
};

void kafka_list_groups_request_walk(struct wire *wire, void *body, int version);
void kafka_list_groups_response_walk(struct wire *wire, void *body, int version);

#endif
