/* Every walk of the registry against bytes that Kafka's own client library wrote. */
#include "kafka/header.h"
#include "tests/kafka/vectors.h"
#include "tests/support/failing_alloc.h"

enum { MUTATIONS = 60, MUTATED_BYTES = 6 };

/* What one vector is a vector of. */
struct subject {
    const struct kafka_api *api;
    int version;
    bool request;
};

struct decoded {
    struct arena arena;
    struct kafka_request_header header;
    int32_t correlation_id;
    void *body;
    int status;
    struct kafka_decode_error failed;
};

/* Decodes a copy of exactly this size, so that the sanitizer sees every byte read too far. */
static void decode(struct decoded *d, const struct subject *s, const struct alloc *alloc,
                   struct slice frame)
{
    size_t body_bytes = s->request ? s->api->request_bytes : s->api->response_bytes;

    arena_init(&d->arena, alloc, 1024, 1 << 20);
    d->failed = (struct kafka_decode_error){NULL, 0};
    d->body = arena_take(&d->arena, body_bytes);
    if (d->body == NULL)
        d->status = STATUS_NOMEM;
    else if (s->request)
        d->status = kafka_request_decode(frame, &d->arena, &d->header, d->body, &d->failed);
    else
        d->status = kafka_response_decode(frame, s->api, s->version, &d->arena, &d->correlation_id,
                                          d->body, &d->failed);
}

static int encode(struct decoded *d, const struct subject *s, struct buf *out)
{
    if (s->request)
        return kafka_request_encode(out, &d->header, d->body);
    return kafka_response_encode(out, s->api, s->version, d->correlation_id, d->body);
}

static int print(struct decoded *d, const struct subject *s, struct buf *out)
{
    return kafka_print(out, s->request ? s->api->request : s->api->response, s->version,
                       s->version >= s->api->first_flexible, d->body);
}

static struct slice without_size(const struct vector *vector)
{
    return slice_make(vector->bytes + 4, vector->len - 4);
}

typedef void (*vector_check)(const struct subject *s, const struct vector *vector);

static void each_vector(vector_check check)
{
    size_t rows = 0;
    const struct kafka_api *row = kafka_api_rows(&rows);
    struct vectors *vectors = malloc(sizeof(*vectors));

    for (size_t i = 0; i < rows; i++) {
        for (int version = row[i].advertised_min; version <= row[i].advertised_max; version++) {
            for (int direction = 0; direction < 2; direction++) {
                struct subject s = {&row[i], version, direction == 0};
                assert_true(vectors_read(vectors, s.api, version, s.request));
                for (size_t k = 0; k < vectors->count; k++)
                    check(&s, &vectors->at[k]);
            }
        }
    }
    free(vectors);
}

static void check_values(const struct subject *s, const struct vector *vector)
{
    struct decoded d;
    struct buf text;

    buf_init(&text, &alloc_heap, SIZE_MAX);
    decode(&d, s, &alloc_heap, without_size(vector));
    if (d.status != STATUS_OK)
        fail_msg("%s v%d: field %s at %zu", s->api->name, s->version, d.failed.field,
                 d.failed.offset);
    assert_int_equal(print(&d, s, &text), STATUS_OK);
    assert_int_equal(buf_append(&text, slice_make("", 1)), STATUS_OK);
    assert_string_equal((const char *)buf_unread(&text).data, vector->text);
    if (s->request) {
        assert_int_equal(d.header.request_api_key, s->api->key);
        assert_int_equal(d.header.request_api_version, s->version);
        assert_int_equal(d.header.correlation_id & 0x7ffffff0, 0x01020300);
    }
    arena_deinit(&d.arena);
    buf_deinit(&text);
}

static void every_vector_decodes_to_the_values_that_kafka_put_in(void **state)
{
    (void)state;
    each_vector(check_values);
}

static void check_bytes(const struct subject *s, const struct vector *vector)
{
    struct decoded d;
    struct buf out;

    buf_init(&out, &alloc_heap, SIZE_MAX);
    decode(&d, s, &alloc_heap, without_size(vector));
    assert_int_equal(encode(&d, s, &out), STATUS_OK);
    assert_int_equal(buf_len(&out), vector->len);
    assert_memory_equal(buf_unread(&out).data, vector->bytes, vector->len);
    arena_deinit(&d.arena);
    buf_deinit(&out);
}

static void every_vector_encodes_to_the_bytes_that_kafka_wrote(void **state)
{
    (void)state;
    each_vector(check_bytes);
}

static void check_truncations(const struct subject *s, const struct vector *vector)
{
    struct decoded d;

    for (size_t len = 0; len < vector->len - 4; len++) {
        uint8_t *copy = malloc(len == 0 ? 1 : len);
        memcpy(copy, vector->bytes + 4, len);
        decode(&d, s, &alloc_heap, slice_make(copy, len));
        assert_true(d.status < 0);
        assert_non_null(d.failed.field);
        assert_true(d.failed.offset <= len);
        arena_deinit(&d.arena);
        free(copy);
    }
}

static void every_truncated_vector_is_refused_with_its_field(void **state)
{
    (void)state;
    each_vector(check_truncations);
}

