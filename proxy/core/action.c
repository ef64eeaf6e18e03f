/*
 * One queue in the order of asking. Every action is a slot in an intrusive list; where the slot
 * lives depends on the kind, and only a log line needs memory of its own:
 *
 *      client, link     struct action_source, the first member of both
 *      ready, drained   the queue itself
 *      fatal            the queue itself, with room for its text
 *      log              a block that is freed when the action after it is pulled
 */
#include "core/action.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES        2048
#define QUOTE_MAX_INPUT_BYTES 128

struct action_line {
    struct action_slot slot;
    enum log_level level;
    size_t bytes; /* of this block */
    char text[];
};

struct action_queue {
    const struct alloc *alloc;
    struct list pending;
    struct action_slot ready;
    struct action_slot drained;
    struct action_slot fatal;
    int exit_code;
    char fatal_text[512];
    struct action_line *line; /* lent to the driver with the newest action */
};

struct action_queue *action_queue_new(const struct alloc *alloc)
{
    struct action_queue *queue = alloc_zeroed(alloc, sizeof(*queue));
    if (queue == NULL)
        return NULL;
    queue->alloc = alloc;
    list_init(&queue->pending);
    return queue;
}

static void queue_drop_line(struct action_queue *queue)
{
    if (queue->line != NULL)
        alloc_free(queue->alloc, queue->line, queue->line->bytes);
    queue->line = NULL;
}

void action_queue_free(struct action_queue *queue)
{
    if (queue == NULL)
        return;
    struct action action;
    while (action_next(queue, &action))
        ;
    queue_drop_line(queue);
    alloc_free(queue->alloc, queue, sizeof(*queue));
}

static bool slot_is_queued(const struct action_slot *slot)
{
    return slot->node.next != NULL && slot->node.next != &slot->node;
}

static void queue_slot(struct action_queue *queue, struct action_slot *slot, enum action_kind kind,
                       struct action_source *source)
{
    if (slot_is_queued(slot))
        return;
    slot->kind = kind;
    slot->source = source;
    list_append(&queue->pending, &slot->node);
}

/* A client and a link is its source, seen as the first member. */
static struct action_source *client_source(struct client *client)
{
    return (struct action_source *)(void *)client;
}

static struct action_source *link_source(struct link *link)
{
    return (struct action_source *)(void *)link;
}

void action_client(struct action_queue *queue, enum action_kind kind, struct client *client,
                   bool on)
{
    assert(kind == ACTION_CLIENT_WRITE || kind == ACTION_CLIENT_READ ||
           kind == ACTION_CLIENT_CLOSE);
    struct action_source *source = client_source(client);
    if (kind == ACTION_CLIENT_READ)
        source->on = on;
    queue_slot(queue, &source->slots[kind - ACTION_CLIENT_WRITE], kind, source);
}

void action_link(struct action_queue *queue, enum action_kind kind, struct link *link)
{
    assert(kind == ACTION_LINK_OPEN || kind == ACTION_LINK_WRITE || kind == ACTION_LINK_CLOSE);
    struct action_source *source = link_source(link);
    queue_slot(queue, &source->slots[kind - ACTION_LINK_OPEN], kind, source);
}

static void source_forget(struct action_source *source)
{
    for (size_t i = 0; i < sizeof(source->slots) / sizeof(source->slots[0]); i++)
        if (slot_is_queued(&source->slots[i]))
            list_remove(&source->slots[i].node);
}

void action_forget_client(struct action_queue *queue, struct client *client)
{
    (void)queue;
    source_forget(client_source(client));
}

void action_forget_link(struct action_queue *queue, struct link *link)
{
    (void)queue;
    source_forget(link_source(link));
}

void action_simple(struct action_queue *queue, enum action_kind kind)
{
    assert(kind == ACTION_READY || kind == ACTION_DRAINED);
    queue_slot(queue, kind == ACTION_READY ? &queue->ready : &queue->drained, kind, NULL);
}

