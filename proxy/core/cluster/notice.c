/*
 * What a node says beside its answers: warnings, and the ids of traces.
 *
 * A warning that comes with each of a million answers is one line a minute. Two are the same when
 * they differ in numbers only ("Batch ... is of size 6300"). More kinds than are kept here have to
 * wait for a place, so a node cannot fill the log by saying ever new things.
 */
#include "core/cluster/cluster_internal.h"

#include <inttypes.h>

#define WARNING_EVERY_US INT64_C(60000000)

/* FNV-1a, over the text without its digits. */
static uint64_t warning_kind(struct slice text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            hash = (hash ^ text.data[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Its place, or that of one whose minute is over; NULL: all are taken. */
static struct warning_seen *warning_place(struct cluster *cluster, uint64_t kind, int64_t now_us)
{
    struct warning_seen *free_place = NULL;
    for (size_t i = 0; i < WARNINGS_KEPT; i++) {
        struct warning_seen *seen = &cluster->warnings[i];
        if (seen->logged_at_us != 0 && seen->kind == kind)
            return seen;
        if (free_place == NULL &&
            (seen->logged_at_us == 0 || now_us - seen->logged_at_us >= WARNING_EVERY_US))
            free_place = seen;
    }
    return free_place;
}

static void warn(const struct link *link, struct slice text, struct moment now)
{
    struct cluster *cluster = link->cluster;
    char quoted[LOG_QUOTED_BYTES];
    uint64_t kind = warning_kind(text);
    struct warning_seen *seen = warning_place(cluster, kind, now.boot_us);

    if (seen == NULL)
        return;
    if (seen->kind != kind)
        *seen = (struct warning_seen){.kind = kind};
    seen->count++;
    if (seen->logged_at_us != 0 && now.boot_us - seen->logged_at_us < WARNING_EVERY_US)
        return;
    action_log(cluster->actions, LOG_WARN, "cassandra node warns",
               "node=%s times=%" PRIu32 " text=%s", link->node->name, seen->count,
               log_quote(quoted, sizeof(quoted), text.data, text.len));
    seen->count = 0;
    seen->logged_at_us = now.boot_us;
}

static void tell_trace(const struct link *link, const struct cql_event *event,
                       const struct cluster_request *request, struct moment now)
{
    const uint8_t *id = event->tracing_id;
    int64_t sent_us = request_sent_us(link->cluster, request);
    action_log(link->cluster->actions, LOG_INFO, "request was traced",
               "node=%s request=%s answer=%s us=%lld "
               "session=%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
               link->node->name, cql_opcode_name(request->opcode), cql_opcode_name(event->opcode),
               (long long)(now.boot_us - sent_us), id[0], id[1], id[2], id[3], id[4], id[5], id[6],
               id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
}

void notice_response(const struct link *link, const struct cql_event *event,
                     const struct cluster_request *request, struct moment now)
{
    struct slice text;
    size_t at = 0;
    for (int i = 0; i < WARNINGS_KEPT && cql_string_list_next(event->warnings, &at, &text); i++)
        warn(link, text, now);
    if (event->traced)
        tell_trace(link, event, request, now);
}
