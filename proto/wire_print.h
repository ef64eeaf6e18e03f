/*
 * The PRINT mode of the wire cursor: "name=value" separated by spaces, "name{...}" for nested
 * structs. Any value can be printed; only the output can fail (NOMEM, LIMIT), which sticks as usual
 * and cuts the text short. Bytes without control characters are shown as text in quotes, others as
 * 0x and hex; both are cut at WIRE_PRINT_BYTES_MAX and then followed by "...(n bytes)". A null
 * slice is `null`.
 */
#ifndef PROTO_WIRE_PRINT_H
#define PROTO_WIRE_PRINT_H

#include "proto/wire.h"

enum { WIRE_PRINT_BYTES_MAX = 64 };

void wire_print_signed(struct wire *wire, const char *field, int64_t value);
void wire_print_unsigned(struct wire *wire, const char *field, uint64_t value);
void wire_print_bool(struct wire *wire, const char *field, bool value);
void wire_print_double(struct wire *wire, const char *field, double value);
void wire_print_slice(struct wire *wire, const char *field, struct slice value);
void wire_print_hex(struct wire *wire, const char *field, struct slice value);
void wire_print_enter(struct wire *wire, const char *field);
void wire_print_leave(struct wire *wire);

#endif
