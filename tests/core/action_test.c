#include "core/action.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

/* Stand-ins: all that the queue knows of them is their first member. */
struct client {
    struct action_source source;
};
struct link {
    struct action_source source;
};

static void actions_come_out_in_the_order_they_went_in(void **state)
{
    (void)state;
    struct action_queue *queue = action_queue_new(&alloc_heap);
    struct client client = {0};
    struct link link = {.source = {.host = "cassandra", .port = 9042}};
    struct action action;

    action_link(queue, ACTION_LINK_OPEN, &link);
    action_client(queue, ACTION_CLIENT_WRITE, &client, false);
    action_log(queue, LOG_WARN, "node is lost", "node=%s", "a:9042");
    action_simple(queue, ACTION_READY);
    action_fatal(queue, 78, "no");

    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_LINK_OPEN);
    assert_ptr_equal(action.link, &link);
    assert_string_equal(action.host, "cassandra");
    assert_int_equal(action.port, 9042);
    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_CLIENT_WRITE);
    assert_ptr_equal(action.client, &client);
    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_LOG);
    assert_int_equal(action.level, LOG_WARN);
    assert_string_equal(action.text, "node is lost node=a:9042");
    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_READY);
    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_FATAL);
    assert_int_equal(action.exit_code, 78);
    assert_string_equal(action.text, "no");
    assert_false(action_next(queue, &action));
    action_queue_free(queue);
}

static void an_action_is_queued_once_until_it_is_pulled(void **state)
{
    (void)state;
    struct action_queue *queue = action_queue_new(&alloc_heap);
    struct client client = {0};
    struct action action;

    for (int round = 0; round < 2; round++) {
        action_client(queue, ACTION_CLIENT_WRITE, &client, false);
        action_client(queue, ACTION_CLIENT_WRITE, &client, false);
        assert_true(action_next(queue, &action));
        assert_false(action_next(queue, &action));
    }
    action_queue_free(queue);
}

static void the_last_word_on_reading_counts(void **state)
{
    (void)state;
    struct action_queue *queue = action_queue_new(&alloc_heap);
    struct client client = {0};
    struct action action;

    action_client(queue, ACTION_CLIENT_READ, &client, false);
    action_client(queue, ACTION_CLIENT_READ, &client, true);
    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_CLIENT_READ);
    assert_true(action.on);
    assert_false(action_next(queue, &action));
    action_queue_free(queue);
}

static void what_is_being_freed_is_forgotten(void **state)
{
    (void)state;
    struct action_queue *queue = action_queue_new(&alloc_heap);
    struct client client = {0};
    struct link link = {0};
    struct action action;

    action_client(queue, ACTION_CLIENT_WRITE, &client, false);
    action_client(queue, ACTION_CLIENT_CLOSE, &client, false);
    action_link(queue, ACTION_LINK_CLOSE, &link);
    action_simple(queue, ACTION_DRAINED);
    action_forget_client(queue, &client);
    action_forget_link(queue, &link);
    action_forget_link(queue, &link);
    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_DRAINED);
    assert_false(action_next(queue, &action));
    action_queue_free(queue);
}

static void the_first_fatal_cause_is_told(void **state)
{
    (void)state;
    struct action_queue *queue = action_queue_new(&alloc_heap);
    struct action action;

    action_fatal(queue, 78, "first");
    action_fatal(queue, 1, "second");
    assert_true(action_next(queue, &action));
    assert_int_equal(action.exit_code, 78);
    assert_string_equal(action.text, "first");
    assert_false(action_next(queue, &action));
    action_queue_free(queue);
}

static void out_of_memory_drops_log_lines_only(void **state)
{
    (void)state;
    struct failing_alloc failing;
    struct link link = {0};
    struct action action;
    failing_alloc_init(&failing);
    struct action_queue *queue = action_queue_new(&failing.alloc);

    failing_alloc_fail_after(&failing, 0);
    action_log(queue, LOG_INFO, "lost", "n=%d", 0);
    action_link(queue, ACTION_LINK_WRITE, &link);
    action_log(queue, LOG_INFO, "kept", "n=%d", 1);
    assert_true(action_next(queue, &action));
    assert_int_equal(action.kind, ACTION_LINK_WRITE);
    assert_true(action_next(queue, &action));
    assert_string_equal(action.text, "kept n=1");
    assert_false(action_next(queue, &action));
    action_log(queue, LOG_INFO, "never pulled", "n=%d", 2);
    action_queue_free(queue);
    failing_alloc_assert_none_live(&failing);
}

static void expect_quoted(const char *text, size_t len, const char *quoted)
{
    char to[LOG_QUOTED_BYTES];
    assert_string_equal(log_quote(to, sizeof(to), text, len), quoted);
}

static void what_a_peer_says_cannot_break_a_log_line(void **state)
{
    (void)state;
    expect_quoted("orders-1", 8, "orders-1");
    expect_quoted("", 0, "\"\"");
    expect_quoted("two words", 9, "\"two words\"");
    expect_quoted("a=b", 3, "\"a=b\"");
    expect_quoted("say \"no\"\\", 9, "\"say \\\"no\\\"\\\\\"");
    expect_quoted("x\nlevel=error\0", 14, "\"x\\x0alevel=error\\x00\"");
    expect_quoted("\xc3\xa9\x7f", 3, "\"\\xc3\\xa9\\x7f\"");
}

static void what_a_peer_says_is_cut(void **state)
{
    (void)state;
    char text[400];
    char to[LOG_QUOTED_BYTES];
    char small[24];
    memset(text, '\n', sizeof(text));
    assert_int_equal(strlen(log_quote(to, sizeof(to), text, sizeof(text))), 128 * 4 + 5);
    assert_int_equal(strlen(log_quote(to, sizeof(to), text, 128)), 128 * 4 + 2);
    memset(text, 'a', sizeof(text));
    assert_string_equal(log_quote(small, sizeof(small), text, sizeof(text)),
                        "\"aaaaaaaaaaaaaaa...\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_come_out_in_the_order_they_went_in),
        cmocka_unit_test(an_action_is_queued_once_until_it_is_pulled),
        cmocka_unit_test(the_last_word_on_reading_counts),
        cmocka_unit_test(what_is_being_freed_is_forgotten),
        cmocka_unit_test(the_first_fatal_cause_is_told),
        cmocka_unit_test(out_of_memory_drops_log_lines_only),
        cmocka_unit_test(what_a_peer_says_cannot_break_a_log_line),
        cmocka_unit_test(what_a_peer_says_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
