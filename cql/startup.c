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