static void check_measure(const struct subject *s, const struct vector *vector)
{
    struct decoded d;
    struct wire wire;

    decode(&d, s, &alloc_heap, without_size(vector));
    wire_init_measure(&wire);
    if (s->request)
        kafka_request_header_walk(&wire, &d.header);
    else
        kafka_response_header_walk(&wire, s->api, s->version, &d.correlation_id);
    (s->request ? s->api->request : s->api->response)(&wire, d.body, s->version);
    assert_int_equal(wire.error, STATUS_OK);
    assert_int_equal(wire.position, vector->len - 4);
    arena_deinit(&d.arena);
}

static void measuring_counts_what_encoding_writes(void **state)
{
    (void)state;
    each_vector(check_measure);
}

static uint32_t random_next(void)
{
    static uint32_t x = 0x9e3779b9;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

/* Whatever decodes must survive another round: same text, and from then on the same bytes. */
static bool check_again(const struct subject *s, struct slice frame)
{
    struct decoded first;
    struct decoded second;
    struct buf out[2];
    struct buf text[2];

    decode(&first, s, &alloc_heap, frame);
    if (first.status != STATUS_OK) {
        arena_deinit(&first.arena);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        buf_init(&out[i], &alloc_heap, SIZE_MAX);
        buf_init(&text[i], &alloc_heap, SIZE_MAX);
    }
    assert_int_equal(encode(&first, s, &out[0]), STATUS_OK);
    assert_int_equal(print(&first, s, &text[0]), STATUS_OK);
    struct slice again = buf_unread(&out[0]);
    decode(&second, s, &alloc_heap, slice_make(again.data + 4, again.len - 4));
    assert_int_equal(second.status, STATUS_OK);
    assert_int_equal(encode(&second, s, &out[1]), STATUS_OK);
    assert_int_equal(print(&second, s, &text[1]), STATUS_OK);
    assert_true(slice_equal(again, buf_unread(&out[1])));
    assert_true(slice_equal(buf_unread(&text[0]), buf_unread(&text[1])));
    for (int i = 0; i < 2; i++) {
        buf_deinit(&out[i]);
        buf_deinit(&text[i]);
    }
    arena_deinit(&first.arena);
    arena_deinit(&second.arena);
    return true;
}

static size_t survived;

static void check_mutations(const struct subject *s, const struct vector *vector)
{
    enum { HEAD = 8 }; /* keep api key, version and correlation id */
    size_t len = vector->len - 4;

    for (int i = 0; i < MUTATIONS && len > HEAD; i++) {
        uint8_t *copy = malloc(len);
        memcpy(copy, vector->bytes + 4, len);
        for (uint32_t k = random_next() % MUTATED_BYTES + 1; k > 0; k--)
            copy[HEAD + random_next() % (len - HEAD)] = (uint8_t)(random_next() >> 8);
        survived += check_again(s, slice_make(copy, len));
        free(copy);
    }
}

static void random_values_come_back_the_same_in_every_version(void **state)
{
    (void)state;
    survived = 0;
    each_vector(check_mutations);
    assert_true(survived > 2000); /* else the test proves little */
}

static void check_failing_allocations(const struct subject *s, const struct vector *vector)
{
    struct failing_alloc failing;

    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct decoded d;
        struct buf out;
        buf_init(&out, &failing.alloc, SIZE_MAX);
        decode(&d, s, &failing.alloc, without_size(vector));
        if (d.status == STATUS_OK && buf_append(&out, slice_make("kept", 4)) == STATUS_OK) {
            int rc = encode(&d, s, &out);
            assert_true(rc == STATUS_OK || rc == STATUS_NOMEM);
            if (rc != STATUS_OK)
                assert_int_equal(buf_len(&out), 4);
        } else {
            assert_true(failing.failures > 0);
        }
        arena_deinit(&d.arena);
        buf_deinit(&out);
    }
}

static void running_out_of_memory_anywhere_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    each_vector(check_failing_allocations);
}

static void check_small_buffers(const struct subject *s, const struct vector *vector)
{
    struct decoded d;
    struct buf out;

    decode(&d, s, &alloc_heap, without_size(vector));
    for (size_t limit = 4; limit < vector->len + 4; limit++) {
        buf_init(&out, &alloc_heap, limit);
        assert_int_equal(buf_append(&out, slice_make("kept", 4)), STATUS_OK);
        assert_int_equal(encode(&d, s, &out), STATUS_LIMIT);
        assert_true(slice_equal(buf_unread(&out), SLICE_LITERAL("kept")));
        buf_deinit(&out);
    }
    arena_deinit(&d.arena);
}

static void a_frame_that_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    each_vector(check_small_buffers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_decodes_to_the_values_that_kafka_put_in),
        cmocka_unit_test(every_vector_encodes_to_the_bytes_that_kafka_wrote),
        cmocka_unit_test(every_truncated_vector_is_refused_with_its_field),
        cmocka_unit_test(measuring_counts_what_encoding_writes),
        cmocka_unit_test(random_values_come_back_the_same_in_every_version),
        cmocka_unit_test(a_frame_that_does_not_fit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(running_out_of_memory_anywhere_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
