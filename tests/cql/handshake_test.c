/* Authentication, SUPPORTED, and the batches that other clients send: the edges of small messages.
 */
#include "tests/cql/vectors.h"

#include "cql/auth.h"
#include "cql/batch_request.h"
#include "cql/event.h"
#include "cql/startup.h"

static void authenticators_are_known_by_their_whole_name(void **state)
{
    (void)state;
    assert_int_equal(
        cql_auth_kind(SLICE_LITERAL("org.apache.cassandra.auth.PasswordAuthenticator")),
        CQL_AUTH_PLAIN);
    assert_int_equal(
        cql_auth_kind(SLICE_LITERAL("com.datastax.bdp.cassandra.auth.DseAuthenticator")),
        CQL_AUTH_DSE);
    assert_int_equal(cql_auth_kind(SLICE_LITERAL("PasswordAuthenticator")), CQL_AUTH_UNKNOWN);
    assert_int_equal(cql_auth_kind(SLICE_LITERAL("")), CQL_AUTH_UNKNOWN);
}

static void a_plain_token_is_two_texts_behind_zeros(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 10);
    assert_int_equal(cql_auth_plain_encode(&out, "me", "secret"), STATUS_OK);
    assert_true(slice_equal(buf_unread(&out), SLICE_LITERAL("\0\0\0\x0a\0me\0secret")));
    buf_reset(&out);
    assert_int_equal(cql_auth_plain_encode(&out, "me", NULL), STATUS_OK);
    assert_true(slice_equal(buf_unread(&out), SLICE_LITERAL("\0\0\0\4\0me\0")));
    buf_deinit(&out);
}

static void a_password_is_never_printed(void **state)
{
    struct cql_auth_token token = {SLICE_LITERAL("\0me\0secret")};
    struct wire wire;
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 10);
    wire_init_print(&wire, &out);
    cql_auth_token_walk(&wire, &token);
    assert_true(slice_equal(buf_unread(&out), SLICE_LITERAL("token=\"<hidden>\"")));
    buf_deinit(&out);
}

static void supported_is_copied_out_of_its_frame(void **state)
{
    char body[] = "\0\2\0\1a\0\0\0\1b\0\2\0\1x\0\2yz";
    struct cql_pair *pairs;
    struct arena arena;
    uint16_t count;

    (void)state;
    arena_init(&arena, &alloc_heap, 256, 1 << 10);
    assert_int_equal(cql_supported_copy(slice_make(body, sizeof(body) - 1), &arena, &pairs, &count),
                     STATUS_OK);
    memset(body, 0xff, sizeof(body));
    assert_int_equal(count, 2);
    assert_true(slice_equal(pairs[0].key, SLICE_LITERAL("a")) && pairs[0].value.len == 0);
    assert_true(slice_equal(pairs[1].value, SLICE_LITERAL("x,yz")));
    assert_int_equal(cql_supported_copy(SLICE_LITERAL("\xff\xff"), &arena, &pairs, &count),
                     STATUS_TRUNCATED);
    assert_int_equal(count, 0);
    arena_deinit(&arena);
}

static void an_event_of_an_unknown_kind_is_no_error(void **state)
{
    struct cql_push push;

    (void)state;
    assert_int_equal(cql_event_decode(SLICE_LITERAL("\0\5OTHERand more"), &push), STATUS_OK);
    assert_int_equal(push.kind, CQL_PUSH_UNKNOWN);
    assert_int_equal(
        cql_event_decode(SLICE_LITERAL("\0\x0dSCHEMA_CHANGE\0\7ALTERED\0\4VIEW"), &push),
        STATUS_OK);
    assert_int_equal(push.kind, CQL_PUSH_SCHEMA);
    assert_int_equal(push.change, CQL_CHANGE_UNKNOWN);
    assert_int_equal(push.schema.target, CQL_TARGET_UNKNOWN);
}

static void a_recorded_event_names_its_node(void **state)
{
    struct vectors *vectors = vectors_read("event");
    bool up = false;

    (void)state;
    assert_non_null(vectors);
    for (size_t i = 0; i < vectors->count; i++) {
        struct cql_prefix prefix;
        struct cql_push push;

        assert_int_equal(cql_event_decode(vector_message(&vectors->at[i], &prefix), &push),
                         STATUS_OK);
        if (push.kind != CQL_PUSH_STATUS || push.change != CQL_CHANGE_UP)
            continue;
        up = true;
        assert_int_equal(push.address.address_bytes, 4);
        assert_memory_equal(push.address.address, "\x7f\0\0\2", 4);
    }
    assert_true(up);
    vectors_free(vectors);
}

static int batch_status(struct slice body)
{
    struct cql_batch_request batch = {0};
    struct arena arena;
    struct wire wire;

    arena_init(&arena, &alloc_heap, 256, 1 << 20);
    wire_init_decode(&wire, body, &arena);
    cql_batch_request_walk(&wire, &batch);
    arena_deinit(&arena);
    return wire.error;
}

static void a_batch_of_an_unknown_type_or_kind_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(batch_status(SLICE_LITERAL("\1\0\0\0\1\0")), STATUS_OK);
    assert_int_equal(batch_status(SLICE_LITERAL("\3\0\0\0\1\0")), STATUS_MALFORMED);
    assert_int_equal(batch_status(SLICE_LITERAL("\1\0\1\2\0\0\0\0\0\1\0")), STATUS_MALFORMED);
}

static void a_batch_that_promises_statements_it_has_not_is_truncated(void **state)
{
    (void)state;
    assert_int_equal(batch_status(SLICE_LITERAL("\1\xff\xff\1\0\0\0\0\0\1\0")), STATUS_TRUNCATED);
    assert_int_equal(batch_status(SLICE_LITERAL("\1\0\1\1\0\1i\xff\xff\0\0\0\0\0\1\0")),
                     STATUS_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authenticators_are_known_by_their_whole_name),
        cmocka_unit_test(a_plain_token_is_two_texts_behind_zeros),
        cmocka_unit_test(a_password_is_never_printed),
        cmocka_unit_test(supported_is_copied_out_of_its_frame),
        cmocka_unit_test(an_event_of_an_unknown_kind_is_no_error),
        cmocka_unit_test(a_recorded_event_names_its_node),
        cmocka_unit_test(a_batch_of_an_unknown_type_or_kind_is_malformed),
        cmocka_unit_test(a_batch_that_promises_statements_it_has_not_is_truncated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
