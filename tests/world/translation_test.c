/* cassandra.address_translation: what is written and what the core is given. */
#include "translation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void expect(const struct translations *translations, size_t at, const char *told_host,
                   int told_port, const char *host, int port)
{
    const struct address_translation *item = &translations->items[at];
    assert_string_equal(item->told_host, told_host);
    assert_int_equal(item->told_port, told_port);
    assert_string_equal(item->host, host);
    assert_int_equal(item->port, port);
}

static void addresses_with_and_without_ports_are_read(void **state)
{
    struct translations t;
    (void)state;
    assert_int_equal(translations_parse("10.0.0.1=203.0.113.5, 10.0.0.2:9042=nat.example:19042 ,"
                                        "[2001:db8::1]:9042=[::1]:1,2001:DB8::2=h",
                                        &t),
                     STATUS_OK);
    assert_int_equal(t.count, 4);
    expect(&t, 0, "10.0.0.1", 0, "203.0.113.5", 0);
    expect(&t, 1, "10.0.0.2", 9042, "nat.example", 19042);
    expect(&t, 2, "2001:db8:0:0:0:0:0:1", 9042, "::1", 1); /* as the core writes addresses */
    expect(&t, 3, "2001:db8:0:0:0:0:0:2", 0, "h", 0);
    translations_free(&t);
}

static void what_is_no_translation_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "=",
                                        "10.0.0.1",
                                        "10.0.0.1=",
                                        "=host",
                                        "name=host",
                                        "10.0.0.1=a,",
                                        "10.0.0.1=a,,b=c",
                                        "10.0.0.1=a=b",
                                        "10.0.0.1:70000=a",
                                        "10.0.0.300=a"};
    struct translations t;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(translations_parse(wrong[i], &t), STATUS_MALFORMED);
        assert_null(t.items);
    }
}

static void more_than_a_thousand_are_refused(void **state)
{
    static char text[TRANSLATIONS_MAX * 12 + 32];
    struct translations t;
    size_t len = 0;
    (void)state;
    for (int i = 0; i < TRANSLATIONS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s10.0.0.1=a", i > 0 ? "," : "");
    assert_int_equal(translations_parse(text, &t), STATUS_OK);
    translations_free(&t);
    (void)snprintf(text + len, sizeof(text) - len, ",10.0.0.1=a");
    assert_int_equal(translations_parse(text, &t), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_with_and_without_ports_are_read),
        cmocka_unit_test(what_is_no_translation_is_refused),
        cmocka_unit_test(more_than_a_thousand_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
