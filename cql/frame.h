/*
 * The frame: 9 bytes of header and a body.
 *
 *      version | flags | stream (2) | opcode | body bytes (4)
 *
 * and what stands in a body in front of its message, each only if its flag is set:
 *
 *      tracing id (16, from the node only) | warnings [string list] | payload [bytes map] | message
 */
#ifndef CQL_FRAME_H
#define CQL_FRAME_H

#include "proto/slice.h"
#include "proto/wire.h"

enum {
    CQL_VERSION = 4,
    CQL_VERSION_RESPONSE = 0x80, /* this bit of the version byte: from the node */
    CQL_HEADER_BYTES = 9,
    CQL_BODY_BYTES_MAX = 256 << 20, /* the specification's limit; a node may take less (16 MiB) */
    CQL_STREAM_EVENT = -1,          /* what nodes say unasked; all below 0 is theirs */
    CQL_STREAM_MAX = INT16_MAX,
};

enum cql_flag {
    CQL_FLAG_COMPRESSION = 0x01,
    CQL_FLAG_TRACING = 0x02,
    CQL_FLAG_PAYLOAD = 0x04,
    CQL_FLAG_WARNING = 0x08,
    CQL_FLAG_BETA = 0x10,
};

struct cql_header {
    uint8_t version;
    uint8_t flags;
    int16_t stream;
    uint8_t opcode;
    uint32_t body_bytes;
};

struct cql_header cql_header_read(const uint8_t bytes[CQL_HEADER_BYTES]);
void cql_header_write(uint8_t bytes[CQL_HEADER_BYTES], const struct cql_header *header);

struct cql_prefix {
    uint8_t tracing_id[16]; /* zeros: none */
    struct slice warnings;  /* raw [string list] */
    struct slice payload;   /* raw [bytes map] */
};

/* In a request, CQL_FLAG_TRACING has no id with it: clear it in `flags`. */
void cql_prefix_walk(struct wire *wire, struct cql_prefix *prefix, uint8_t flags);
/* Moves *body past the prefix of a node's frame. Slices borrow from it. TRUNCATED. */
MUST_CHECK int cql_prefix_decode(struct slice *body, uint8_t flags, struct cql_prefix *prefix);

#endif
