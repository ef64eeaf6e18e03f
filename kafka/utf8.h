/* Strict UTF-8, as a CQL text value must be: no overlong forms, no surrogates, nothing above
 * U+10FFFF. */
#ifndef KAFKA_UTF8_H
#define KAFKA_UTF8_H

#include "proto/slice.h"

/* Null and empty are valid, and so is U+0000. */
bool kafka_utf8_valid(struct slice text);

#endif
