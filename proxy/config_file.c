#include "config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define WHERE_BYTES    512
#define MAX_LIST_BYTES 4096
#define MAX_SECTIONS   32
#define FIRST_BYTES    ((size_t)16 * 1024)

struct reading {
    struct config *config;
    struct config_error *error;
    const char *path;
    yaml_document_t *document;
    size_t *lines; /* of each setting in this file; 0: not seen */
    size_t section_lines[MAX_SECTIONS];
};

static const char *place(const struct reading *r, size_t line, char to[WHERE_BYTES])
{
    (void)snprintf(to, WHERE_BYTES, "%s:%zu", r->path, line);
    return to;
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static const char *scalar(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* Nothing after the colon, or ~ or null. */
static bool is_null(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    return scalar(node)[0] == '\0' || strcmp(scalar(node), "~") == 0 ||
           strcmp(scalar(node), "null") == 0;
}

static bool is_text(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && strlen(scalar(node)) == node->data.scalar.length;
}

/* A list of hosts, as the text with commas that flags and environment use. */
static bool join_list(const struct reading *r, const yaml_node_t *list, char *to, size_t to_bytes)
{
    size_t used = 0;
    to[0] = '\0';
    for (const yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        const yaml_node_t *node = yaml_document_get_node(r->document, *item);
        if (!is_text(node) || strchr(scalar(node), ',') != NULL)
            return false;
        int len = snprintf(to + used, to_bytes - used, "%s%s", used > 0 ? "," : "", scalar(node));
        if (len < 0 || (size_t)len >= to_bytes - used)
            return false;
        used += (size_t)len;
    }
    return used > 0;
}

static int read_value(struct reading *r, const struct setting *setting, const yaml_node_t *key,
                      const yaml_node_t *value)
{
    char where[WHERE_BYTES], name[SETTING_NAME_BYTES], list[MAX_LIST_BYTES], allowed[512];
    size_t *seen = &r->lines[setting - setting_table];
    (void)place(r, line_of(key), where);
    (void)setting_name(setting, name);
    if (*seen != 0)
        return config_fail(r->error, where, "%s: stands in line %zu already", name, *seen);
    *seen = line_of(key);
    setting_allowed(setting, allowed, sizeof(allowed));
    if (value->type == YAML_SEQUENCE_NODE && setting->type == SETTING_ADDRESSES) {
        if (!join_list(r, value, list, sizeof(list)))
            return config_fail(r->error, where, "%s: this list is not allowed here; allowed: %s",
                               name, allowed);
        return config_set(r->config, setting, list, ORIGIN_FILE, where, r->error);
    }
    if (!is_text(value))
        return config_fail(r->error, where,
                           "%s: a list or a section cannot stand here; allowed: %s", name, allowed);
    if (is_null(value))
        return config_fail(r->error, where, "%s: has no value; allowed: %s", name, allowed);
    return config_set(r->config, setting, scalar(value), ORIGIN_FILE, where, r->error);
}

/* Where this file names the section first; NULL: there is no such section. */
static size_t *section_line(struct reading *r, const char *name)
{
    for (size_t i = 0; i < MAX_SECTIONS && setting_sections[i].name != NULL; i++)
        if (strcmp(setting_sections[i].name, name) == 0)
            return &r->section_lines[i];
    return NULL;
}

static int fail_section(struct reading *r, const yaml_node_t *key)
{
    char where[WHERE_BYTES];
    const char *name = is_text(key) ? scalar(key) : "?";
    const char *near = setting_nearest_section(name);
    (void)place(r, line_of(key), where);
    if (near != NULL)
        return config_fail(r->error, where, "%.64s: there is no such section; did you mean %s?",
                           name, near);
    const struct setting *setting = setting_nearest("", name);
    if (setting != NULL)
        return config_fail(r->error, where,
                           "%.64s: there is no such section; did you mean %s in the section %s?",
                           name, setting->key, setting->section);
    return config_fail(r->error, where,
                       "%.64s: there is no such section (sluice --print-reference lists all)",
                       name);
}

static int read_section(struct reading *r, const yaml_node_t *name, const yaml_node_t *section)
{
    char where[WHERE_BYTES];
    size_t *seen = is_text(name) ? section_line(r, scalar(name)) : NULL;
    if (seen == NULL)
        return fail_section(r, name);
    if (*seen != 0)
        return config_fail(r->error, place(r, line_of(name), where),
                           "%s: this section stands in line %zu already", scalar(name), *seen);
    *seen = line_of(name);
    if (is_null(section))
        return STATUS_OK;
    if (section->type != YAML_MAPPING_NODE)
        return config_fail(r->error, place(r, line_of(section), where),
                           "%s: is a section; its settings stand below it, indented, as key: value",
                           scalar(name));
    for (const yaml_node_pair_t *pair = section->data.mapping.pairs.start;
         pair < section->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(r->document, pair->value);
        (void)place(r, line_of(key), where);
        if (!is_text(key))
            return config_fail(r->error, where, "%s: the name of a setting must be a word",
                               scalar(name));
        const struct setting *setting = setting_find(scalar(name), scalar(key));
        if (setting == NULL)
            return config_unknown(where, scalar(name), scalar(key), r->error);
        int rc = read_value(r, setting, key, value);
        if (rc < 0)
            return rc;
    }
    return STATUS_OK;
}

static int read_document(struct reading *r)
{
    char where[WHERE_BYTES];
    const yaml_node_t *root = yaml_document_get_root_node(r->document);
    if (root == NULL || is_null(root))
        return STATUS_OK; /* all is commented out */
    if (root->type != YAML_MAPPING_NODE)
        return config_fail(r->error, place(r, line_of(root), where),
                           "the file must consist of sections, such as \"listener:\"");
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        int rc = read_section(r, yaml_document_get_node(r->document, pair->key),
                              yaml_document_get_node(r->document, pair->value));
        if (rc < 0)
            return rc;
    }
    return STATUS_OK;
}

static int fail_syntax(struct reading *r, const yaml_parser_t *parser)
{
    char where[WHERE_BYTES];
    size_t line = parser->problem_mark.line + 1;
    if (parser->error == YAML_MEMORY_ERROR)
        return config_fail(r->error, r->path, "out of memory");
    return config_fail(r->error, place(r, line, where), "not valid YAML: %s",
                       parser->problem != NULL ? parser->problem : "unreadable");
}

static int read_documents(struct reading *r, yaml_parser_t *parser)
{
    for (unsigned count = 0;; count++) {
        yaml_document_t document;
        char where[WHERE_BYTES];
        if (yaml_parser_load(parser, &document) == 0)
            return fail_syntax(r, parser);
        r->document = &document;
        bool end = yaml_document_get_root_node(&document) == NULL;
        int rc = STATUS_OK;
        if (!end && count > 0)
            rc = config_fail(r->error, place(r, document.start_mark.line + 1, where),
                             "a second YAML document cannot stand here");
        else if (!end)
            rc = read_document(r);
        yaml_document_delete(&document);
        if (rc < 0 || end)
            return rc;
    }
}

/* The whole file; NULL: config_fail was called. It may be a pipe: the buffer grows with what comes.
 */
static char *slurp(const char *path, size_t *len, struct config_error *error)
{
    FILE *file = fopen(path, "re");
    char *bytes = NULL;
    size_t capacity = 0;
    bool enough = file != NULL;
    *len = 0;
    while (enough && *len <= CONFIG_FILE_MAX_BYTES && feof(file) == 0 && ferror(file) == 0) {
        if (*len == capacity) {
            capacity = capacity == 0 ? FIRST_BYTES : 2 * capacity;
            char *larger = realloc(bytes, capacity);
            enough = larger != NULL;
            bytes = enough ? larger : bytes;
        }
        if (enough)
            *len += fread(bytes + *len, 1, capacity - *len, file);
    }
    bool fine = false;
    if (!enough || ferror(file) != 0)
        (void)config_fail(error, path, "cannot be read: %s", strerror(errno));
    else if (*len > CONFIG_FILE_MAX_BYTES)
        (void)config_fail(error, path, "is larger than 1 MiB; that is no configuration");
    else
        fine = true;
    if (file != NULL)
        (void)fclose(file);
    if (fine)
        return bytes;
    free(bytes);
    return NULL;
}

int config_file_read(struct config *config, const char *path, struct config_error *error)
{
    yaml_parser_t parser;
    size_t len = 0;
    char *bytes = slurp(path, &len, error);
    if (bytes == NULL)
        return STATUS_MALFORMED;
    struct reading r = {.config = config, .error = error, .path = path};
    r.lines = calloc(setting_count, sizeof(*r.lines));
    int rc = STATUS_NOMEM;
    if (r.lines != NULL && yaml_parser_initialize(&parser) != 0) {
        yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
        rc = read_documents(&r, &parser);
        yaml_parser_delete(&parser);
    } else {
        (void)config_fail(error, path, "out of memory");
    }
    free(r.lines);
    free(bytes);
    return rc;
}
