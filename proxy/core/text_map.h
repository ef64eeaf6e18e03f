/*
 * A map<text, text> cell as the database has it: a count, then length and bytes of each key and
 * value. What is read may come from anywhere: a map that is cut short ends where it is cut.
 */
#ifndef PROXY_CORE_TEXT_MAP_H
#define PROXY_CORE_TEXT_MAP_H

#include "proto/buf.h"
#include "proto/slice.h"

struct text_map_reader {
    struct slice map;
    size_t at;
    uint32_t left;
    struct slice key, value; /* of the pair at hand */
};

/* `map` is borrowed; data NULL, or an empty one, has no pairs. */
void text_map_open(struct text_map_reader *reader, struct slice map);
bool text_map_next(struct text_map_reader *reader);
/* The value of a key; data NULL: none. */
struct slice text_map_get(struct slice map, struct slice key);

/* Writing: the count first, then so many pairs. NOMEM, LIMIT. */
MUST_CHECK int text_map_begin(struct buf *out, uint32_t pairs);
MUST_CHECK int text_map_pair(struct buf *out, struct slice key, struct slice value);

#endif
