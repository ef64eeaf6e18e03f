/*
 * A message set of magic 0 or 1 as a Produce 0-2 carries it: opened, entered when it is a wrapper,
 * and read. Every record is compared with what a reader finds that follows the format's definition
 * from the front; a set that is accepted is accounted for to its last byte.
 */
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "kafka/compression.h"
#include "kafka/message_set.h"
#include "proto/endian.h"

enum { PLAIN_BYTES = 256 << 10, FRAME_BYTES = 12, MIN_MESSAGE_BYTES = 14 };

/* --- the judge --- */

struct judge {
    const uint8_t *p;
    const uint8_t *end;
};

static uint64_t judge_int(struct judge *at, size_t bytes)
{
    uint64_t value = 0;

    REQUIRE((size_t)(at->end - at->p) >= bytes);
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | *at->p++;
    return value;
}

static struct slice judge_bytes(struct judge *at)
{
    int32_t len = (int32_t)judge_int(at, 4);

    REQUIRE(len >= -1 && len <= at->end - at->p);
    struct slice bytes = len < 0 ? SLICE_NULL : slice_make(at->p, (size_t)len);
    at->p += bytes.len;
    return bytes;
}

static bool same_bytes(struct slice a, struct slice b)
{
    return a.data == b.data && a.len == b.len;
}

/* The record that was read is what stands here; `magic` is that of all. */
static void judge_record(struct judge *at, uint8_t magic, bool wrapped,
                         const struct kafka_record *record)
{
    (void)judge_int(at, 8);
    size_t size = (size_t)judge_int(at, 4);
    REQUIRE(size <= (size_t)(at->end - at->p));
    struct judge in = {at->p, at->p + size};
    at->p = in.end;
    (void)judge_int(&in, 4);
    REQUIRE(judge_int(&in, 1) == magic);
    uint64_t attributes = judge_int(&in, 1);
    REQUIRE((attributes & 7) == 0 && (wrapped || magic == 0 || (attributes & 8) == 0));
    REQUIRE(record->timestamp == (magic == 0 ? -1 : (int64_t)judge_int(&in, 8)));
    REQUIRE(same_bytes(record->key, judge_bytes(&in)));
    REQUIRE(same_bytes(record->value, judge_bytes(&in)));
    REQUIRE(in.p == in.end && record->header_count == 0 && record->headers.data == NULL);
}

/* --- the properties --- */

static void require_refusal(const struct kafka_refusal *refusal, int32_t index)
{
    REQUIRE(refusal->code > KAFKA_NONE && refusal->message != NULL);
    REQUIRE(refusal->record_index == -1 || refusal->record_index == index);
}

static void read_set(const struct kafka_message_set *set)
{
    bool wrapped = set->codec != KAFKA_CODEC_NONE;
    struct judge judge = {set->messages.data, set->messages.data + set->messages.len};
    struct kafka_message_reader reader;
    struct kafka_record record;
    int32_t count = 0;

    kafka_message_reader_init(&reader, set);
    for (; kafka_message_next(&reader, &record); count++)
        judge_record(&judge, set->magic, wrapped, &record);
    REQUIRE(!kafka_message_next(&reader, &record));
    if (reader.refusal.code != KAFKA_NONE) {
        require_refusal(&reader.refusal, count);
        REQUIRE(count < set->count);
        return;
    }
    REQUIRE(count == set->count && judge.p == judge.end);
}

static void enter(struct kafka_message_set *set, const struct alloc *alloc)
{
    struct kafka_decompressor *decompressor = kafka_decompressor_new(alloc);
    struct kafka_refusal refusal = {0};
    struct buf plain;

    buf_init(&plain, alloc, PLAIN_BYTES);
    if (decompressor != NULL &&
        kafka_decompress_message(decompressor, set->codec, set->magic, set->messages, &plain,
                                 PLAIN_BYTES) == STATUS_OK) {
        REQUIRE(buf_len(&plain) <= PLAIN_BYTES);
        if (kafka_message_set_enter(set, buf_unread(&plain), &refusal)) {
            REQUIRE(set->count > 0);
            read_set(set);
        } else {
            require_refusal(&refusal, -1);
        }
    }
    buf_deinit(&plain);
    kafka_decompressor_free(decompressor);
}

static void open_set(struct slice bytes, size_t max_bytes, const struct alloc *alloc)
{
    struct kafka_message_set set;
    struct kafka_refusal refusal = {0};

    if (!kafka_is_message_set(bytes))
        return;
    if (!kafka_message_set_open(bytes, max_bytes, &set, &refusal)) {
        require_refusal(&refusal, -1);
        return;
    }
    REQUIRE(set.wire_bytes == bytes.len && set.magic <= 1 && set.codec <= KAFKA_CODEC_LZ4);
    if (set.codec != KAFKA_CODEC_NONE) {
        REQUIRE(set.count == 0 && bytes.len <= max_bytes && set.messages.data != NULL);
        enter(&set, alloc);
        return;
    }
    REQUIRE(set.count > 0 &&
            (size_t)set.count <= bytes.len / (FRAME_BYTES + MIN_MESSAGE_BYTES));
    read_set(&set);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    repair_messages(bytes, len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    uint8_t inner = tape_byte(&input.tape);
    uint8_t shift = tape_byte(&input.tape) % 16;

    if (inner == 0) {
        struct fuzz_alloc memory;
        fuzz_alloc_init_tape(&memory, &input.tape);
        open_set(input.bytes, (size_t)1048576 >> shift, &memory.alloc);
        fuzz_alloc_end(&memory);
    } else { /* the bytes are what a wrapper held: past its checksum and its codec */
        struct kafka_message_set set = {.magic = inner & 1,
                                        .codec = KAFKA_CODEC_GZIP,
                                        .wrapper_offset = inner & 2 ? 1000 : 0};
        struct kafka_refusal refusal = {0};
        if (kafka_message_set_enter(&set, input.bytes, &refusal))
            read_set(&set);
        else
            require_refusal(&refusal, -1);
    }
    fuzz_input_free(&input);
    return 0;
}
