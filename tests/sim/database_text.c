#include "tests/sim/database_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct parser {
    const char *at;
    struct arena *arena;
    struct db_statement *out;
    char token[512]; /* the one at hand, without its quotes; "" at the end */
    char quote;      /* its kind: 0 a word or a symbol, ' or " */
    bool failed;
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '+';
}

static void take_quoted(struct parser *p)
{
    size_t len = 0;
    for (p->at++; *p->at != '\0'; p->at++) {
        if (*p->at == p->quote && p->at[1] == p->quote)
            p->at++; /* doubled: itself */
        else if (*p->at == p->quote)
            break;
        if (len < sizeof(p->token) - 1)
            p->token[len++] = *p->at;
    }
    p->failed = p->failed || *p->at == '\0';
    p->at += *p->at != '\0';
    p->token[len] = '\0';
}

static void next(struct parser *p)
{
    size_t len = 0;
    while (*p->at == ' ' || *p->at == '\n')
        p->at++;
    p->quote = *p->at == '\'' || *p->at == '"' ? *p->at : '\0';
    if (p->quote != '\0') {
        take_quoted(p);
        return;
    }
    /* A dot stands inside a number, and between keyspace and table. */
    bool number = isdigit((unsigned char)*p->at) || *p->at == '-' || *p->at == '+';
    while (is_word(*p->at) && (number || *p->at != '.') && len < sizeof(p->token) - 1)
        p->token[len++] = *p->at++;
    if (len == 0 && (*p->at == '<' || *p->at == '>') && p->at[1] == '=')
        p->token[len++] = *p->at++;
    if (len == 0 || p->token[0] == '<' || p->token[0] == '>')
        if (*p->at != '\0')
            p->token[len++] = *p->at++;
    p->token[len] = '\0';
}

static bool is(const struct parser *p, const char *token)
{
    return p->quote == '\0' && strcasecmp(p->token, token) == 0;
}

static bool accept(struct parser *p, const char *token)
{
    if (!is(p, token))
        return false;
    next(p);
    return true;
}

static void expect(struct parser *p, const char *token)
{
    if (!accept(p, token))
        p->failed = true;
}

static const char *keep(struct parser *p, const char *text)
{
    struct slice copy = arena_copy(p->arena, slice_make(text, strlen(text) + 1));
    if (copy.data == NULL)
        abort();
    return (const char *)copy.data;
}

