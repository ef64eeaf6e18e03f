#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define EVENT_SLOTS 64
#define EVENT_BYTES 64
#define SECOND_US   1000000

/* One event's second. Two events that meet in a slot take turns in it: the worst that happens is a
 * line too many. */
struct event {
    enum log_level level;
    int64_t since_us;
    uint32_t lines;
    uint64_t left_out;
    char name[EVENT_BYTES];
};

static struct {
    enum log_level level;
    uint32_t lines_per_second;
    int descriptor;
    int64_t (*wall_us)(void);
    struct event events[EVENT_SLOTS];
} logger = {.level = LOG_INFO, .lines_per_second = 20, .descriptor = STDERR_FILENO};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

void log_configure(enum log_level level, uint32_t lines_per_second)
{
    logger.level = level;
    logger.lines_per_second = lines_per_second;
}

void log_redirect(int descriptor, int64_t (*wall_us)(void))
{
    logger.descriptor = descriptor;
    logger.wall_us = wall_us;
    memset(logger.events, 0, sizeof(logger.events));
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (unsigned i = LOG_DEBUG; i <= LOG_ERROR; i++)
        if (strcasecmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

static int64_t wall_us(void)
{
    if (logger.wall_us != NULL)
        return logger.wall_us();
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

/* `text` is the event's words, event_len of them, and the pairs. */
static void write_line(int64_t now_us, enum log_level level, const char *text, size_t event_len)
{
    char line[LOG_LINE_BYTES];
    char day[32];
    struct tm utc;
    time_t seconds = (time_t)(now_us / SECOND_US);
    const char *quote = memchr(text, ' ', event_len) != NULL ? "\"" : "";
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
    int len = snprintf(line, sizeof(line) - 1, "ts=%s.%03dZ level=%s msg=%s%.*s%s%s", day,
                       (int)(now_us % SECOND_US / 1000), level_names[level], quote, (int)event_len,
                       text, quote, text + event_len);
    size_t bytes = len < 0 ? 0 : (size_t)len;
    if (bytes > sizeof(line) - 2)
        bytes = sizeof(line) - 2;
    line[bytes++] = '\n';
    /* One write, so that lines of several processes on one pipe stay whole. Nobody can be told of a
     * failure. */
    ssize_t written = write(logger.descriptor, line, bytes);
    (void)written;
}

/* How many characters name the event: the words before the first one that has a "=". */
static size_t measure_event(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0') {
        size_t word = strcspn(text + len, " =");
        if (text[len + word] == '=')
            return len > 0 ? len - 1 : 0; /* without the space before the pair */
        len += word;
        if (text[len] == ' ')
            len++;
    }
    return len;
}

static struct event *event_slot(enum log_level level, const char *name)
{
    uint32_t hash = 2166136261u ^ (uint32_t)level;
    for (const char *p = name; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    return &logger.events[(hash ^ hash >> 16) % EVENT_SLOTS];
}

/* Ends the slot's second, and says what was left out in it. */
static void end_second(struct event *event, int64_t now_us)
{
    if (event->left_out > 0) {
        char text[EVENT_BYTES + 64];
        (void)snprintf(text, sizeof(text), "%s suppressed=%llu", event->name,
                       (unsigned long long)event->left_out);
        write_line(now_us, event->level, text, strlen(event->name));
    }
    event->left_out = 0;
    event->lines = 0;
    event->since_us = now_us;
}

static bool event_admits(enum log_level level, const char *text, size_t event_len, int64_t now_us)
{
    if (logger.lines_per_second == 0)
        return true;
    char name[EVENT_BYTES];
    (void)snprintf(name, sizeof(name), "%.*s", (int)event_len, text);
    struct event *event = event_slot(level, name);
    bool same = event->level == level && strcmp(event->name, name) == 0;
    int64_t age_us = now_us - event->since_us;
    if (!same || age_us >= SECOND_US || age_us < 0)
        end_second(event, now_us);
    if (!same) {
        event->level = level;
        memcpy(event->name, name, sizeof(name));
    }
    if (event->lines >= logger.lines_per_second) {
        event->left_out++;
        return false;
    }
    event->lines++;
    return true;
}

void log_text(enum log_level level, const char *text)
{
    if (level < logger.level)
        return;
    int64_t now_us = wall_us();
    size_t event_len = measure_event(text);
    if (event_admits(level, text, event_len, now_us))
        write_line(now_us, level, text, event_len);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (level < logger.level)
        return;
    char text[LOG_LINE_BYTES];
    int len = snprintf(text, sizeof(text), "%s%s", event, format[0] != '\0' ? " " : "");
    if (len < 0 || (size_t)len >= sizeof(text))
        return;
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text + len, sizeof(text) - (size_t)len, format, values);
    va_end(values);
    log_text(level, text);
}

void log_flush(bool all)
{
    int64_t now_us = wall_us();
    for (size_t i = 0; i < EVENT_SLOTS; i++) {
        struct event *event = &logger.events[i];
        if (event->left_out > 0 && (all || now_us - event->since_us >= SECOND_US))
            end_second(event, now_us);
    }
}
