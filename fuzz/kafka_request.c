/* A request frame without its size: header and body of every row, there and back. */
#include "fuzz/repair.h"
#include "fuzz/round_trip.h"
#include "kafka/header.h"

#include <stdalign.h>

struct message {
    struct kafka_request_header header;
    alignas(16) uint8_t body[ROUND_TRIP_BYTES - 64];
};

_Static_assert(sizeof(struct message) <= ROUND_TRIP_BYTES, "a message has room");

static int decode(const struct round_trip *trip, struct slice in, struct arena *arena,
                  void *message)
{
    struct message *m = message;
    struct kafka_decode_error failed = {NULL, 0};
    (void)trip;
    int rc = kafka_request_decode(in, arena, &m->header, m->body, &failed);

    /* A refusal says where: people look for it there. */
    REQUIRE(rc == STATUS_OK || (failed.field != NULL && failed.offset <= in.len));
    return rc;
}

static int encode(const struct round_trip *trip, void *message, struct buf *out)
{
    const struct message *m = message;
    (void)trip;
    return kafka_request_encode(out, &m->header, m->body);
}

static int print(const struct round_trip *trip, void *message, struct buf *out)
{
    const struct message *m = message;
    const struct kafka_api *api = kafka_api_find(m->header.request_api_key);
    int version = m->header.request_api_version;
    (void)trip;
    return kafka_print(out, api->request, version, version >= api->first_flexible, m->body);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    repair_kafka_header(bytes, len);
    repair_record_batches(bytes, len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct round_trip trip = {.decode = decode,
                              .encode = encode,
                              .print = print,
                              .lead_bytes = KAFKA_SIZE_BYTES,
                              .cuts_refused = true};

    (void)round_trip_run(&trip, input.bytes, &input.tape);
    fuzz_input_free(&input);
    return 0;
}
