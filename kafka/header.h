/*
 * Frames and headers around the bodies. A frame is an int32 size, a header, a body.
 *
 *   request header   v1: api_key, api_version, correlation_id, client_id     v2: and tagged fields
 *   response header  v0: correlation_id                                      v1: and tagged fields
 *
 * Which one follows from the registry row: the second form from the first flexible version on,
 * except that the response to ApiVersions always has v0 (KIP-511).
 */
#ifndef KAFKA_HEADER_H
#define KAFKA_HEADER_H

#include "kafka/api.h"

#define KAFKA_SIZE_BYTES         4
#define KAFKA_FIXED_HEADER_BYTES 8 /* api_key, api_version and correlation_id, of every request */

struct kafka_request_header {
    int16_t request_api_key;
    int16_t request_api_version;
    int32_t correlation_id;
    struct slice client_id; /* nullable */
};

/*
 * Leaves wire->flexible as the body needs it. A key or version that is not in the registry
 * (advertised range included) is UNSUPPORTED, field "request_api_key" or "request_api_version".
 */
void kafka_request_header_walk(struct wire *wire, struct kafka_request_header *header);
/* Also leaves wire->flexible as the body needs it. */
void kafka_response_header_walk(struct wire *wire, const struct kafka_api *api, int version,
                                int32_t *correlation_id);

/* Appends a whole frame, size included. `body` is the message's struct and is not changed. On
 * error (NOMEM, LIMIT) `out` holds what it held before. */
MUST_CHECK int kafka_request_encode(struct buf *out, const struct kafka_request_header *header,
                                    const void *body);
MUST_CHECK int kafka_response_encode(struct buf *out, const struct kafka_api *api, int version,
                                     int32_t correlation_id, const void *body);

/*
 * For clients, tests and fuzzers. `frame` is without its size; `body` has the row's request_bytes
 * or response_bytes and borrows from frame and arena. `failed` (may be NULL) gets the field and
 * offset of the first error, for kafka_response_decode and kafka_request_decode alike. Bytes after
 * the body are ignored.
 */
struct kafka_decode_error {
    const char *field;
    size_t offset;
};
MUST_CHECK int kafka_request_decode(struct slice frame, struct arena *arena,
                                    struct kafka_request_header *header, void *body,
                                    struct kafka_decode_error *failed);
MUST_CHECK int kafka_response_decode(struct slice frame, const struct kafka_api *api, int version,
                                     struct arena *arena, int32_t *correlation_id, void *body,
                                     struct kafka_decode_error *failed);
/* Appends the body as text, "field=value" by field. */
MUST_CHECK int kafka_print(struct buf *out, kafka_walk walk, int version, bool flexible,
                           const void *body);

#endif
