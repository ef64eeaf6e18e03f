/*
 * Log lines: standard error, logfmt, one write per line.
 *
 *      ts=2026-01-31T12:00:00.123Z level=info msg="client closed" peer=192.0.2.1:40000
 *
 * Lines with the same level and msg are one event; of each at most lines_per_second are written in
 * a second, because peers can repeat some of them as fast as they like. The next line of that
 * event, or log_flush, then tells how many were left out.
 */
#ifndef PROXY_LOG_H
#define PROXY_LOG_H

#include "core/action.h"

#include <stdint.h>

#define LOG_LINE_BYTES 4096 /* longer lines are cut */

/* From here on; before that level info, 20 lines a second. lines_per_second 0: no limit. */
void log_configure(enum log_level level, uint32_t lines_per_second);
/* For tests: another descriptor, another clock (microseconds since 1970; NULL: the system's). */
void log_redirect(int descriptor, int64_t (*wall_us)(void));

/* A line of the core: words that name the event, then key=value pairs. */
void log_text(enum log_level level, const char *text);
/* `event` is a short fixed text without "="; the format gives key=value pairs. */
__attribute__((format(printf, 3, 4))) void log_event(enum log_level level, const char *event,
                                                     const char *format, ...);
/* Writes what is owed about lines left out: of events whose second is over, or of all. */
void log_flush(bool all);

/* "debug", "info", "warn", "error"; false: no such level. */
bool log_level_parse(const char *name, enum log_level *level);
const char *log_level_name(enum log_level level);

#endif
