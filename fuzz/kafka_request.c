/* A request frame without its size: header and body of every row, there and back. */
#include "fuzz/repair.h"
#include "fuzz/round_trip.h"
#include "kafka/api_versions.h"
#include "kafka/error.h"
#include "kafka/header.h"

#include <ctype.h>
#include <stdalign.h>

struct message {
    struct kafka_request_header header;
    alignas(16) uint8_t body[ROUND_TRIP_BYTES - 64];
};

_Static_assert(sizeof(struct message) <= ROUND_TRIP_BYTES, "a message has room");

/* KIP-511: letters and digits, with dots and dashes between. */
static bool is_software_text(struct slice text)
{
    bool is_inner = true;

    for (size_t i = 0; i < text.len; i++)
        is_inner = is_inner && (isalnum(text.data[i]) != 0 ||
                                (i > 0 && i + 1 < text.len && strchr(".-", text.data[i]) != NULL &&
                                 text.data[i] != '\0'));
    return is_inner && text.len > 0;
}

/* The first request of every client: is it answered, and with what is served, as far as there is
 * room? */
static void check_api_versions(const struct kafka_api_versions_request *request, int version,
                               size_t room)
{
    struct kafka_api_version keys[256];
    int32_t all = kafka_api_versions_list(keys, 256);

    REQUIRE(kafka_api_versions_request_is_valid(request, version) ==
            (version < 3 || (is_software_text(request->client_software_name) &&
                             is_software_text(request->client_software_version))));
    REQUIRE(all > 0 && all < 256);
    for (int32_t i = 0; i < all; i++) {
        const struct kafka_api *api = kafka_api_find(keys[i].api_key);
        REQUIRE(api != NULL && api->served && (i == 0 || keys[i - 1].api_key < keys[i].api_key));
    }
    int32_t some = kafka_api_versions_list(keys, (int32_t)(room % 256));
    REQUIRE(some == (all < (int32_t)(room % 256) ? all : (int32_t)(room % 256)));
}

static int decode(const struct round_trip *trip, struct slice in, struct arena *arena,
                  void *message)
{
    struct message *m = message;
    struct kafka_decode_error failed = {NULL, 0};
    (void)trip;
    int rc = kafka_request_decode(in, arena, &m->header, m->body, &failed);

    /* A refusal says where: people look for it there. */
    REQUIRE(rc == STATUS_OK || (failed.field != NULL && failed.offset <= in.len));
    if (rc == STATUS_OK && m->header.request_api_key == KAFKA_API_VERSIONS)
        check_api_versions((const void *)m->body, m->header.request_api_version, in.len);
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
