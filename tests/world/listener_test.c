/* The listening socket: where it is bound, and what is said when it cannot be. */
#include "listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char reason[256];

static int listen_on(struct listener *listener, const char *host, uint16_t port)
{
    reason[0] = '\0';
    return listener_open(listener, host, port, reason, sizeof(reason));
}

static void port_zero_is_replaced_by_the_one_that_was_given(void **state)
{
    (void)state;
    struct listener listener;
    assert_int_equal(listen_on(&listener, "127.0.0.1", 0), STATUS_OK);
    assert_true(listener.bound.port > 0);
    assert_string_equal(listener.bound.host, "127.0.0.1");
    assert_true((fcntl(listener.descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(listener.descriptor, F_GETFL) & O_NONBLOCK) != 0);
    listener_close(&listener);
    listener_close(&listener); /* once more does nothing */
}

static void a_second_listener_on_the_port_is_refused_in_words(void **state)
{
    (void)state;
    struct listener first, second;
    assert_int_equal(listen_on(&first, "127.0.0.1", 0), STATUS_OK);
    assert_int_equal(listen_on(&second, "127.0.0.1", first.bound.port), STATUS_REFUSED);
    assert_non_null(strstr(reason, "in use"));
    assert_int_equal(listen_on(&second, "0.0.0.0", first.bound.port), STATUS_REFUSED);
    assert_non_null(strstr(reason, "in use"));
    listener_close(&first);
    assert_int_equal(listen_on(&second, "127.0.0.1", first.bound.port), STATUS_OK);
    listener_close(&second);
}

static void an_address_of_another_machine_is_refused_in_words(void **state)
{
    (void)state;
    struct listener listener;
    assert_int_equal(listen_on(&listener, "192.0.2.1", 0), STATUS_REFUSED);
    assert_string_equal(reason, "this machine has no such address");
    assert_int_equal(listen_on(&listener, "no-such-host.invalid", 0), STATUS_REFUSED);
    assert_non_null(strstr(reason, "cannot resolve it"));
}

static void the_v6_wildcard_takes_v4_as_well(void **state)
{
    (void)state;
    struct listener listener;
    if (listen_on(&listener, "::", 0) != STATUS_OK)
        skip(); /* no v6 on this machine */
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(listener.bound.port)};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
    (void)close(fd);
    listener_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_zero_is_replaced_by_the_one_that_was_given),
        cmocka_unit_test(a_second_listener_on_the_port_is_refused_in_words),
        cmocka_unit_test(an_address_of_another_machine_is_refused_in_words),
        cmocka_unit_test(the_v6_wildcard_takes_v4_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
