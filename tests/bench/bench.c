#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ sockets */

static struct sockaddr_in loopback(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        bench_die("not an IPv4 address: %s", host);
    return address;
}

static void no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int bench_listen(uint16_t port)
{
    struct sockaddr_in address = loopback("127.0.0.1", port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0)
        bench_die("cannot listen on port %u: %s", (unsigned)port, strerror(errno));
    return fd;
}

uint16_t bench_port(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        bench_die("getsockname: %s", strerror(errno));
    return ntohs(address.sin_port);
}

int bench_connect(const char *host, uint16_t port)
{
    struct sockaddr_in address = loopback(host, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        bench_die("cannot connect to %s:%u: %s", host, (unsigned)port, strerror(errno));
    no_delay(fd);
    return fd;
}

int bench_accept(int fd)
{
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0)
        no_delay(client);
    else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        bench_die("accept: %s", strerror(errno));
    return client;
}

void bench_unblock(int fd)
{
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        bench_die("fcntl: %s", strerror(errno));
}

void bench_write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len > 0) {
        ssize_t sent = send(fd, p, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            bench_die("send: %s", strerror(errno));
        p += sent;
        len -= (size_t)sent;
    }
}

void bench_read_all(int fd, void *bytes, size_t len)
{
    uint8_t *p = bytes;
    while (len > 0) {
        ssize_t got = recv(fd, p, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            bench_die("the peer closed the connection");
        if (got < 0)
            bench_die("recv: %s", strerror(errno));
        p += got;
        len -= (size_t)got;
    }
}

/* ------------------------------------------------------------------ usage */

__attribute__((format(printf, 3, 4))) static bool read_file(char *to, size_t size,
                                                            const char *format, ...)
{
    char path[256];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t len = fread(to, 1, size - 1, file);
    to[len] = '\0';
    fclose(file);
    return true;
}

/* Nanoseconds on a processor, and how often it got there, over all threads. */
static void add_threads(struct bench_usage *usage, pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        bench_die("no process %d", (int)pid);
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        unsigned long long ran_ns = 0, waited_ns = 0, slices = 0;
        if (task->d_name[0] == '.' ||
            !read_file(text, sizeof(text), "%s/%s/schedstat", path, task->d_name))
            continue;
        if (sscanf(text, "%llu %llu %llu", &ran_ns, &waited_ns, &slices) == 3) {
            usage->cpu_s += (double)ran_ns / 1e9;
            usage->switches += (long)slices;
        }
    }
    closedir(tasks);
}

struct bench_usage bench_usage(pid_t pid)
{
    struct bench_usage usage = {.wall_s = bench_seconds()};
    char text[4096];
    unsigned long user = 0, system = 0;
    if (!read_file(text, sizeof(text), "/proc/%d/stat", (int)pid))
        bench_die("no process %d", (int)pid);
    const char *after_name = strrchr(text, ')');
    if (after_name == NULL ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        bench_die("cannot read /proc/%d/stat", (int)pid);
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    usage.user_s = (double)user * tick;
    usage.system_s = (double)system * tick;
    add_threads(&usage, pid);
    return usage;
}

/* ------------------------------------------------------------------ options */

const char *bench_option(int argc, char **argv, const char *name)
{
    size_t len = strlen(name);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || strncmp(argv[i] + 2, name, len) != 0)
            continue;
        if (argv[i][2 + len] == '=')
            return argv[i] + 3 + len;
        if (argv[i][2 + len] == '\0')
            return "";
    }
    return NULL;
}

double bench_real(int argc, char **argv, const char *name, double otherwise)
{
    const char *text = bench_option(argc, argv, name);
    char *end = NULL;
    if (text == NULL)
        return otherwise;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || value < 0)
        bench_die("--%s: not a number: %s", name, text);
    return value;
}

long bench_number(int argc, char **argv, const char *name, long otherwise)
{
    return (long)bench_real(argc, argv, name, (double)otherwise);
}

void bench_know_options(int argc, char **argv, const char *const *names)
{
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t n = 0; names[n] != NULL && !known; n++) {
            size_t len = strlen(names[n]);
            known = strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, names[n], len) == 0 &&
                    (argv[i][2 + len] == '=' || argv[i][2 + len] == '\0');
        }
        if (!known)
            bench_die("unknown option: %s", argv[i]);
    }
}
