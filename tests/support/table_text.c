#include "tests/support/table_text.h"

#include <stdio.h>
#include <stdlib.h>

struct text {
    struct slice rest;
    char token[TEXT_NAME_MAX_BYTES]; /* the one at hand; "" at the end */
    bool quoted;
};

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void take(struct text *text, size_t skip, size_t len, size_t behind)
{
    snprintf(text->token, sizeof(text->token), "%.*s", (int)len,
             (const char *)text->rest.data + skip);
    text->rest.data += skip + len + behind;
    text->rest.len -= skip + len + behind;
}

static void next(struct text *text)
{
    size_t len = 0;

    while (text->rest.len > 0 && text->rest.data[0] == ' ')
        take(text, 1, 0, 0);
    text->token[0] = '\0';
    text->quoted = text->rest.len > 0 && text->rest.data[0] == '"';
    if (text->quoted) {
        while (len + 1 < text->rest.len && text->rest.data[len + 1] != '"')
            len++;
        if (len + 2 <= text->rest.len)
            take(text, 1, len, 1);
        return;
    }
    while (len < text->rest.len && is_word(text->rest.data[len]))
        len++;
    if (len == 0 && text->rest.len > 0)
        len = text->rest.len > 1 && text->rest.data[1] == '=' ? 2 : 1; /* ">=" */
    take(text, 0, len, 0);
}

/* Takes the token if it is this one. */
static bool skip(struct text *text, const char *token)
{
    if (text->quoted || strcmp(text->token, token) != 0)
        return false;
    next(text);
    return true;
}

static bool name(struct text *text, struct text_name *to)
{
    if (!text->quoted && !is_word((uint8_t)text->token[0]))
        return false;
    memcpy(to->text, text->token, sizeof(to->text));
    next(text);
    return true;
}

static bool table(struct text *text, struct text_statement *statement)
{
    return name(text, &statement->table) && (!skip(text, ".") || name(text, &statement->table));
}

/* name or TTL(name) */
static bool column(struct text *text, struct text_name *to)
{
    struct text_name of;

    if (!name(text, to) || !skip(text, "("))
        return to->text[0] != '\0';
    bool is_ttl = strcmp(to->text, "TTL") == 0;
    snprintf(to->text, sizeof(to->text), TEXT_TTL);
    return is_ttl && name(text, &of) && skip(text, ")");
}

static bool columns(struct text *text, struct text_statement *statement)
{
    do {
        if (statement->column_count == TEXT_NAMES_MAX ||
            !column(text, &statement->columns[statement->column_count++]))
            return false;
    } while (skip(text, ","));
    return true;
}

static bool conditions(struct text *text, struct text_statement *statement)
{
    if (!skip(text, "WHERE"))
        return false;
    do {
        struct text_condition *condition = &statement->conditions[statement->condition_count++];
        if (statement->condition_count > TEXT_NAMES_MAX || !name(text, &condition->column))
            return false;
        if (skip(text, "="))
            condition->op = TEXT_EQUAL;
        else if (skip(text, ">="))
            condition->op = TEXT_AT_LEAST;
        else if (skip(text, "<"))
            condition->op = TEXT_BELOW;
        else
            return false;
        if (!skip(text, "?"))
            return false;
    } while (skip(text, "AND"));
    return true;
}

static bool parse_insert(struct text *text, struct text_statement *statement)
{
    size_t markers = 0;

    statement->kind = TEXT_INSERT;
    if (!skip(text, "INTO") || !table(text, statement) || !skip(text, "(") ||
        !columns(text, statement) || !skip(text, ")") || !skip(text, "VALUES") || !skip(text, "("))
        return false;
    do
        markers++;
    while (skip(text, "?") && skip(text, ","));
    return skip(text, ")") && markers == statement->column_count;
}

static bool parse_delete(struct text *text, struct text_statement *statement)
{
    statement->kind = TEXT_DELETE;
    statement->has_timestamp = true;
    return skip(text, "FROM") && table(text, statement) && skip(text, "USING") &&
           skip(text, "TIMESTAMP") && skip(text, "?") && conditions(text, statement);
}

static bool parse_select(struct text *text, struct text_statement *statement)
{
    struct text_name column;

    statement->kind = TEXT_SELECT;
    if (!columns(text, statement) || !skip(text, "FROM") || !table(text, statement) ||
        !conditions(text, statement))
        return false;
    if (skip(text, "ORDER")) {
        statement->ordered = true;
        if (!skip(text, "BY") || !name(text, &column))
            return false;
        statement->descending = skip(text, "DESC");
        (void)skip(text, "ASC");
    }
    if (skip(text, "LIMIT")) {
        statement->limit = strtoll(text->token, NULL, 10);
        next(text);
        return statement->limit > 0;
    }
    return true;
}

bool text_parse(struct slice bytes, struct text_statement *statement)
{
    struct text text = {.rest = bytes};
    bool ok = false;

    *statement = (struct text_statement){0};
    next(&text);
    if (skip(&text, "INSERT"))
        ok = parse_insert(&text, statement);
    else if (skip(&text, "DELETE"))
        ok = parse_delete(&text, statement);
    else if (skip(&text, "SELECT"))
        ok = parse_select(&text, statement);
    return ok && text.token[0] == '\0';
}