static const char *take_name(struct parser *p)
{
    if (p->quote == '\0') /* not quoted: case does not count */
        for (char *c = p->token; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
    const char *name = keep(p, p->token);
    p->failed = p->failed || p->token[0] == '\0' || p->quote == '\'';
    next(p);
    return name;
}

static void take_table(struct parser *p)
{
    p->out->table = take_name(p);
    if (!accept(p, "."))
        return;
    p->out->keyspace = p->out->table;
    p->out->table = take_name(p);
}

static struct db_term take_term(struct parser *p)
{
    struct db_term term = {.kind = DB_TERM_WORD};
    if (is(p, "?")) {
        term.kind = DB_TERM_MARKER;
        term.marker = p->out->marker_count++;
    } else if (is(p, "null")) {
        term.kind = DB_TERM_NULL;
    } else if (p->quote == '\'') {
        term.kind = DB_TERM_STRING;
    }
    if (term.kind != DB_TERM_MARKER)
        term.text = keep(p, p->token);
    p->failed = p->failed || (p->token[0] == '\0' && p->quote != '\'');
    next(p);
    return term;
}

static enum db_operator take_operator(struct parser *p)
{
    static const char *const words[] = {[DB_EQUAL] = "=",
                                        [DB_LESS] = "<",
                                        [DB_LESS_EQUAL] = "<=",
                                        [DB_GREATER] = ">",
                                        [DB_GREATER_EQUAL] = ">="};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (accept(p, words[i]))
            return (enum db_operator)i;
    p->failed = true;
    return DB_EQUAL;
}

static unsigned take_relations(struct parser *p, struct db_relation *relations)
{
    unsigned count = 0;
    do {
        if (count == TEXT_ITEMS_MAX) {
            p->failed = true;
            break;
        }
        struct db_relation *relation = &relations[count++];
        relation->column = take_name(p);
        relation->op = take_operator(p);
        relation->term = take_term(p);
    } while (!p->failed && accept(p, "AND"));
    return count;
}

static void take_using(struct parser *p)
{
    if (!accept(p, "USING"))
        return;
    do {
        if (accept(p, "TIMESTAMP"))
            p->out->timestamp = take_term(p);
        else if (accept(p, "TTL"))
            p->out->ttl = take_term(p);
        else
            p->failed = true;
    } while (!p->failed && accept(p, "AND"));
}

static void take_if(struct parser *p)
{
    if (!accept(p, "IF"))
        return;
    if (accept(p, "NOT")) {
        expect(p, "EXISTS");
        p->out->if_not_exists = true;
    } else if (accept(p, "EXISTS")) {
        p->out->if_exists = true;
    } else {
        p->out->condition_count = take_relations(p, p->out->conditions);
    }
}

static struct db_item *add_item(struct parser *p)
{
    if (p->out->item_count == TEXT_ITEMS_MAX) {
        p->failed = true;
        return &p->out->items[0];
    }
    return &p->out->items[p->out->item_count++];
}

static void take_selector(struct parser *p)
{
    struct db_item *item = add_item(p);
    item->column = take_name(p);
    if (accept(p, "(")) {
        if (strcmp(item->column, "totimestamp") == 0) {
            item->function = DB_NOW;
            expect(p, "now");
            expect(p, "(");
            expect(p, ")");
        } else {
            item->function = strcmp(item->column, "writetime") == 0 ? DB_WRITETIME : DB_TTL;
            p->failed = p->failed || (item->function == DB_TTL && strcmp(item->column, "ttl") != 0);
            item->column = take_name(p);
        }
        expect(p, ")");
    }
    if (accept(p, "AS"))
        item->alias = take_name(p);
}

static void parse_select(struct parser *p)
{
    p->out->kind = DB_SELECT;
    if (!accept(p, "*"))
        do
            take_selector(p);
        while (!p->failed && accept(p, ","));
    expect(p, "FROM");
    take_table(p);
    if (accept(p, "WHERE"))
        p->out->where_count = take_relations(p, p->out->where);
    if (accept(p, "ORDER")) {
        expect(p, "BY");
        (void)take_name(p);
        p->out->ordered = true;
        p->out->descending = accept(p, "DESC");
        (void)(!p->out->descending && accept(p, "ASC"));
    }
    if (accept(p, "LIMIT"))
        p->out->limit = take_term(p);
    if (accept(p, "ALLOW"))
        expect(p, "FILTERING");
}

static void parse_insert(struct parser *p)
{
    p->out->kind = DB_INSERT;
    expect(p, "INTO");
    take_table(p);
    expect(p, "(");
    do
        add_item(p)->column = take_name(p);
    while (!p->failed && accept(p, ","));
    expect(p, ")");
    expect(p, "VALUES");
    for (unsigned i = 0; i < p->out->item_count && !p->failed; i++) {
        expect(p, i == 0 ? "(" : ",");
        p->out->items[i].term = take_term(p);
    }
    expect(p, ")");
    take_if(p);
    take_using(p);
}

static void parse_update(struct parser *p)
{
    p->out->kind = DB_UPDATE;
    take_table(p);
    take_using(p);
    expect(p, "SET");
    do {
        struct db_item *item = add_item(p);
        item->column = take_name(p);
        expect(p, "=");
        item->term = take_term(p);
    } while (!p->failed && accept(p, ","));
    expect(p, "WHERE");
    p->out->where_count = take_relations(p, p->out->where);
    take_if(p);
}

static void parse_delete(struct parser *p)
{
    p->out->kind = DB_DELETE;
    if (!is(p, "FROM"))
        do
            add_item(p)->column = take_name(p);
        while (!p->failed && accept(p, ","));
    expect(p, "FROM");
    take_table(p);
    take_using(p);
    expect(p, "WHERE");
    p->out->where_count = take_relations(p, p->out->where);
    take_if(p);
}

/* --- definitions --- */

static struct db_definition *defined(struct parser *p)
{
    for (unsigned i = 0; i < p->out->column_count; i++)
        if (strcmp(p->out->columns[i].name, p->token) == 0)
            return &p->out->columns[i];
    p->failed = true;
    return &p->out->columns[0];
}

/* PRIMARY KEY ((a, b), c) or (a, c): the first component is the partition's. */
static void take_primary_key(struct parser *p)
{
    int position = 0;
    expect(p, "KEY");
    expect(p, "(");
    bool composite = accept(p, "(");
    do {
        struct db_definition *column = defined(p);
        column->role = DB_PARTITION_KEY;
        column->position = position++;
        next(p);
    } while (!p->failed && composite && accept(p, ","));
    if (composite)
        expect(p, ")");
    for (position = 0; !p->failed && accept(p, ",");) {
        struct db_definition *column = defined(p);
        column->role = DB_CLUSTERING;
        column->position = position++;
        next(p);
    }
    expect(p, ")");
}

/* A type goes to the next "," or ")" outside of its own brackets, or to a word behind it. */
static const char *take_type(struct parser *p)
{
    char type[256] = "";
    size_t len = 0;
    unsigned depth = 0;
    do {
        depth += is(p, "<") ? 1u : 0u;
        depth -= is(p, ">") ? 1u : 0u;
        if (len < sizeof(type))
            len += (size_t)snprintf(type + len, sizeof(type) - len, "%s%s", p->token,
                                    is(p, ",") ? " " : "");
        next(p);
    } while (p->token[0] != '\0' && (depth > 0 || is(p, "<") || is(p, ">")));
    return keep(p, type);
}

static void take_definition(struct parser *p)
{
    if (p->out->column_count == TEXT_ITEMS_MAX) {
        p->failed = true;
        return;
    }
    struct db_definition *column = &p->out->columns[p->out->column_count++];
    column->role = DB_REGULAR;
    column->position = -1;
    column->name = take_name(p);
    column->type = take_type(p);
    if (accept(p, "STATIC"))
        column->role = DB_STATIC;
    if (accept(p, "PRIMARY")) {
        expect(p, "KEY");
        column->role = DB_PARTITION_KEY;
        column->position = 0;
    }
}

static void add_option(struct parser *p, const char *name)
{
    if (p->out->option_count == TEXT_ITEMS_MAX) {
        p->failed = true;
        return;
    }
    p->out->options[p->out->option_count++] = (struct db_option){name, keep(p, p->token)};
    next(p);
}

/* { 'class': 'x', 'a': 3 } */
static void take_map(struct parser *p, const char *name)
{
    expect(p, "{");
    do {
        char path[600];
        (void)snprintf(path, sizeof(path), "%s.%s", name, p->token);
        const char *key = keep(p, path);
        next(p);
        expect(p, ":");
        add_option(p, key);
    } while (!p->failed && accept(p, ","));
    expect(p, "}");
}

static void take_options(struct parser *p)
{
    if (!accept(p, "WITH"))
        return;
    do {
        const char *name = take_name(p);
        if (strcmp(name, "clustering") == 0) {
            expect(p, "ORDER");
            expect(p, "BY");
            expect(p, "(");
            (void)take_name(p);
            p->out->clustering_descending = accept(p, "DESC");
            (void)(!p->out->clustering_descending && accept(p, "ASC"));
            expect(p, ")");
            continue;
        }
        expect(p, "=");
        if (is(p, "{"))
            take_map(p, name);
        else
            add_option(p, name);
    } while (!p->failed && accept(p, "AND"));
}

static void take_if_not_exists(struct parser *p)
{
    if (!accept(p, "IF"))
        return;
    expect(p, "NOT");
    expect(p, "EXISTS");
    p->out->if_not_exists = true;
}

static void parse_create(struct parser *p)
{
    if (accept(p, "KEYSPACE")) {
        p->out->kind = DB_CREATE_KEYSPACE;
        take_if_not_exists(p);
        p->out->keyspace = take_name(p);
        take_options(p);
        return;
    }
    expect(p, "TABLE");
    p->out->kind = DB_CREATE_TABLE;
    take_if_not_exists(p);
    take_table(p);
    expect(p, "(");
    do {
        if (accept(p, "PRIMARY"))
            take_primary_key(p);
        else
            take_definition(p);
    } while (!p->failed && accept(p, ","));
    expect(p, ")");
    take_options(p);
}

static void parse_alter(struct parser *p)
{
    expect(p, "TABLE");
    p->out->kind = DB_ALTER_TABLE;
    take_table(p);
    take_options(p);
    p->failed = p->failed || p->out->option_count == 0;
}

static void parse_drop(struct parser *p)
{
    expect(p, "TABLE");
    p->out->kind = DB_DROP_TABLE;
    if (accept(p, "IF")) {
        expect(p, "EXISTS");
        p->out->if_exists = true;
    }
    take_table(p);
}

struct db_statement *db_text_parse(struct slice text, struct arena *arena)
{
    struct db_statement *statement = arena_take(arena, sizeof(*statement));
    char *copy = arena_take(arena, text.len + 1);
    struct parser p = {.at = copy, .arena = arena, .out = statement};

    if (statement == NULL || copy == NULL)
        abort();
    memset(statement, 0, sizeof(*statement));
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    statement->text = copy;
    next(&p);
    if (accept(&p, "SELECT"))
        parse_select(&p);
    else if (accept(&p, "INSERT"))
        parse_insert(&p);
    else if (accept(&p, "UPDATE"))
        parse_update(&p);
    else if (accept(&p, "DELETE"))
        parse_delete(&p);
    else if (accept(&p, "CREATE"))
        parse_create(&p);
    else if (accept(&p, "ALTER"))
        parse_alter(&p);
    else if (accept(&p, "DROP"))
        parse_drop(&p);
    else
        p.failed = true;
    (void)accept(&p, ";");
    return p.failed || p.token[0] != '\0' ? NULL : statement;
}

bool db_is_conditional(const struct db_statement *statement)
{
    return statement->kind != DB_SELECT && statement->table != NULL &&
           statement->kind <= DB_DELETE &&
           (statement->if_not_exists || statement->if_exists || statement->condition_count > 0);
}
