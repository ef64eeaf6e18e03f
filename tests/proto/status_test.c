#include "proto/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void each_status_has_its_own_name_and_a_text(void **state)
{
    (void)state;
#define ROW(name, value, text)                                                                     \
    assert_string_equal(status_name(value), #name);                                                \
    assert_string_equal(status_text(value), text);
    STATUS_MAP(ROW)
#undef ROW
    assert_string_equal(status_name(STATUS_NOMEM), "NOMEM");
    assert_string_equal(status_text(STATUS_NOMEM), "out of memory");
}

static void a_number_outside_the_list_is_unknown_and_never_null(void **state)
{
    (void)state;
    const int outside[] = {1, -1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        assert_string_equal(status_name(outside[i]), "UNKNOWN");
        assert_true(strlen(status_text(outside[i])) > 0);
    }
}

static void all_codes_but_ok_are_negative_and_distinct(void **state)
{
    (void)state;
#define ROW(name, value, text) value,
    const int values[] = {STATUS_MAP(ROW)};
#undef ROW
    size_t count = sizeof(values) / sizeof(values[0]);
    assert_int_equal(values[0], 0);
    for (size_t i = 1; i < count; i++) {
        assert_true(values[i] < 0);
        for (size_t j = 1; j < i; j++)
            assert_int_not_equal(values[i], values[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_its_own_name_and_a_text),
        cmocka_unit_test(a_number_outside_the_list_is_unknown_and_never_null),
        cmocka_unit_test(all_codes_but_ok_are_negative_and_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
