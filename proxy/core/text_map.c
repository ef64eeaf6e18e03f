#include "core/text_map.h"

#include "proto/endian.h"

static bool take(struct text_map_reader *reader, struct slice *part)
{
    if (reader->map.len - reader->at < 4)
        return false;
    size_t len = be32_load(reader->map.data + reader->at);
    reader->at += 4;
    if (len > reader->map.len - reader->at)
        return false;
    *part = slice_make(reader->map.data + reader->at, len);
    reader->at += len;
    return true;
}

void text_map_open(struct text_map_reader *reader, struct slice map)
{
    *reader = (struct text_map_reader){.map = map, .at = 4};
    if (map.len >= 4)
        reader->left = be32_load(map.data);
}

bool text_map_next(struct text_map_reader *reader)
{
    if (reader->left == 0 || !take(reader, &reader->key) || !take(reader, &reader->value))
        return false;
    reader->left--;
    return true;
}

struct slice text_map_get(struct slice map, struct slice key)
{
    struct text_map_reader reader;

    text_map_open(&reader, map);
    while (text_map_next(&reader))
        if (slice_equal(reader.key, key))
            return reader.value;
    return SLICE_NULL;
}

static int append_i32(struct buf *out, uint32_t value)
{
    uint8_t bytes[4];

    be32_store(bytes, value);
    return buf_append(out, slice_make(bytes, sizeof(bytes)));
}

int text_map_begin(struct buf *out, uint32_t pairs)
{
    return append_i32(out, pairs);
}

int text_map_pair(struct buf *out, struct slice key, struct slice value)
{
    int rc = append_i32(out, (uint32_t)key.len);
    if (rc == STATUS_OK)
        rc = buf_append(out, key);
    if (rc == STATUS_OK)
        rc = append_i32(out, (uint32_t)value.len);
    return rc == STATUS_OK ? buf_append(out, value) : rc;
}
