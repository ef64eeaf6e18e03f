#define _GNU_SOURCE /* accept4 */

#include "listener.h"

#include "client_socket.h"
#include "log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel cuts it to net.core.somaxconn. Producers all come back at once after a restart. */
#define BACKLOG              4096
#define MAX_ACCEPTS_PER_TURN 64
#define TELL_AGAIN_US        INT64_C(30000000)
#define PAUSE_MS             250

static const char *why(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "the address is in use, by another program or another sluice";
    case EADDRNOTAVAIL:
        return "this machine has no such address";
    case EACCES:
        return "not permitted (ports below 1024 need a privilege)";
    default:
        return strerror(error);
    }
}

/* One descriptor bound to the address, or -1 with errno. */
static int bind_and_listen(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6) /* [::] takes both families */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static void note_bound(struct listener *listener, const char *host)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof(bound);
    char ignored[INET6_ADDRSTRLEN];
    (void)getsockname(listener->descriptor, (struct sockaddr *)&bound, &len);
    (void)snprintf(listener->bound.host, sizeof(listener->bound.host), "%s", host);
    listener->bound.port = address_print(&bound, ignored, sizeof(ignored));
}

int listener_open(struct listener *listener, const char *host, uint16_t port, char *reason,
                  size_t reason_bytes)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    char service[8];
    *listener = (struct listener){.descriptor = -1};
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    int rc = getaddrinfo(host, service, &hints, &addresses);
    if (rc != 0) {
        (void)snprintf(reason, reason_bytes, "cannot resolve it: %s", gai_strerror(rc));
        return STATUS_REFUSED;
    }
    listener->descriptor = bind_and_listen(addresses);
    if (listener->descriptor < 0)
        (void)snprintf(reason, reason_bytes, "%s", why(errno));
    else
        note_bound(listener, host);
    freeaddrinfo(addresses);
    return listener->descriptor < 0 ? STATUS_REFUSED : STATUS_OK;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct listener *listener = timer->data;
    if (listener->descriptor >= 0)
        (void)uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void take_pause(struct listener *listener, int error)
{
    int64_t now_us = loop_now().boot_us;
    if (listener->told_at_us == 0 || now_us - listener->told_at_us >= TELL_AGAIN_US) {
        listener->told_at_us = now_us;
        log_event(LOG_ERROR, "clients cannot be accepted now", "error=\"%s\" hint=\"%s\"",
                  strerror(error),
                  error == EMFILE ? "raise the limit of open files (ulimit -n, LimitNOFILE)"
                                  : "the machine is short of memory or open files");
    }
    (void)uv_poll_stop(&listener->poll);
    (void)uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct listener *listener = poll->data;
    if (status < 0) {
        take_pause(listener, -status);
        return;
    }
    for (int i = 0; i < MAX_ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            client_socket_accept(listener->loop, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            take_pause(listener, errno);
            return;
        } /* else this connection is already dead: the next one */
    }
}

int listener_start(struct listener *listener, struct loop *loop)
{
    listener->loop = loop;
    if (uv_poll_init(&loop->uv, &listener->poll, listener->descriptor) < 0)
        return STATUS_REFUSED;
    (void)uv_timer_init(&loop->uv, &listener->pause);
    listener->poll.data = listener;
    listener->pause.data = listener;
    return uv_poll_start(&listener->poll, UV_READABLE, on_readable) < 0 ? STATUS_REFUSED
                                                                        : STATUS_OK;
}

void listener_close(struct listener *listener)
{
    if (listener->descriptor < 0)
        return;
    if (listener->loop != NULL) {
        uv_close((uv_handle_t *)&listener->poll, NULL);
        uv_close((uv_handle_t *)&listener->pause, NULL);
    }
    (void)close(listener->descriptor);
    listener->descriptor = -1;
}
