/* Host and port as people write them. */
#include "address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

static void hosts_have_ports_and_v6_addresses_brackets(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool has_port;
    } cases[] = {{"localhost", "localhost", 9092, false},
                 {"localhost:1", "localhost", 1, true},
                 {"192.0.2.1:65535", "192.0.2.1", 65535, true},
                 {"kafka-0.kafka_svc:0", "kafka-0.kafka_svc", 0, true},
                 {"[2001:db8::1]:9093", "2001:db8::1", 9093, true},
                 {"[2001:db8::1]", "2001:db8::1", 9092, false},
                 {"2001:db8::1", "2001:db8::1", 9092, false},
                 {"::1", "::1", 9092, false},
                 {"[fe80::1%eth0]:7", "fe80::1%eth0", 7, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct address address;
        assert_int_equal(address_parse(cases[i].text, 9092, &address), STATUS_OK);
        assert_string_equal(address.host, cases[i].host);
        assert_int_equal(address.port, cases[i].port);
        assert_int_equal(address.has_port, cases[i].has_port);
    }
}

static void what_is_no_host_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",       ":9092", "a:",     "a:65536", "a:-1",  "a:9x", "9092",        "[::1",
        "[::1]x", "[]:1",  "[::1]:", "a b:1",   "a/b:1", "a\n",  "kafka://a:1", "a:123456"};
    struct address address;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(address_parse(cases[i], 9092, &address), STATUS_MALFORMED);
    char longer[ADDRESS_HOST_BYTES + 1];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(address_parse(longer, 9092, &address), STATUS_MALFORMED);
}

static void wildcards_are_known_in_every_spelling(void **state)
{
    (void)state;
    static const char *const wild[] = {"0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"};
    static const char *const tame[] = {"127.0.0.1", "::1", "localhost", "10.0.0.0",
                                       "::ffff:10.0.0.1"};
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
        assert_true(address_is_wildcard(wild[i]));
    for (size_t i = 0; i < sizeof(tame) / sizeof(tame[0]); i++)
        assert_false(address_is_wildcard(tame[i]));
}

static void socket_addresses_are_printed_and_v4_in_v6_is_v4(void **state)
{
    (void)state;
    char text[64];
    struct sockaddr_storage storage = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(40000)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(40001)};
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr), 1);
    memcpy(&storage, &v4, sizeof(v4));
    address_print_with_port(&storage, text, sizeof(text));
    assert_string_equal(text, "192.0.2.1:40000");
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr), 1);
    memcpy(&storage, &v6, sizeof(v6));
    address_print_with_port(&storage, text, sizeof(text));
    assert_string_equal(text, "[2001:db8::1]:40001");
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
    memcpy(&storage, &v6, sizeof(v6));
    assert_int_equal(address_print(&storage, text, sizeof(text)), 40001);
    assert_string_equal(text, "192.0.2.7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_have_ports_and_v6_addresses_brackets),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(wildcards_are_known_in_every_spelling),
        cmocka_unit_test(socket_addresses_are_printed_and_v4_in_v6_is_v4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
