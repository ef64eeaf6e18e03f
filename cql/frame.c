#include "cql/frame.h"

#include "cql/types.h"
#include "proto/endian.h"

struct cql_header cql_header_read(const uint8_t bytes[CQL_HEADER_BYTES])
{
    return (struct cql_header){
        .version = bytes[0],
        .flags = bytes[1],
        .stream = (int16_t)be16_load(bytes + 2),
        .opcode = bytes[4],
        .body_bytes = be32_load(bytes + 5),
    };
}

void cql_header_write(uint8_t bytes[CQL_HEADER_BYTES], const struct cql_header *header)
{
    bytes[0] = header->version;
    bytes[1] = header->flags;
    be16_store(bytes + 2, (uint16_t)header->stream);
    bytes[4] = header->opcode;
    be32_store(bytes + 5, header->body_bytes);
}

void cql_prefix_walk(struct wire *wire, struct cql_prefix *prefix, uint8_t flags)
{
    if ((flags & CQL_FLAG_TRACING) != 0)
        wire_fixed(wire, "tracing_id", prefix->tracing_id, sizeof(prefix->tracing_id));
    if ((flags & CQL_FLAG_WARNING) != 0)
        cql_string_list(wire, "warning", &prefix->warnings);
    if ((flags & CQL_FLAG_PAYLOAD) != 0)
        cql_bytes_map(wire, "payload", &prefix->payload);
}

int cql_prefix_decode(struct slice *body, uint8_t flags, struct cql_prefix *prefix)
{
    struct wire wire;

    *prefix = (struct cql_prefix){0};
    wire_init_decode(&wire, *body, NULL);
    cql_prefix_walk(&wire, prefix, flags);
    if (wire.error == STATUS_OK)
        *body = slice_make(wire.in.data + wire.position, wire_remaining(&wire));
    return wire.error;
}
