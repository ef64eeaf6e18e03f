#include "kafka/header.h"

#include "kafka/types.h"
#include "proto/endian.h"

static bool version_known(const struct kafka_api *api, int version)
{
    return version >= api->advertised_min && version <= api->advertised_max;
}

void kafka_request_header_walk(struct wire *wire, struct kafka_request_header *header)
{
    wire->flexible = false;
    wire_i16(wire, "request_api_key", &header->request_api_key);
    wire_i16(wire, "request_api_version", &header->request_api_version);
    wire_i32(wire, "correlation_id", &header->correlation_id);
    const struct kafka_api *api = kafka_api_find(header->request_api_key);
    if (api == NULL)
        wire_fail(wire, STATUS_UNSUPPORTED, "request_api_key");
    else if (!version_known(api, header->request_api_version))
        wire_fail(wire, STATUS_UNSUPPORTED, "request_api_version");
    kafka_legacy_nullable_string(wire, "client_id", &header->client_id);
    wire->flexible = api != NULL && header->request_api_version >= api->first_flexible;
    kafka_tagged_fields(wire);
}

void kafka_response_header_walk(struct wire *wire, const struct kafka_api *api, int version,
                                int32_t *correlation_id)
{
    bool flexible = version >= api->first_flexible;

    wire_i32(wire, "correlation_id", correlation_id);
    wire->flexible = flexible && api->key != KAFKA_API_VERSIONS;
    kafka_tagged_fields(wire);
    wire->flexible = flexible;
}

/* Encoding only reads the struct, but a walk serves both directions: the one place that casts
 * const away. */
static void *walked(const void *body)
{
    return (void *)(uintptr_t)body;
}

/* Makes room for the size of a frame; frame_end fills it in. */
MUST_CHECK static int frame_begin(struct buf *out, size_t *before)
{
    *before = buf_len(out);
    int rc = buf_reserve(out, KAFKA_SIZE_BYTES);
    if (rc == STATUS_OK)
        buf_wrote(out, KAFKA_SIZE_BYTES);
    return rc;
}

MUST_CHECK static int frame_end(struct buf *out, size_t before, int error)
{
    /* The buf may have moved its bytes meanwhile, so count from what is unread. */
    size_t start = out->read + before;
    size_t size = buf_len(out) - before - KAFKA_SIZE_BYTES;

    if (error == STATUS_OK && size > INT32_MAX)
        error = STATUS_LIMIT;
    if (error == STATUS_OK)
        be32_store(out->data + start, (uint32_t)size);
    else
        out->write = start;
    return error;
}

int kafka_request_encode(struct buf *out, const struct kafka_request_header *header,
                         const void *body)
{
    const struct kafka_api *api = kafka_api_find(header->request_api_key);
    struct kafka_request_header head = *header;
    struct wire wire;
    size_t before = 0;

    if (api == NULL)
        return STATUS_UNSUPPORTED;
    int rc = frame_begin(out, &before);
    if (rc != STATUS_OK)
        return rc;
    wire_init_encode(&wire, out);
    kafka_request_header_walk(&wire, &head);
    api->request(&wire, walked(body), head.request_api_version);
    return frame_end(out, before, wire.error);
}

int kafka_response_encode(struct buf *out, const struct kafka_api *api, int version,
                          int32_t correlation_id, const void *body)
{
    struct wire wire;
    size_t before = 0;
    int rc = frame_begin(out, &before);

    if (rc != STATUS_OK)
        return rc;
    wire_init_encode(&wire, out);
    kafka_response_header_walk(&wire, api, version, &correlation_id);
    api->response(&wire, walked(body), version);
    return frame_end(out, before, wire.error);
}

static int decoded(const struct wire *wire, struct kafka_decode_error *failed)
{
    if (wire->error != STATUS_OK && failed != NULL)
        *failed = (struct kafka_decode_error){wire->error_field, wire->error_offset};
    return wire->error;
}

int kafka_request_decode(struct slice frame, struct arena *arena,
                         struct kafka_request_header *header, void *body,
                         struct kafka_decode_error *failed)
{
    struct wire wire;

    wire_init_decode(&wire, frame, arena);
    kafka_request_header_walk(&wire, header);
    const struct kafka_api *api = kafka_api_find(header->request_api_key);
    if (api != NULL && wire.error == STATUS_OK)
        api->request(&wire, body, header->request_api_version);
    return decoded(&wire, failed);
}

int kafka_response_decode(struct slice frame, const struct kafka_api *api, int version,
                          struct arena *arena, int32_t *correlation_id, void *body,
                          struct kafka_decode_error *failed)
{
    struct wire wire;

    wire_init_decode(&wire, frame, arena);
    kafka_response_header_walk(&wire, api, version, correlation_id);
    api->response(&wire, body, version);
    return decoded(&wire, failed);
}

int kafka_print(struct buf *out, kafka_walk walk, int version, bool flexible, const void *body)
{
    struct wire wire;

    wire_init_print(&wire, out);
    wire.flexible = flexible;
    walk(&wire, walked(body), version);
    return wire.error;
}
