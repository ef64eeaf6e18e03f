/* Every walk of the registry against frames that a real node or another project's driver wrote. */
#include "tests/cql/vectors.h"

#include "tests/support/failing_alloc.h"

#include "cql/result.h"

enum { MUTATIONS = 400 };

struct decoded {
    struct arena arena;
    void *message;
    int status;
};

static void decode(struct decoded *d, const struct cql_message *row, const struct alloc *alloc,
                   struct slice body)
{
    struct wire wire;

    arena_init(&d->arena, alloc, 512, 1 << 20);
    d->message = arena_take(&d->arena, row->body_bytes + 1);
    d->status = STATUS_NOMEM;
    if (d->message == NULL)
        return;
    wire_init_decode(&wire, body, &d->arena);
    row->walk(&wire, d->message);
    d->status = wire.error;
}

static void undo(struct decoded *d)
{
    arena_deinit(&d->arena);
}

static int print(const struct cql_message *row, void *message, struct buf *out)
{
    struct wire wire;

    wire_init_print(&wire, out);
    row->walk(&wire, message);
    return wire.error;
}

typedef void (*vector_check)(const struct cql_message *row, const struct vector *vector);

static void each_vector(vector_check check)
{
    size_t rows = 0;
    const struct cql_message *row = cql_opcode_rows(&rows);

    for (size_t i = 0; i < rows; i++) {
        struct vectors *vectors = vectors_read(row[i].name);

        assert_non_null(vectors);
        for (size_t k = 0; k < vectors->count; k++)
            check(&row[i], &vectors->at[k]);
        vectors_free(vectors);
    }
}

static void every_row_of_the_registry_has_a_vector(void **state)
{
    size_t rows = 0;
    const struct cql_message *row = cql_opcode_rows(&rows);

    (void)state;
    for (size_t i = 0; i < rows; i++) {
        struct vectors *vectors = vectors_read(row[i].name);

        if (vectors == NULL || vectors->count == 0)
            fail_msg("no vector of %s", row[i].name);
        vectors_free(vectors);
    }
}

static void check_header(const struct cql_message *row, const struct vector *vector)
{
    struct cql_header header = vector_header(vector);
    bool response = (header.version & CQL_VERSION_RESPONSE) != 0;

    assert_int_equal(header.opcode, row->opcode);
    assert_int_equal(header.version & 0x7f, CQL_VERSION);
    assert_int_equal(response, row->direction == CQL_FROM_NODE);
    assert_ptr_equal(cql_opcode_find(header.opcode), row);
}

static void every_vector_has_the_opcode_and_the_direction_of_its_row(void **state)
{
    (void)state;
    each_vector(check_header);
}

static void check_meaning(const struct cql_message *row, const struct vector *vector)
{
    struct cql_prefix prefix;
    struct decoded d;
    struct buf out;

    buf_init(&out, &alloc_heap, 1 << 20);
    decode(&d, row, &alloc_heap, vector_message(vector, &prefix));
    assert_int_equal(d.status, STATUS_OK);
    assert_int_equal(print(row, d.message, &out), STATUS_OK);
    assert_int_equal(buf_append(&out, SLICE_LITERAL("\0")), STATUS_OK);
    if (vector->has_meaning && row->opcode != CQL_RESULT) /* those are read by result_test.c */
        assert_string_equal((const char *)buf_unread(&out).data, vector->meaning);
    buf_deinit(&out);
    undo(&d);
}

static void every_vector_means_to_us_what_it_means_to_the_other_driver(void **state)
{
    (void)state;
    each_vector(check_meaning);
}

static void check_round_trip(const struct cql_message *row, const struct vector *vector)
{
    struct cql_prefix prefix;
    struct slice body = vector_message(vector, &prefix);
    struct decoded d;
    struct wire wire;
    struct buf out;

    buf_init(&out, &alloc_heap, 1 << 20);
    decode(&d, row, &alloc_heap, body);
    assert_int_equal(d.status, STATUS_OK);
    wire_init_encode(&wire, &out);
    row->walk(&wire, d.message);
    assert_int_equal(wire.error, STATUS_OK);
    if (strstr(vector->comment, "not known") == NULL) { /* those have bytes that we pass over */
        assert_int_equal(buf_len(&out), body.len);
        assert_memory_equal(buf_unread(&out).data, body.data, body.len);
    }
    wire_init_measure(&wire);
    row->walk(&wire, d.message);
    assert_int_equal(wire.error, STATUS_OK);
    assert_int_equal(wire.position, buf_len(&out));
    buf_deinit(&out);
    undo(&d);
}

