#include "address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    if (value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* Names, and addresses of both families with a zone ("fe80::1%eth0"). What resolves is for the
 * resolver to say. */
static bool is_host(const char *text, size_t len)
{
    if (len == 0 || len >= ADDRESS_HOST_BYTES)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(".-_:%", text[i]) == NULL)
            return false;
    return strspn(text, "0123456789") < len; /* a lone number is a port whose host was forgotten */
}

int address_parse(const char *text, uint16_t default_port, struct address *address)
{
    const char *host = text;
    const char *port = NULL;
    size_t host_len = strlen(text);
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return STATUS_MALFORMED;
        host = text + 1;
        host_len = (size_t)(end - host);
        port = end[1] == ':' ? end + 2 : NULL;
    } else {
        const char *colon = strchr(text, ':');
        if (colon != NULL && strchr(colon + 1, ':') == NULL) {
            host_len = (size_t)(colon - text);
            port = colon + 1;
        }
    }
    if (!is_host(host, host_len))
        return STATUS_MALFORMED;
    address->port = default_port;
    address->has_port = port != NULL;
    if (port != NULL && !parse_port(port, &address->port))
        return STATUS_MALFORMED;
    memcpy(address->host, host, host_len);
    address->host[host_len] = '\0';
    return STATUS_OK;
}

const char *address_write(const char *host, uint16_t port, char *to, size_t to_bytes)
{
    bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(to, to_bytes, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", (unsigned)port);
    return to;
}

bool address_is_wildcard(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return v4.s_addr == htonl(INADDR_ANY);
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return false;
    static const uint8_t mapped_any[16] = {[10] = 0xff, [11] = 0xff};
    return IN6_IS_ADDR_UNSPECIFIED(&v6) || memcmp(&v6, mapped_any, 16) == 0;
}

uint16_t address_print(const struct sockaddr_storage *from, char *to, size_t to_bytes)
{
    uint16_t port = 0;
    const char *printed = NULL;
    if (from->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof(v4));
        port = ntohs(v4.sin_port);
        printed = inet_ntop(AF_INET, &v4.sin_addr, to, (socklen_t)to_bytes);
    } else if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof(v6));
        port = ntohs(v6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            printed = inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], to, (socklen_t)to_bytes);
        else
            printed = inet_ntop(AF_INET6, &v6.sin6_addr, to, (socklen_t)to_bytes);
    }
    if (printed == NULL)
        (void)snprintf(to, to_bytes, "?");
    return port;
}

void address_print_with_port(const struct sockaddr_storage *from, char *to, size_t to_bytes)
{
    char host[INET6_ADDRSTRLEN];
    uint16_t port = address_print(from, host, sizeof(host));
    (void)address_write(host, port, to, to_bytes);
}
