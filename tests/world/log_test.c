/* Log lines: their form, their level, and how often one event may be told. */
#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int pipe_ends[2];
static int64_t now_us;

static int64_t clock_of_test(void)
{
    return now_us;
}

static int start_log(void **state)
{
    (void)state;
    if (pipe(pipe_ends) != 0 || fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK) != 0)
        return -1;
    now_us = INT64_C(1769860800123456); /* 2026-01-31T12:00:00.123456Z */
    log_redirect(pipe_ends[1], clock_of_test);
    log_configure(LOG_INFO, 3);
    return 0;
}

static int stop_log(void **state)
{
    (void)state;
    log_redirect(STDERR_FILENO, NULL);
    return close(pipe_ends[0]) | close(pipe_ends[1]);
}

static void expect_lines(const char *expected)
{
    char text[2 * LOG_LINE_BYTES];
    ssize_t len = read(pipe_ends[0], text, sizeof(text) - 1);
    text[len < 0 ? 0 : len] = '\0';
    assert_string_equal(text, expected);
}

static void a_line_has_time_level_message_and_pairs(void **state)
{
    (void)state;
    log_event(LOG_WARN, "client closed", "peer=%s bytes=%d", "192.0.2.1:1", 7);
    log_event(LOG_INFO, "ready", "after_ms=%d", 5);
    expect_lines("ts=2026-01-31T12:00:00.123Z level=warn msg=\"client closed\" peer=192.0.2.1:1 "
                 "bytes=7\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=ready after_ms=5\n");
}

static void a_line_of_the_core_is_split_into_event_and_pairs(void **state)
{
    (void)state;
    log_text(LOG_ERROR, "node is lost node=\"a b\" reason=\"x = y\"");
    log_text(LOG_INFO, "drained");
    log_text(LOG_INFO, "=odd");
    log_text(LOG_INFO, "");
    expect_lines("ts=2026-01-31T12:00:00.123Z level=error msg=\"node is lost\" node=\"a b\" "
                 "reason=\"x = y\"\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=drained\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg==odd\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=\n");
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    log_event(LOG_DEBUG, "hidden", "a=%d", 1);
    log_configure(LOG_ERROR, 3);
    log_event(LOG_WARN, "hidden", "a=%d", 1);
    log_event(LOG_ERROR, "shown", "a=%d", 1);
    expect_lines("ts=2026-01-31T12:00:00.123Z level=error msg=shown a=1\n");
}

static void a_repeated_event_is_cut_and_its_rest_is_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        log_event(LOG_INFO, "bad frame", "n=%d", i);
    log_event(LOG_INFO, "other", "n=%d", 1);
    expect_lines("ts=2026-01-31T12:00:00.123Z level=info msg=\"bad frame\" n=0\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=\"bad frame\" n=1\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=\"bad frame\" n=2\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=other n=1\n");
    now_us += 1000000;
    log_event(LOG_INFO, "bad frame", "n=%d", 10);
    expect_lines("ts=2026-01-31T12:00:01.123Z level=info msg=\"bad frame\" suppressed=7\n"
                 "ts=2026-01-31T12:00:01.123Z level=info msg=\"bad frame\" n=10\n");
}

static void what_was_left_out_is_told_when_the_event_stops(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        log_event(LOG_WARN, "flood", "n=%d", 0);
    now_us += 500000;
    log_flush(false);
    now_us += 500000;
    log_flush(false);
    log_flush(true);
    expect_lines("ts=2026-01-31T12:00:00.123Z level=warn msg=flood n=0\n"
                 "ts=2026-01-31T12:00:00.123Z level=warn msg=flood n=0\n"
                 "ts=2026-01-31T12:00:00.123Z level=warn msg=flood n=0\n"
                 "ts=2026-01-31T12:00:01.123Z level=warn msg=flood suppressed=2\n");
}

static void a_limit_of_zero_is_no_limit(void **state)
{
    (void)state;
    log_configure(LOG_INFO, 0);
    for (int i = 0; i < 4; i++)
        log_event(LOG_INFO, "e", "n=%d", i);
    expect_lines("ts=2026-01-31T12:00:00.123Z level=info msg=e n=0\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=e n=1\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=e n=2\n"
                 "ts=2026-01-31T12:00:00.123Z level=info msg=e n=3\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    char longer[2 * LOG_LINE_BYTES], text[2 * LOG_LINE_BYTES];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    log_event(LOG_INFO, "long", "text=%s", longer);
    ssize_t len = read(pipe_ends[0], text, sizeof(text));
    assert_int_equal(len, LOG_LINE_BYTES - 1);
    assert_int_equal(text[len - 1], '\n');
    assert_int_equal(text[len - 2], 'x');
}

static void levels_have_names(void **state)
{
    (void)state;
    enum log_level level = LOG_DEBUG;
    assert_true(log_level_parse("WARN", &level));
    assert_int_equal(level, LOG_WARN);
    assert_false(log_level_parse("loud", &level));
    assert_string_equal(log_level_name(LOG_ERROR), "error");
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, start_log, stop_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_has_time_level_message_and_pairs),
        LOG_TEST(a_line_of_the_core_is_split_into_event_and_pairs),
        LOG_TEST(lines_below_the_level_are_not_written),
        LOG_TEST(a_repeated_event_is_cut_and_its_rest_is_counted),
        LOG_TEST(what_was_left_out_is_told_when_the_event_stops),
        LOG_TEST(a_limit_of_zero_is_no_limit),
        LOG_TEST(a_long_line_is_cut_and_still_ends),
        LOG_TEST(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
