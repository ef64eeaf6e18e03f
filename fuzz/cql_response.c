/* A frame with its header, of any opcode and direction: prefix, body and compression. */
#include "cql/auth.h"
#include "cql/compression.h"
#include "cql/error.h"
#include "cql/event.h"
#include "cql/frame.h"
#include "cql/opcode.h"
#include "cql/query.h"
#include "cql/result.h"
#include "cql/types.h"
#include "fuzz/repair.h"
#include "fuzz/round_trip.h"

enum { PLAIN_BYTES = 256 << 10 };

static int decode(const struct round_trip *trip, struct slice in, struct arena *arena,
                  void *message)
{
    const struct cql_message *kind = trip->about;
    struct wire wire;

    wire_init_decode(&wire, in, arena);
    kind->walk(&wire, kind->body_bytes == 0 ? NULL : message);
    REQUIRE(wire.position <= in.len);
    REQUIRE(wire.error == STATUS_OK || wire.error_field != NULL);
    return wire.error;
}

/* What we send ourselves is written as the walk writes it. */
static void encode_alone(const struct cql_message *kind, const void *message, struct slice body)
{
    const struct cql_prepare *prepare = message;
    struct buf out;
    int rc;

    buf_init(&out, &alloc_heap, SIZE_MAX / 2);
    if (kind->opcode == CQL_QUERY)
        rc = cql_query_encode(&out, message);
    else if (kind->opcode == CQL_EXECUTE)
        rc = cql_execute_encode(&out, message);
    else if (kind->opcode == CQL_PREPARE)
        rc = cql_prepare_encode(&out, prepare->text);
    else
        rc = buf_append(&out, body);
    REQUIRE(rc == STATUS_OK && slice_equal(body, buf_unread(&out)));
    buf_deinit(&out);
}

static int encode(const struct round_trip *trip, void *message, struct buf *out)
{
    const struct cql_message *kind = trip->about;
    struct wire wire, measure;

    wire_init_encode(&wire, out);
    kind->walk(&wire, message);
    wire_init_measure(&measure);
    kind->walk(&measure, message);
    REQUIRE(wire.error != STATUS_OK || measure.position == buf_len(out));
    if (wire.error == STATUS_OK)
        encode_alone(kind, message, buf_unread(out));
    return wire.error;
}

static int print(const struct round_trip *trip, void *message, struct buf *out)
{
    const struct cql_message *kind = trip->about;
    struct wire wire;

    wire_init_print(&wire, out);
    kind->walk(&wire, message);
    return wire.error;
}

/* The decoders that need no arena, as the connection calls them, give what the walk gives. */
static void decode_alone(const struct cql_message *kind, struct slice body, int rc)
{
    struct cql_error error;
    struct cql_push push;

    if (kind->opcode == CQL_ERROR) {
        REQUIRE(cql_error_decode(body, &error) == rc);
        REQUIRE(cql_error_name(error.code) != NULL && cql_error_text(error.code) != NULL);
    }
    if (kind->opcode == CQL_EVENT)
        REQUIRE(cql_event_decode(body, &push) == rc);
}

static void walk_body(const struct cql_message *kind, struct slice body, struct tape *tape)
{
    struct round_trip trip = {.decode = decode, .encode = encode, .print = print, .about = kind};
    struct slice item;

    REQUIRE(kind->body_bytes <= ROUND_TRIP_BYTES);
    trip.cuts_refused = kind->opcode != CQL_RESULT; /* rows are what is left */
    bool memory_fails = tape->bytes.len > 0 && tape->bytes.data[tape->at % tape->bytes.len] != 0;
    int rc = round_trip_run(&trip, body, tape);
    if (!memory_fails)
        decode_alone(kind, body, rc);
    for (size_t at = 0; cql_string_list_next(body, &at, &item);)
        REQUIRE(item.data >= body.data && item.data + item.len <= body.data + body.len);
    (void)cql_auth_kind(body);
}

static void check_prefix(const struct cql_header *header, struct slice *body)
{
    struct cql_prefix prefix;
    struct slice whole = *body;
    struct wire measure;

    if (cql_prefix_decode(body, header->flags, &prefix) < 0) {
        REQUIRE(body->data == whole.data && body->len == whole.len);
        return;
    }
    wire_init_measure(&measure);
    cql_prefix_walk(&measure, &prefix, header->flags);
    REQUIRE(measure.position == whole.len - body->len);
}

/* Both ways: what was plain comes back, and what came does not exceed the cap. */
static void check_compression(struct slice body, struct tape *tape)
{
    size_t cap = (size_t)PLAIN_BYTES >> tape_below(tape, 19);
    struct buf plain, packed, again;

    buf_init(&plain, &alloc_heap, PLAIN_BYTES);
    buf_init(&packed, &alloc_heap, PLAIN_BYTES);
    buf_init(&again, &alloc_heap, PLAIN_BYTES);
    if (cql_lz4_decompress(body, cap, &plain) == STATUS_OK)
        REQUIRE(buf_len(&plain) <= cap);
    if (cql_lz4_compress(body, &packed) == STATUS_OK) {
        REQUIRE(buf_len(&packed) < body.len);
        REQUIRE(cql_lz4_decompress(buf_unread(&packed), PLAIN_BYTES, &again) == STATUS_OK);
        REQUIRE(slice_equal(body, buf_unread(&again)));
    }
    buf_deinit(&plain);
    buf_deinit(&packed);
    buf_deinit(&again);
}

static void check_opcode(uint8_t opcode)
{
    size_t count = 0, same = 0;
    const struct cql_message *rows = cql_opcode_rows(&count), *kind = cql_opcode_find(opcode);

    for (size_t i = 0; i < count; i++)
        same += rows[i].opcode == opcode;
    REQUIRE(same == (kind != NULL ? 1 : 0) && (kind == NULL || kind->opcode == opcode));
    REQUIRE(cql_opcode_name(opcode) != NULL);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    size_t count = 0;
    const struct cql_message *rows = cql_opcode_rows(&count);

    (void)room;
    if (len >= CQL_HEADER_BYTES && cql_opcode_find(bytes[4]) == NULL)
        bytes[4] = rows[bytes[4] % count].opcode;
    if (len >= CQL_HEADER_BYTES && seed % 2 == 0)
        bytes[1] = 0;
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct slice in = input.bytes;

    if (in.len >= CQL_HEADER_BYTES) {
        struct cql_header header = cql_header_read(in.data);
        struct slice body = slice_make(in.data + CQL_HEADER_BYTES, in.len - CQL_HEADER_BYTES);
        const struct cql_message *kind = cql_opcode_find(header.opcode);
        uint8_t written[CQL_HEADER_BYTES];

        cql_header_write(written, &header);
        REQUIRE(memcmp(written, in.data, sizeof(written)) == 0);
        check_prefix(&header, &body);
        if ((header.flags & CQL_FLAG_COMPRESSION) != 0)
            check_compression(body, &input.tape);
        if (kind != NULL)
            walk_body(kind, body, &input.tape);
        check_opcode(header.opcode);
    }
    fuzz_input_free(&input);
    return 0;
}
