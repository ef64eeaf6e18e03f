/* Stream ids and the queue of frames. */
#include "tests/cql/vectors.h"

#include "tests/support/failing_alloc.h"

#include "cql/stream.h"

struct fixture {
    struct failing_alloc failing;
    struct cql_streams streams;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    failing_alloc_init(&f->failing);
    *state = f;
    return cql_streams_init(&f->streams, &f->failing.alloc, CQL_STREAM_MAX);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cql_streams_deinit(&f->streams);
    failing_alloc_assert_none_live(&f->failing);
    free(f);
    return 0;
}

static struct cql_stream *take(struct fixture *f)
{
    struct cql_stream *stream = NULL;

    assert_int_equal(cql_streams_take(&f->streams, &stream), STATUS_OK);
    return stream;
}

static void all_ids_but_the_reserved_one_can_be_taken_and_come_back(void **state)
{
    static bool seen[CQL_STREAM_MAX + 1];
    struct fixture *f = *state;
    struct cql_stream *stream;

    for (int i = 0; i < CQL_STREAM_MAX; i++) {
        stream = take(f);
        assert_false(seen[stream->id]);
        seen[stream->id] = true;
    }
    assert_false(seen[CQL_STREAM_RESERVED]);
    assert_int_equal(cql_streams_take(&f->streams, &stream), STATUS_BUSY);
    assert_non_null(cql_streams_take_reserved(&f->streams));
    assert_null(cql_streams_take_reserved(&f->streams));
    cql_streams_release(&f->streams, cql_streams_find(&f->streams, 12345));
    assert_null(cql_streams_find(&f->streams, 12345));
    assert_int_equal(take(f)->id, 12345);
    cql_streams_release(&f->streams, cql_streams_find(&f->streams, CQL_STREAM_RESERVED));
    assert_non_null(cql_streams_take_reserved(&f->streams));
}

static void memory_follows_the_most_that_was_under_way_at_once(void **state)
{
    struct fixture *f = *state;
    size_t live = f->failing.live_bytes;

    for (int i = 0; i < 10 * CQL_STREAM_MAX; i++)
        cql_streams_release(&f->streams, take(f));
    assert_int_equal(f->failing.live_bytes, live);
}

static void an_id_is_not_taken_again_while_others_have_waited_longer(void **state)
{
    struct fixture *f = *state;
    struct cql_stream *first = take(f);
    uint16_t id = first->id;

    cql_streams_release(&f->streams, first);
    for (int i = 0; i < CQL_STREAM_CHUNK - 2; i++) {
        struct cql_stream *stream = take(f);

        assert_int_not_equal(stream->id, id);
        cql_streams_release(&f->streams, stream);
    }
    assert_int_equal(take(f)->id, id);
}

static void ids_that_were_never_taken_are_not_found(void **state)
{
    struct fixture *f = *state;

    assert_null(cql_streams_find(&f->streams, -1));
    assert_null(cql_streams_find(&f->streams, 0));
    assert_null(cql_streams_find(&f->streams, 1));
    assert_null(cql_streams_find(&f->streams, CQL_STREAM_MAX));
}

static struct cql_body *body_of(struct fixture *f, size_t len)
{
    struct cql_body *body = cql_body_new(&f->failing.alloc, 1 << 20);

    assert_non_null(body);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(buf_append(&body->buf, slice_make(&"0123456789"[i % 10], 1)), STATUS_OK);
    return body;
}

/* What leaves when `max` slices are asked for and `step` bytes are taken at a time. */
static void drain(struct fixture *f, struct buf *out, size_t max, size_t step)
{
    struct slice slices[8];
    size_t count;

    while ((count = cql_streams_output(&f->streams, slices, max)) > 0) {
        size_t sent = 0;

        assert_true(count <= max);
        for (size_t i = 0; i < count && sent < step; i++) {
            size_t len = slices[i].len < step - sent ? slices[i].len : step - sent;

            assert_int_equal(buf_append(out, slice_make(slices[i].data, len)), STATUS_OK);
            sent += len;
        }
        cql_streams_sent(&f->streams, sent);
    }
}

static void frames_leave_in_order_however_they_are_taken(void **state)
{
    struct fixture *f = *state;
    struct buf out;

    for (size_t max = 1; max <= 8; max++) {
        for (size_t step = 1; step < 40; step++) {
            buf_init(&out, &alloc_heap, 1 << 16);
            for (size_t i = 0; i < 5; i++) {
                struct cql_body *body = i == 2 ? NULL : body_of(f, i * 3);
                struct cql_stream *stream = take(f);

                cql_streams_queue(&f->streams, stream, CQL_BATCH, 0, body);
                cql_body_unref(body);
                cql_streams_release(&f->streams, stream);
            }
            drain(f, &out, max, step);
            assert_int_equal(buf_len(&out), 5 * CQL_HEADER_BYTES + 0 + 3 + 9 + 12);
            for (size_t i = 0, at = 0; i < 5; i++) {
                struct cql_header header = cql_header_read(buf_unread(&out).data + at);

                assert_int_equal(header.body_bytes, i == 2 ? 0 : i * 3);
                assert_int_equal(header.opcode, CQL_BATCH);
                at += CQL_HEADER_BYTES + header.body_bytes;
            }
            buf_deinit(&out);
        }
    }
}

static void a_body_is_dropped_when_its_last_byte_has_left(void **state)
{
    struct fixture *f = *state;
    struct cql_body *body = body_of(f, 5);
    struct cql_stream *stream = take(f);

    cql_streams_queue(&f->streams, stream, CQL_BATCH, 0, body);
    assert_int_equal(body->references, 2);
    cql_streams_sent(&f->streams, CQL_HEADER_BYTES + 4);
    assert_int_equal(body->references, 2);
    cql_streams_sent(&f->streams, 1);
    assert_int_equal(body->references, 1);
    assert_true(stream->taken);
    cql_body_unref(body);
}

static void queued_bodies_are_dropped_with_the_streams(void **state)
{
    struct fixture *f = *state;
    struct cql_body *body = body_of(f, 5);

    cql_streams_queue(&f->streams, take(f), CQL_BATCH, 0, body);
    cql_body_unref(body); /* teardown finds a leak, if there is one */
}

static void an_id_without_memory_for_its_slot_is_not_given(void **state)
{
    struct fixture *f = *state;
    struct cql_stream *stream;

    for (int i = 0; i < CQL_STREAM_CHUNK - 1; i++)
        (void)take(f);
    failing_alloc_fail_after(&f->failing, 0);
    assert_int_equal(cql_streams_take(&f->streams, &stream), STATUS_NOMEM);
    assert_int_equal(take(f)->id, CQL_STREAM_CHUNK);
}

int main(void)
{
#define STREAMS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        STREAMS(all_ids_but_the_reserved_one_can_be_taken_and_come_back),
        STREAMS(memory_follows_the_most_that_was_under_way_at_once),
        STREAMS(an_id_is_not_taken_again_while_others_have_waited_longer),
        STREAMS(ids_that_were_never_taken_are_not_found),
        STREAMS(frames_leave_in_order_however_they_are_taken),
        STREAMS(a_body_is_dropped_when_its_last_byte_has_left),
        STREAMS(queued_bodies_are_dropped_with_the_streams),
        STREAMS(an_id_without_memory_for_its_slot_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
