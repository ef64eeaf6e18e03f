/* A response frame without its size, with the API's key and version (two bytes each) in front: the
 * decoders that tests, benchmarks and the differential test use, and the encoders that we answer
 * with. */
#include "fuzz/repair.h"
#include "fuzz/round_trip.h"
#include "kafka/header.h"
#include "proto/endian.h"

#include <stdalign.h>

enum { LEAD_BYTES = 4 };

struct message {
    int32_t correlation_id;
    alignas(16) uint8_t body[ROUND_TRIP_BYTES - 64];
};

struct kind {
    const struct kafka_api *api;
    int version;
};

static int decode(const struct round_trip *trip, struct slice in, struct arena *arena,
                  void *message)
{
    const struct kind *kind = trip->about;
    struct message *m = message;
    struct kafka_decode_error failed = {NULL, 0};
    int rc = kafka_response_decode(in, kind->api, kind->version, arena, &m->correlation_id, m->body,
                                   &failed);

    REQUIRE(rc == STATUS_OK || (failed.field != NULL && failed.offset <= in.len));
    return rc;
}

static int encode(const struct round_trip *trip, void *message, struct buf *out)
{
    const struct kind *kind = trip->about;
    const struct message *m = message;
    return kafka_response_encode(out, kind->api, kind->version, m->correlation_id, m->body);
}

static int print(const struct round_trip *trip, void *message, struct buf *out)
{
    const struct kind *kind = trip->about;
    const struct message *m = message;
    return kafka_print(out, kind->api->response, kind->version,
                       kind->version >= kind->api->first_flexible, m->body);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    repair_kafka_header(bytes, len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct slice in = input.bytes;
    struct kind kind = {NULL, 0};
    struct round_trip trip = {.decode = decode,
                              .encode = encode,
                              .print = print,
                              .lead_bytes = KAFKA_SIZE_BYTES,
                              .cuts_refused = true,
                              .about = &kind};

    if (in.len >= LEAD_BYTES) {
        kind.api = kafka_api_find((int16_t)be16_load(in.data));
        kind.version = (int16_t)be16_load(in.data + 2);
    }
    if (kind.api != NULL && kind.version >= kind.api->advertised_min &&
        kind.version <= kind.api->advertised_max)
        (void)round_trip_run(&trip, slice_make(in.data + LEAD_BYTES, in.len - LEAD_BYTES),
                             &input.tape);
    fuzz_input_free(&input);
    return 0;
}
