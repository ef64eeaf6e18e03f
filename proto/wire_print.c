#include "proto/wire_print.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* `len` comes from snprintf into `text`. */
static void emit(struct wire *wire, const char *field, const char *text, size_t len)
{
    if (wire->error != STATUS_OK)
        return;
    int status = buf_append(wire->out, slice_make(text, len));
    if (status < 0)
        wire_fail(wire, status, field);
    else
        wire->position += len;
}

/* A space, unless this is the very first word or the first inside braces; then the name. */
static void emit_name(struct wire *wire, const char *field, const char *after)
{
    const char *name = field == NULL ? "?" : field;
    bool first = wire->position == 0 || wire->out->data[wire->out->write - 1] == '{';
    if (!first)
        emit(wire, field, " ", 1);
    emit(wire, field, name, strlen(name));
    emit(wire, field, after, strlen(after));
}

void wire_print_signed(struct wire *wire, const char *field, int64_t value)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%" PRId64, value);
    emit_name(wire, field, "=");
    emit(wire, field, text, (size_t)len);
}

void wire_print_unsigned(struct wire *wire, const char *field, uint64_t value)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%" PRIu64, value);
    emit_name(wire, field, "=");
    emit(wire, field, text, (size_t)len);
}

void wire_print_bool(struct wire *wire, const char *field, bool value)
{
    emit_name(wire, field, value ? "=true" : "=false");
}

void wire_print_double(struct wire *wire, const char *field, double value)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%.17g", value);
    emit_name(wire, field, "=");
    emit(wire, field, text, (size_t)len);
}

static bool is_text(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return false;
    }
    return true;
}

/* No byte may leave the quotes or reach a terminal raw. At most four characters; their count. */
static size_t escape(char *to, uint8_t c)
{
    static const char DIGITS[] = "0123456789abcdef";
    char letter = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\0';

    if (c == '"' || c == '\\')
        letter = (char)c;
    if (letter != '\0') {
        to[0] = '\\';
        to[1] = letter;
        return 2;
    }
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    to[0] = '\\';
    to[1] = 'x';
    to[2] = DIGITS[c >> 4];
    to[3] = DIGITS[c & 0xf];
    return 4;
}

static void emit_cut(struct wire *wire, const char *field, size_t len)
{
    char text[48];
    if (len <= WIRE_PRINT_BYTES_MAX)
        return;
    int text_len = snprintf(text, sizeof(text), "...(%zu bytes)", len);
    emit(wire, field, text, (size_t)text_len);
}

static struct slice cut(struct slice value)
{
    return slice_make(value.data,
                      value.len < WIRE_PRINT_BYTES_MAX ? value.len : WIRE_PRINT_BYTES_MAX);
}

void wire_print_slice(struct wire *wire, const char *field, struct slice value)
{
    char text[4 * WIRE_PRINT_BYTES_MAX + 2];
    struct slice shown = cut(value);
    size_t len = 0;

    if (value.data == NULL) {
        emit_name(wire, field, "=null");
        return;
    }
    if (!is_text(shown)) {
        wire_print_hex(wire, field, value);
        return;
    }
    text[len++] = '"';
    for (size_t i = 0; i < shown.len; i++)
        len += escape(text + len, shown.data[i]);
    text[len++] = '"';
    assert(len <= sizeof(text));
    emit_name(wire, field, "=");
    emit(wire, field, text, len);
    emit_cut(wire, field, value.len);
}

void wire_print_hex(struct wire *wire, const char *field, struct slice value)
{
    static const char DIGITS[] = "0123456789abcdef";
    char text[2 * WIRE_PRINT_BYTES_MAX];
    struct slice shown = cut(value);
    size_t len = 0;

    for (size_t i = 0; i < shown.len; i++) {
        text[len++] = DIGITS[shown.data[i] >> 4];
        text[len++] = DIGITS[shown.data[i] & 0xf];
    }
    emit_name(wire, field, "=0x");
    emit(wire, field, text, len);
    emit_cut(wire, field, value.len);
}

void wire_print_enter(struct wire *wire, const char *field)
{
    wire->depth++;
    emit_name(wire, field, "{");
}

void wire_print_leave(struct wire *wire)
{
    assert(wire->depth > 0);
    wire->depth--;
    emit(wire, NULL, "}", 1);
}
