/* Consistency levels: their numbers on the wire and their names in configuration and logs. */
#ifndef CQL_CONSISTENCY_H
#define CQL_CONSISTENCY_H

#include <stdbool.h>
#include <stdint.h>

/*        name          value */
#define CQL_CONSISTENCY_MAP(X)                                                                     \
    X(ANY, 0x00)                                                                                   \
    X(ONE, 0x01)                                                                                   \
    X(TWO, 0x02)                                                                                   \
    X(THREE, 0x03)                                                                                 \
    X(QUORUM, 0x04)                                                                                \
    X(ALL, 0x05)                                                                                   \
    X(LOCAL_QUORUM, 0x06)                                                                          \
    X(EACH_QUORUM, 0x07)                                                                           \
    X(SERIAL, 0x08)                                                                                \
    X(LOCAL_SERIAL, 0x09)                                                                          \
    X(LOCAL_ONE, 0x0A)

enum cql_consistency {
#define CQL_CONSISTENCY_ENUM(name, value) CQL_CONSISTENCY_##name = (value),
    CQL_CONSISTENCY_MAP(CQL_CONSISTENCY_ENUM)
#undef CQL_CONSISTENCY_ENUM
};

/* "LOCAL_QUORUM"; "UNKNOWN" for a number that is not in the list. Never NULL. */
const char *cql_consistency_name(uint16_t consistency);
/* Letter case does not matter. false: no such level, *consistency unchanged. */
bool cql_consistency_parse(const char *name, uint16_t *consistency);

#endif