void action_fatal(struct action_queue *queue, int exit_code, const char *text)
{
    if (slot_is_queued(&queue->fatal))
        return; /* the first cause is the one to tell */
    queue->exit_code = exit_code;
    snprintf(queue->fatal_text, sizeof(queue->fatal_text), "%s", text);
    queue_slot(queue, &queue->fatal, ACTION_FATAL, NULL);
}

void action_log(struct action_queue *queue, enum log_level level, const char *event,
                const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    int head = snprintf(text, sizeof(text), "%s%s", event, format[0] == '\0' ? "" : " ");
    assert(head >= 0 && (size_t)head < sizeof(text));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + head, sizeof(text) - (size_t)head, format, arguments);
    va_end(arguments);

    size_t text_bytes = strlen(text) + 1;
    struct action_line *line = alloc_zeroed(queue->alloc, sizeof(*line) + text_bytes);
    if (line == NULL)
        return;
    line->bytes = sizeof(*line) + text_bytes;
    line->level = level;
    memcpy(line->text, text, text_bytes);
    queue_slot(queue, &line->slot, ACTION_LOG, NULL);
}

static void action_fill(struct action_queue *queue, struct action_slot *slot, struct action *action)
{
    switch (slot->kind) {
    case ACTION_CLIENT_READ:
        action->on = slot->source->on;
        __attribute__((fallthrough));
    case ACTION_CLIENT_WRITE:
    case ACTION_CLIENT_CLOSE:
        action->client = (struct client *)(void *)slot->source;
        break;
    case ACTION_LINK_OPEN:
        action->host = slot->source->host;
        action->port = slot->source->port;
        action->local_port = slot->source->local_port;
        action->local_port_step = slot->source->local_port_step;
        __attribute__((fallthrough));
    case ACTION_LINK_WRITE:
    case ACTION_LINK_CLOSE:
        action->link = (struct link *)(void *)slot->source;
        break;
    case ACTION_LOG:
        queue->line = LIST_ENTRY(slot, struct action_line, slot);
        action->level = queue->line->level;
        action->text = queue->line->text;
        break;
    case ACTION_FATAL:
        action->exit_code = queue->exit_code;
        action->text = queue->fatal_text;
        break;
    case ACTION_READY:
    case ACTION_DRAINED:
        break;
    }
}

bool action_next(struct action_queue *queue, struct action *action)
{
    queue_drop_line(queue);
    if (list_empty(&queue->pending))
        return false;
    struct action_slot *slot = LIST_ENTRY(queue->pending.next, struct action_slot, node);
    list_remove(&slot->node);
    *action = (struct action){.kind = slot->kind};
    action_fill(queue, slot, action);
    return true;
}

/* One byte as it may stand inside quotes; returns the bytes written, at most 4. */
static size_t quote_byte(char *to, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";

    if (byte == '"' || byte == '\\') {
        to[0] = '\\';
        to[1] = (char)byte;
        return 2;
    }
    if (byte >= 0x20 && byte < 0x7F) {
        to[0] = (char)byte;
        return 1;
    }
    to[0] = '\\';
    to[1] = 'x';
    to[2] = digits[byte >> 4];
    to[3] = digits[byte & 15];
    return 4;
}

static bool quotes_needed(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] <= ' ' || bytes[i] >= 0x7F || bytes[i] == '"' || bytes[i] == '=' ||
            bytes[i] == '\\')
            return true;
    return len == 0;
}

const char *log_quote(char *to, size_t to_bytes, const void *text, size_t len)
{
    const size_t tail_bytes = sizeof("...\""); /* with the NUL */
    const uint8_t *bytes = text;
    size_t used = 0;
    size_t taken = 0;
    bool quotes = len > QUOTE_MAX_INPUT_BYTES || quotes_needed(bytes, len);

    assert(to_bytes > tail_bytes);
    if (quotes)
        to[used++] = '"';
    while (taken < len && taken < QUOTE_MAX_INPUT_BYTES && used + 4 + tail_bytes <= to_bytes)
        used += quote_byte(to + used, bytes[taken++]);
    if (taken < len) {
        memcpy(to + used, "...", 3);
        used += 3;
    }
    if (quotes)
        to[used++] = '"';
    to[used] = '\0';
    return to;
}
