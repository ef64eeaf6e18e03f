#include "proto/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct list node;
};

static void assert_order(struct list *head, const int *numbers, size_t count)
{
    size_t i = 0;
    LIST_EACH(it, head)
    {
        assert_true(i < count);
        assert_int_equal(LIST_ENTRY(it, struct item, node)->number, numbers[i++]);
        assert_ptr_equal(it->next->prev, it);
        assert_ptr_equal(it->prev->next, it);
    }
    assert_int_equal(i, count);
}

static void nodes_keep_the_order_of_appending_and_prepending(void **state)
{
    (void)state;
    struct list head;
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&head);
    assert_true(list_empty(&head));
    list_append(&head, &items[1].node);
    list_append(&head, &items[2].node);
    list_prepend(&head, &items[0].node);
    assert_false(list_empty(&head));
    assert_order(&head, (const int[]){1, 2, 3}, 3);
}

static void a_node_is_inserted_before_another(void **state)
{
    (void)state;
    struct list head;
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&head);
    list_append(&head, &items[0].node);
    list_append(&head, &items[2].node);
    list_insert_before(&items[2].node, &items[1].node);
    assert_order(&head, (const int[]){1, 2, 3}, 3);
}

static void removing_twice_or_from_no_list_does_no_harm(void **state)
{
    (void)state;
    struct list head;
    struct item items[2] = {{.number = 1}, {.number = 2}};
    list_init(&head);
    list_init(&items[1].node);
    list_remove(&items[1].node);
    list_append(&head, &items[0].node);
    list_append(&head, &items[1].node);
    list_remove(&items[0].node);
    list_remove(&items[0].node);
    assert_order(&head, (const int[]){2}, 1);
    list_remove(&items[1].node);
    assert_true(list_empty(&head));
}

static void a_safe_walk_may_remove_each_node_that_it_visits(void **state)
{
    (void)state;
    struct list head;
    struct item items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    size_t visited = 0;
    list_init(&head);
    for (size_t i = 0; i < 4; i++)
        list_append(&head, &items[i].node);
    LIST_EACH_SAFE(it, after, &head)
    {
        visited++;
        if (LIST_ENTRY(it, struct item, node)->number % 2 == 0)
            list_remove(it);
    }
    assert_int_equal(visited, 4);
    assert_order(&head, (const int[]){1, 3}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_keep_the_order_of_appending_and_prepending),
        cmocka_unit_test(a_node_is_inserted_before_another),
        cmocka_unit_test(removing_twice_or_from_no_list_does_no_harm),
        cmocka_unit_test(a_safe_walk_may_remove_each_node_that_it_visits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
