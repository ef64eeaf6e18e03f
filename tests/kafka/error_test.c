#include "kafka/error.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void every_code_of_the_kafka_library_has_its_name(void **state)
{
    char line[256];
    char name[128];
    int code = 0;
    int seen = 0;
    FILE *file = fopen(SOURCE_DIR "/tests/vectors/kafka/errors.txt", "r");

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%d %127s", &code, name) != 2)
            continue;
        assert_string_equal(kafka_error_name((int16_t)code), name);
        seen++;
    }
    fclose(file);
    assert_true(seen > 130);
}

static void an_unknown_code_is_called_unknown(void **state)
{
    (void)state;
    assert_string_equal(kafka_error_name(-2), "UNKNOWN");
    assert_string_equal(kafka_error_name(30000), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_kafka_library_has_its_name),
        cmocka_unit_test(an_unknown_code_is_called_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
