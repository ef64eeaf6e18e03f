#include "cql/startup.h"

void cql_startup_walk(struct wire *wire, void *body)
{
    struct cql_startup *startup = body;

    cql_string_map(wire, "options", &startup->options, &startup->option_count);
}

void cql_supported_walk(struct wire *wire, void *body)
{
    struct cql_supported *supported = body;

    cql_string_multimap(wire, "options", &supported->options, &supported->option_count);
}

void cql_register_walk(struct wire *wire, void *body)
{
    struct cql_register *registration = body;

    cql_string_array(wire, "events", &registration->events, &registration->event_count);
}

void cql_empty_walk(struct wire *wire, void *nothing)
{
    (void)wire;
    (void)nothing;
}

static struct slice join(struct arena *arena, const struct cql_choice *choice)
{
    size_t len = 0;
    size_t at = 0;

    for (uint16_t i = 0; i < choice->value_count; i++)
        len += choice->values[i].len + 1;
    uint8_t *joined = arena_take(arena, len + 1);
    if (joined == NULL)
        return SLICE_NULL;
    for (uint16_t i = 0; i < choice->value_count; i++) {
        if (i > 0)
            joined[at++] = ',';
        memcpy(joined + at, choice->values[i].data, choice->values[i].len);
        at += choice->values[i].len;
    }
    return slice_make(joined, at);
}

int cql_supported_copy(struct slice body, struct arena *arena, struct cql_pair **pairs,
                       uint16_t *count)
{
    struct cql_supported supported = {0};
    struct wire wire;

    *count = 0;
    if (body.len > arena->limit_bytes / 2)
        return STATUS_LIMIT;
    struct slice copy = arena_copy(arena, body);
    if (copy.data == NULL)
        return STATUS_NOMEM;
    wire_init_decode(&wire, copy, arena);
    cql_supported_walk(&wire, &supported);
    if (wire.error != STATUS_OK)
        return wire.error;
    *pairs = arena_take_array(arena, supported.option_count, sizeof(**pairs));
    if (*pairs == NULL)
        return STATUS_NOMEM;
    for (uint16_t i = 0; i < supported.option_count; i++) {
        struct slice joined = join(arena, &supported.options[i]);

        if (joined.data == NULL)
            return STATUS_NOMEM;
        (*pairs)[i] = (struct cql_pair){supported.options[i].key, joined};
    }
    *count = supported.option_count;
    return STATUS_OK;
}
