#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void one_seed_repeats_and_neighbours_differ(void **state)
{
    (void)state;
    struct random a;
    struct random b;
    struct random c;
    random_init(&a, 1);
    random_init(&b, 1);
    random_init(&c, 2);
    uint64_t first = random_next(&a);
    assert_true(first == random_next(&b));
    assert_true(first != random_next(&c));
    random_init(&a, 0);
    assert_true(random_next(&a) != random_next(&a));
}

static void numbers_stay_within_the_limit_and_reach_all_of_it(void **state)
{
    (void)state;
    struct random random;
    unsigned seen[8] = {0};
    random_init(&random, 42);
    for (int i = 0; i < 8000; i++) {
        int64_t value = random_up_to(&random, 7);
        assert_in_range(value, 0, 7);
        seen[value]++;
    }
    for (int i = 0; i < 8; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(random_up_to(&random, 0), 0);
    assert_int_equal(random_up_to(&random, -5), 0);
    assert_true(random_up_to(&random, INT64_MAX) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_repeats_and_neighbours_differ),
        cmocka_unit_test(numbers_stay_within_the_limit_and_reach_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