static void every_vector_is_encoded_again_byte_for_byte(void **state)
{
    (void)state;
    each_vector(check_round_trip);
}

/* A copy of exactly this size, so that the sanitizer sees a read too far. */
static int decode_copy(const struct cql_message *row, struct slice body)
{
    uint8_t *copy = malloc(body.len + 1); /* not 0 */
    struct cql_result result;
    struct decoded d;

    assert_non_null(copy);
    memcpy(copy + 1, body.data, body.len);
    struct slice bytes = slice_make(copy + 1, body.len);
    decode(&d, row, &alloc_heap, bytes);
    int status = d.status;
    if (status == STATUS_OK && row->opcode == CQL_RESULT)
        status = cql_result_open(bytes, &d.arena, &result);
    if (status == STATUS_OK && row->opcode == CQL_RESULT)
        while (cql_result_next_row(&result))
            (void)cql_result_cell(&result, 0);
    undo(&d);
    free(copy);
    return status;
}

static void check_truncations(const struct cql_message *row, const struct vector *vector)
{
    struct cql_prefix prefix;
    struct slice body = vector_message(vector, &prefix);

    if (strstr(vector->comment, "not known") != NULL)
        return;
    for (size_t len = 0; len < body.len; len++)
        if (decode_copy(row, slice_make(body.data, len)) != STATUS_TRUNCATED)
            fail_msg("%s, cut to %zu bytes, was taken", vector->comment, len);
}

static void every_truncation_of_every_vector_is_noticed(void **state)
{
    (void)state;
    each_vector(check_truncations);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void check_mutations(const struct cql_message *row, const struct vector *vector)
{
    struct cql_prefix prefix;
    struct slice body = vector_message(vector, &prefix);
    uint8_t *copy = malloc(body.len + 1);
    uint32_t seed = (uint32_t)body.len;

    assert_non_null(copy);
    for (size_t i = 0; body.len > 0 && i < MUTATIONS; i++) {
        memcpy(copy, body.data, body.len);
        for (uint32_t k = 0; k <= i % 4; k++)
            copy[next_random(&seed) % body.len] = (uint8_t)next_random(&seed);
        (void)decode_copy(row, slice_make(copy, body.len));
    }
    free(copy);
}

static void no_mutation_of_a_vector_reads_beyond_it(void **state)
{
    (void)state;
    each_vector(check_mutations);
}

static void check_out_of_memory(const struct cql_message *row, const struct vector *vector)
{
    struct cql_prefix prefix;
    struct slice body = vector_message(vector, &prefix);
    struct failing_alloc failing;

    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct decoded d;

        decode(&d, row, &failing.alloc, body);
        assert_int_equal(d.status, failing.failures > 0 ? STATUS_NOMEM : STATUS_OK);
        undo(&d);
    }
}

static void decoding_without_memory_fails_cleanly(void **state)
{
    (void)state;
    each_vector(check_out_of_memory);
}

static void an_unknown_opcode_has_no_row_and_a_name(void **state)
{
    (void)state;
    assert_null(cql_opcode_find(0x04));
    assert_null(cql_opcode_find(0x11));
    assert_null(cql_opcode_find(0xff));
    assert_string_equal(cql_opcode_name(0x04), "UNKNOWN");
    assert_string_equal(cql_opcode_name(CQL_AUTH_SUCCESS), "AUTH_SUCCESS");
}

static void an_answer_fits_its_request(void **state)
{
    (void)state;
    assert_true(cql_opcode_answers(CQL_BATCH, CQL_RESULT));
    assert_true(cql_opcode_answers(CQL_BATCH, CQL_ERROR));
    assert_false(cql_opcode_answers(CQL_BATCH, CQL_READY));
    assert_false(cql_opcode_answers(CQL_OPTIONS, CQL_READY));
    assert_true(cql_opcode_answers(CQL_STARTUP, CQL_AUTHENTICATE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_registry_has_a_vector),
        cmocka_unit_test(every_vector_has_the_opcode_and_the_direction_of_its_row),
        cmocka_unit_test(every_vector_means_to_us_what_it_means_to_the_other_driver),
        cmocka_unit_test(every_vector_is_encoded_again_byte_for_byte),
        cmocka_unit_test(every_truncation_of_every_vector_is_noticed),
        cmocka_unit_test(no_mutation_of_a_vector_reads_beyond_it),
        cmocka_unit_test(decoding_without_memory_fails_cleanly),
        cmocka_unit_test(an_unknown_opcode_has_no_row_and_a_name),
        cmocka_unit_test(an_answer_fits_its_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
