#include "tests/support/fake_cql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/endian.h"

struct parser {
    const char *at;
    const char *text;
    const struct cql_query *query;
    unsigned marker;
    const char *(*type_of)(void *, const char *, const char *);
    void *context;
    struct fake_statement *out;
    char token[320]; /* the token at hand, without its quotes */
    char quote;      /* its kind: 0 a word, ' or ", or the symbol itself */
};

static void fail(const struct parser *p)
{
    (void)fprintf(stderr, "fake_cql: not understood at '%s': %s\n", p->token, p->text);
    abort();
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static void next(struct parser *p)
{
    size_t len = 0;
    while (*p->at == ' ')
        p->at++;
    p->quote = *p->at == '\'' || *p->at == '"' ? *p->at : '\0';
    if (p->quote != '\0') {
        for (p->at++; *p->at != '\0' && *p->at != p->quote && len < sizeof(p->token) - 1;)
            p->token[len++] = *p->at++;
        p->at += *p->at == p->quote;
    } else if (is_word(*p->at)) {
        while (is_word(*p->at) && len < sizeof(p->token) - 1)
            p->token[len++] = *p->at++;
    } else if (*p->at != '\0') {
        p->quote = *p->at;
        p->token[len++] = *p->at++;
    }
    p->token[len] = '\0';
}

static bool is(const struct parser *p, const char *token)
{
    return p->quote != '\'' && strcmp(p->token, token) == 0;
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
        fail(p);
}

static void take_name(struct parser *p, char *to, size_t bytes)
{
    (void)snprintf(to, bytes, "%.*s", (int)bytes - 1, p->token);
    next(p);
}

static void take_table(struct parser *p)
{
    char keyspace[64], table[224];
    take_name(p, keyspace, sizeof(keyspace));
    expect(p, ".");
    take_name(p, table, sizeof(table));
    (void)snprintf(p->out->table, sizeof(p->out->table), "%s.%s", keyspace, table);
}

static uint8_t *own(struct parser *p, size_t bytes)
{
    uint8_t *block = calloc(1, bytes + 1);
    if (block == NULL || p->out->owned_count == sizeof(p->out->owned) / sizeof(p->out->owned[0]))
        abort();
    p->out->owned[p->out->owned_count++] = block;
    return block;
}

static struct slice own_uuid(struct parser *p)
{
    uint8_t *to = own(p, 16);
    unsigned digits = 0;
    for (const char *c = p->token; *c != '\0' && digits < 32; c++) {
        if (*c == '-')
            continue;
        const char hex[2] = {*c, '\0'};
        unsigned long value = strtoul(hex, NULL, 16);
        to[digits / 2] = (uint8_t)(to[digits / 2] * 16u + value);
        digits++;
    }
    return slice_make(to, 16);
}

/* 0x6f6e65 */
static struct slice own_bytes(struct parser *p)
{
    size_t bytes = strlen(p->token) / 2 - 1;
    uint8_t *to = own(p, bytes);
    for (size_t i = 0; i < bytes; i++) {
        const char hex[3] = {p->token[2 + 2 * i], p->token[3 + 2 * i], '\0'};
        to[i] = (uint8_t)strtoul(hex, NULL, 16);
    }
    return slice_make(to, bytes);
}

static struct slice literal(struct parser *p, const char *type)
{
    uint8_t *to;
    if (p->quote == '\0' && strncmp(p->token, "0x", 2) == 0) /* of any type, also of texts */
        return own_bytes(p);
    if (p->quote == '\'') {
        to = own(p, strlen(p->token));
        memcpy(to, p->token, strlen(p->token));
        return slice_make(to, strlen(p->token));
    }
    if (is(p, "null"))
        return SLICE_NULL;
    if (is(p, "true") || is(p, "false")) {
        to = own(p, 1);
        *to = is(p, "true");
        return slice_make(to, 1);
    }
    if (strcmp(type, "uuid") == 0)
        return own_uuid(p);
    to = own(p, 8);
    if (strcmp(type, "int") == 0) {
        be32_store(to, (uint32_t)strtol(p->token, NULL, 10));
        return slice_make(to, 4);
    }
    be64_store(to, (uint64_t)strtoll(p->token, NULL, 10));
    return slice_make(to, 8);
}

static void take_value(struct parser *p, struct fake_pair *pair)
{
    if (is(p, "?")) {
        if (p->query == NULL || p->marker >= p->query->value_count)
            fail(p);
        pair->value = p->query->values[p->marker++].bytes;
    } else {
        pair->value = literal(p, p->type_of(p->context, p->out->table, pair->column));
    }
    next(p);
}

/* name = value, separated by `separator`. */
static unsigned take_pairs(struct parser *p, struct fake_pair *pairs, const char *separator)
{
    unsigned count = 0;
    do {
        if (count == FAKE_PAIRS_MAX)
            fail(p);
        take_name(p, pairs[count].column, sizeof(pairs[count].column));
        expect(p, "=");
        take_value(p, &pairs[count++]);
    } while (accept(p, separator));
    return count;
}

static void skip_brackets(struct parser *p)
{
    unsigned depth = 0;
    do {
        depth += is(p, "(");
        depth -= is(p, ")");
        next(p);
    } while (depth > 0 && p->token[0] != '\0');
}

static void parse_tail(struct parser *p)
{
    if (accept(p, "WHERE"))
        p->out->where_count = take_pairs(p, p->out->where, "AND");
    if (!accept(p, "IF"))
        return;
    if (accept(p, "NOT")) {
        expect(p, "EXISTS");
        p->out->if_not_exists = true;
        if (accept(p, "USING")) { /* nothing ends in a test's time */
            expect(p, "TTL");
            next(p);
        }
        return;
    }
    p->out->condition_count = take_pairs(p, p->out->condition, "AND");
}

static void parse_select(struct parser *p)
{
    struct fake_statement *out = p->out;
    out->kind = FAKE_SELECT;
    if (!accept(p, "*")) {
        do {
            struct fake_pair *pair = &out->set[out->set_count++];
            take_name(p, pair->column, sizeof(pair->column));
            if (is(p, "("))
                skip_brackets(p);
            if (accept(p, "AS"))
                take_name(p, pair->column, sizeof(pair->column));
        } while (accept(p, ","));
    }
    expect(p, "FROM");
    take_table(p);
    parse_tail(p);
}

static void parse_insert(struct parser *p)
{
    struct fake_statement *out = p->out;
    out->kind = FAKE_INSERT;
    expect(p, "INTO");
    take_table(p);
    expect(p, "(");
    do
        take_name(p, out->set[out->set_count++].column, sizeof(out->set[0].column));
    while (accept(p, ","));
    expect(p, ")");
    expect(p, "VALUES");
    expect(p, "(");
    for (unsigned i = 0; i < out->set_count; i++) {
        take_value(p, &out->set[i]);
        expect(p, i + 1 < out->set_count ? "," : ")");
    }
    parse_tail(p);
}

static struct fake_column *defined(struct parser *p)
{
    for (unsigned i = 0; i < p->out->defined_count; i++)
        if (strcmp(p->out->defined[i].name, p->token) == 0)
            return &p->out->defined[i];
    fail(p);
    return NULL;
}

/* PRIMARY KEY ((a, b), c) or (a, c): the first component is the partition's. */
static void parse_key(struct parser *p)
{
    expect(p, "KEY");
    expect(p, "(");
    bool composite = accept(p, "("), partition = true;
    while (!is(p, ")") || (composite && partition)) {
        if (accept(p, ")")) {
            partition = false;
        } else if (!accept(p, ",")) {
            struct fake_column *column = defined(p);
            column->is_key = true;
            column->is_partition = partition;
            partition = partition && composite;
            next(p);
        }
    }
    expect(p, ")");
}

/* A type goes to the next "," or ")" outside of its own brackets, or to PRIMARY. */
static void parse_column(struct parser *p)
{
    struct fake_column *column = &p->out->defined[p->out->defined_count++];
    size_t len = 0;
    unsigned depth = 0;
    take_name(p, column->name, sizeof(column->name));
    while ((depth > 0 || (!is(p, ",") && !is(p, ")"))) && !is(p, "PRIMARY")) {
        depth += is(p, "<");
        depth -= is(p, ">");
        len += (size_t)snprintf(column->type + len, sizeof(column->type) - len, "%s%s", p->token,
                                is(p, ",") ? " " : "");
        next(p);
    }
    if (accept(p, "PRIMARY")) {
        expect(p, "KEY");
        column->is_key = true;
        column->is_partition = true;
    }
}

static size_t put_text(uint8_t *to, const char *text)
{
    be32_store(to, (uint32_t)strlen(text));
    memcpy(to + 4, text, strlen(text));
    return 4 + strlen(text);
}

static void parse_map(struct parser *p)
{
    uint8_t *map = own(p, 512);
    size_t len = 4;
    uint32_t count = 0;
    expect(p, "{");
    do {
        len += put_text(map + len, p->token);
        next(p);
        expect(p, ":");
        len += put_text(map + len, p->token);
        next(p);
        count++;
    } while (accept(p, ","));
    expect(p, "}");
    be32_store(map, count);
    p->out->map = slice_make(map, len);
}

static void parse_options(struct parser *p)
{
    while (p->token[0] != '\0') { /* others pass */
        if (accept(p, "ID")) {
            expect(p, "=");
            take_name(p, p->out->id, sizeof(p->out->id));
        } else if (accept(p, "default_time_to_live")) {
            expect(p, "=");
            take_name(p, p->out->ttl, sizeof(p->out->ttl));
        } else if (accept(p, "compression")) {
            expect(p, "=");
            parse_map(p);
        } else {
            next(p);
        }
    }
}

static void parse_alter_table(struct parser *p)
{
    p->out->kind = FAKE_ALTER_TABLE;
    expect(p, "TABLE");
    take_table(p);
    expect(p, "WITH");
    parse_options(p);
}

static void parse_drop_table(struct parser *p)
{
    p->out->kind = FAKE_DROP_TABLE;
    expect(p, "TABLE");
    expect(p, "IF");
    expect(p, "EXISTS");
    take_table(p);
}

static void parse_create_table(struct parser *p)
{
    p->out->kind = FAKE_CREATE_TABLE;
    if (accept(p, "IF")) {
        expect(p, "NOT");
        expect(p, "EXISTS");
    }
    take_table(p);
    expect(p, "(");
    do {
        if (accept(p, "PRIMARY"))
            parse_key(p);
        else
            parse_column(p);
    } while (accept(p, ","));
    expect(p, ")");
    parse_options(p);
}

static void parse_create_keyspace(struct parser *p)
{
    p->out->kind = FAKE_CREATE_KEYSPACE;
    expect(p, "IF");
    expect(p, "NOT");
    expect(p, "EXISTS");
    take_name(p, p->out->table, sizeof(p->out->table));
    expect(p, "WITH");
    expect(p, "replication");
    expect(p, "=");
    parse_map(p);
}

void fake_cql_parse(const char *text, const struct cql_query *query,
                    const char *(*type_of)(void *context, const char *table, const char *column),
                    void *context, struct fake_statement *statement)
{
    struct parser p = {.at = text,
                       .text = text,
                       .query = query,
                       .type_of = type_of,
                       .context = context,
                       .out = statement};
    next(&p);
    if (accept(&p, "SELECT")) {
        parse_select(&p);
    } else if (accept(&p, "INSERT")) {
        parse_insert(&p);
    } else if (accept(&p, "UPDATE")) {
        statement->kind = FAKE_UPDATE;
        take_table(&p);
        expect(&p, "SET");
        statement->set_count = take_pairs(&p, statement->set, ",");
        parse_tail(&p);
    } else if (accept(&p, "DELETE")) {
        statement->kind = FAKE_DELETE;
        expect(&p, "FROM");
        take_table(&p);
        if (accept(&p, "USING")) {
            expect(&p, "TIMESTAMP");
            next(&p);
            p.marker++; /* there is but one version of a row here */
        }
        parse_tail(&p);
    } else if (accept(&p, "ALTER")) {
        parse_alter_table(&p);
    } else if (accept(&p, "DROP")) {
        parse_drop_table(&p);
    } else if (accept(&p, "CREATE") && accept(&p, "TABLE")) {
        parse_create_table(&p);
    } else if (accept(&p, "KEYSPACE")) {
        parse_create_keyspace(&p);
    }
    if (p.token[0] != '\0')
        fail(&p);
}

void fake_cql_forget(struct fake_statement *statement)
{
    for (unsigned i = 0; i < statement->owned_count; i++)
        free(statement->owned[i]);
    statement->owned_count = 0;
}
