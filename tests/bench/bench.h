/* What the programs of the benchmark share: sockets, clocks, another process's counters, options.
 * All end the process with a line on standard error when something is wrong, so callers check
 * nothing. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);

double bench_seconds(void); /* monotonic */

/* On 127.0.0.1; port 0: any. */
int bench_listen(uint16_t port);
uint16_t bench_port(int fd); /* the local one */
/* A connection, blocking. */
int bench_connect(const char *host, uint16_t port);
int bench_accept(int fd); /* not blocking; -1: none is there */
void bench_unblock(int fd);

/* All of it, on a blocking socket. */
void bench_write_all(int fd, const void *bytes, size_t len);
void bench_read_all(int fd, void *bytes, size_t len);

/* What a process has used so far. */
struct bench_usage {
    double cpu_s;    /* from the scheduler, exact to a tick */
    double user_s;   /* from samples, to a hundredth of a second */
    double system_s; /* likewise */
    double wall_s;   /* when this was read */
    long switches;   /* the process went to sleep, or was put aside */
};
struct bench_usage bench_usage(pid_t pid);

/* "--name=value" and "--name" among the arguments: the value ("" without one), NULL: not there. */
const char *bench_option(int argc, char **argv, const char *name);
long bench_number(int argc, char **argv, const char *name, long otherwise);
double bench_real(int argc, char **argv, const char *name, double otherwise);
/* Dies for an argument that is none of these; the list ends with NULL. */
void bench_know_options(int argc, char **argv, const char *const *names);

#endif
