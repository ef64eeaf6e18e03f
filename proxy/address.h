/* Host and port as people write them, and socket addresses as logs show them. */
#ifndef PROXY_ADDRESS_H
#define PROXY_ADDRESS_H

#include "proto/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_HOST_BYTES 256
#define ADDRESS_TEXT_BYTES (ADDRESS_HOST_BYTES + 9) /* "[host]:65535" */

struct address {
    char host[ADDRESS_HOST_BYTES]; /* a name or an address, without brackets */
    uint16_t port;
    bool has_port; /* false: *port is what the caller gave as default */
};

/* "host", "host:port", "192.0.2.1:9092", "[2001:db8::1]:9092", "2001:db8::1"; else MALFORMED. */
MUST_CHECK int address_parse(const char *text, uint16_t default_port, struct address *address);
/* "host:port", with brackets around a host that has colons. */
const char *address_write(const char *host, uint16_t port, char *to, size_t to_bytes);
/* 0.0.0.0, :: and their other spellings: an address to listen on, not one to be told. */
bool address_is_wildcard(const char *host);

/* "192.0.2.1"; v4 in v6 is shown as v4. Returns the port. */
uint16_t address_print(const struct sockaddr_storage *from, char *to, size_t to_bytes);
/* "192.0.2.1:40000" or "[2001:db8::1]:40000". */
void address_print_with_port(const struct sockaddr_storage *from, char *to, size_t to_bytes);

#endif
