/* The member's socket proves that its predecessor is gone. */
#include "member.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Other runs of this test must not be in the way. */
static const char *own_keyspace(void)
{
    static char name[32];
    (void)snprintf(name, sizeof(name), "test%d", (int)getpid());
    return name;
}

static void a_name_is_free_again_only_when_it_is_released(void **state)
{
    (void)state;
    struct member first, second;
    member_init(&first, "one", "0.0.0.0", 9092);
    member_init(&second, "one", "0.0.0.0", 9092);
    assert_false(member_predecessor_gone(&first));
    assert_int_equal(member_claim(&first, own_keyspace()), STATUS_OK);
    assert_true(member_predecessor_gone(&first));
    assert_int_equal(member_claim(&second, own_keyspace()), STATUS_BUSY);
    assert_false(member_predecessor_gone(&second));
    member_release(&first);
    assert_int_equal(member_claim(&second, own_keyspace()), STATUS_OK);
    member_release(&second);
}

static void other_members_and_other_keyspaces_are_not_in_the_way(void **state)
{
    (void)state;
    struct member a, b, c;
    char keyspace[48];
    (void)snprintf(keyspace, sizeof(keyspace), "%s_other", own_keyspace());
    member_init(&a, "one", "0.0.0.0", 9092);
    member_init(&b, "two", "0.0.0.0", 9092);
    member_init(&c, "one", "0.0.0.0", 9092);
    assert_int_equal(member_claim(&a, own_keyspace()), STATUS_OK);
    assert_int_equal(member_claim(&b, own_keyspace()), STATUS_OK);
    assert_int_equal(member_claim(&c, keyspace), STATUS_OK);
    member_release(&a);
    member_release(&b);
    member_release(&c);
}

static void a_process_that_is_killed_gives_its_name_back(void **state)
{
    (void)state;
    struct member mine, theirs;
    int ready[2];
    char byte = 0;
    const char *keyspace = own_keyspace();
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        member_init(&theirs, "one", "0.0.0.0", 9092);
        bool held = member_claim(&theirs, keyspace) == STATUS_OK;
        if (!held || write(ready[1], "y", 1) != 1)
            _exit(1);
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    member_init(&mine, "one", "0.0.0.0", 9092);
    assert_int_equal(member_claim(&mine, keyspace), STATUS_BUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(member_claim(&mine, keyspace), STATUS_OK);
    member_release(&mine);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void long_names_are_kept_apart(void **state)
{
    (void)state;
    struct member a, b;
    const char *keyspace = "a_keyspace_with_a_name_of_fortyeight_characters_";
    char name[65];
    memset(name, 'n', sizeof(name) - 1);
    name[64] = '\0';
    member_init(&a, name, "0.0.0.0", 9092);
    name[63] = 'm';
    member_init(&b, name, "0.0.0.0", 9092);
    assert_int_equal(member_claim(&a, keyspace), STATUS_OK);
    assert_int_equal(member_claim(&b, keyspace), STATUS_OK);
    member_release(&a);
    member_release(&b);
}

static void the_name_is_host_and_port_unless_it_is_configured(void **state)
{
    (void)state;
    struct member member;
    char host[65] = {0}, expected[80];
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    member_init(&member, NULL, "0.0.0.0", 9092);
    (void)snprintf(expected, sizeof(expected), "%.32s-9092", host);
    assert_string_equal(member.name, expected);
    member_init(&member, NULL, "127.0.0.2", 9092);
    (void)snprintf(expected, sizeof(expected), "%.32s-127.0.0.2-9092", host);
    assert_string_equal(member.name, expected);
    member_init(&member, "edge-1", "127.0.0.2", 9092);
    assert_string_equal(member.name, "edge-1");
}

static void the_boot_id_names_boot_and_network_namespace(void **state)
{
    (void)state;
    struct member member;
    member_init(&member, "one", "0.0.0.0", 9092);
    assert_int_equal(strcspn(member.boot_id, "/"), 36);
    assert_non_null(strstr(member.boot_id, "/net:["));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_free_again_only_when_it_is_released),
        cmocka_unit_test(other_members_and_other_keyspaces_are_not_in_the_way),
        cmocka_unit_test(a_process_that_is_killed_gives_its_name_back),
        cmocka_unit_test(long_names_are_kept_apart),
        cmocka_unit_test(the_name_is_host_and_port_unless_it_is_configured),
        cmocka_unit_test(the_boot_id_names_boot_and_network_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
