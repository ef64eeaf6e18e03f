/*
 * A topic's settings: the map<text, text> of its row, and changes that an admin client asks for.
 *
 *      | length of the map, 2 bytes | map | changes, in the form of a map |
 *
 * A reader that follows the definition says what the changed map must be; a value that is accepted
 * is in force once it is there.
 */
#include "core/control/topic_settings.h"

#include "core/text_map.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "proto/endian.h"

#include <inttypes.h>

enum { PAIRS_MAX = 64, COPIES = 3, LIMIT = TOPIC_CONFIGURATION_BYTES };

struct pair {
    struct slice key, value;
};

struct map {
    struct pair pairs[PAIRS_MAX];
    size_t count;
};

/* As the format says: a count, and each text with its length; what is cut short ends there. */
static void read_map(struct map *map, struct slice bytes)
{
    size_t at = 4;
    uint32_t left = bytes.len < 4 ? 0 : be32_load(bytes.data);

    map->count = 0;
    for (; left > 0 && map->count < PAIRS_MAX; left--) {
        struct slice texts[2];
        for (int i = 0; i < 2; i++) {
            if (bytes.len < at + 4 || be32_load(bytes.data + at) > bytes.len - at - 4)
                return;
            texts[i] = slice_make(bytes.data + at + 4, be32_load(bytes.data + at));
            at += 4 + texts[i].len;
        }
        map->pairs[map->count++] = (struct pair){texts[0], texts[1]};
    }
}

static bool is_changed(const struct topic_change *changes, size_t count, struct slice key)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(changes[i].name, key))
            return true;
    return false;
}

static void check_change(struct slice map, const struct topic_change *changes, size_t count,
                         bool replace, struct slice changed)
{
    static struct map before, after;
    size_t at = 0;

    read_map(&before, map);
    read_map(&after, changed);
    if (before.count + count > PAIRS_MAX)
        return;
    REQUIRE(changed.len >= 4 && be32_load(changed.data) == after.count);
    for (size_t i = 0; i < before.count; i++) {
        const struct pair *pair = &before.pairs[i];
        bool own = pair->key.len > 7 && memcmp(pair->key.data, "sluice.", 7) == 0;
        if (is_changed(changes, count, pair->key) || (replace && !own))
            continue;
        REQUIRE(at < after.count && slice_equal(after.pairs[at].key, pair->key));
        REQUIRE(slice_equal(after.pairs[at++].value, pair->value));
    }
    for (size_t i = 0; i < count; i++)
        if (changes[i].value.data != NULL) {
            REQUIRE(at < after.count && slice_equal(after.pairs[at].key, changes[i].name));
            REQUIRE(slice_equal(after.pairs[at++].value, changes[i].value));
        }
    REQUIRE(at == after.count);
}

/* What was accepted is what holds. */
static void check_accepted(struct slice name, struct slice value, struct slice map)
{
    struct topic_settings settings;
    char text[TOPIC_SETTING_TEXT_BYTES];

    topic_settings_read(map, &settings);
    snprintf(text, sizeof(text), "%.*s", (int)value.len, (const char *)value.data);
    int64_t number = strtoll(text, NULL, 10);
    if (slice_equal(name, SLICE_LITERAL("retention.ms"))) {
        REQUIRE(settings.retention_ms == number);
        REQUIRE((topic_ttl_s(number) == 0) == (number == -1));
    } else if (slice_equal(name, SLICE_LITERAL("max.message.bytes"))) {
        REQUIRE(settings.max_message_bytes == number && number > 0);
    } else if (slice_equal(name, SLICE_LITERAL("message.timestamp.before.max.ms"))) {
        REQUIRE(settings.timestamp_before_max_ms == number && number >= 0);
    } else if (slice_equal(name, SLICE_LITERAL("message.timestamp.type"))) {
        REQUIRE((settings.timestamp_type == TOPIC_CREATE_TIME) == (value.data[0] == 'C'));
        REQUIRE(settings.timestamp_type != TOPIC_TIMESTAMP_DEFAULT);
    }
}

static void check_one(const struct gateway_config *config, const struct topic_change *change,
                      const struct alloc *alloc)
{
    char why[TOPIC_SETTING_WHY_BYTES] = "";
    struct buf map;

    if (!topic_setting_check(config, COPIES, change->name, change->value, why)) {
        REQUIRE(why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL);
        return;
    }
    buf_init(&map, alloc, LIMIT);
    if (topic_configuration_change(SLICE_NULL, change, 1, false, &map) == STATUS_OK)
        check_accepted(change->name, change->value, buf_unread(&map));
    buf_deinit(&map);
}

/* What the table was given is written beside it, and that again changes nothing. */
static void check_mark(struct slice map, const struct alloc *alloc)
{
    struct topic_settings before, after;
    struct buf once, twice;

    buf_init(&once, alloc, SIZE_MAX);
    buf_init(&twice, alloc, SIZE_MAX);
    topic_settings_read(map, &before);
    if (topic_configuration_mark(map, true, &once) == STATUS_OK) {
        topic_settings_read(buf_unread(&once), &after);
        REQUIRE(after.retention_ms == before.retention_ms);
        REQUIRE(after.table_ttl_s == topic_ttl_s(before.retention_ms));
        REQUIRE(after.had_ttl == (before.had_ttl || after.table_ttl_s != 0));
        if (topic_configuration_mark(buf_unread(&once), true, &twice) == STATUS_OK)
            REQUIRE(buf_len(&once) == buf_len(&twice));
    }
    buf_deinit(&once);
    buf_deinit(&twice);
}

static void run(struct slice map, const struct topic_change *changes, size_t count, bool replace,
                const struct fuzz_alloc *memory)
{
    const struct alloc *alloc = &memory->alloc;
    struct gateway_config config;
    struct record_rules rules;
    struct topic_settings settings;
    struct buf changed;

    gateway_config_defaults(&config);
    topic_settings_read(map, &settings);
    topic_settings_rules(&settings, &config, &rules);
    REQUIRE(rules.timestamp_before_max_ms >= 0 && rules.timestamp_after_max_ms >= 0);
    buf_init(&changed, alloc, LIMIT);
    int rc = topic_configuration_change(map, changes, count, replace, &changed);
    REQUIRE(rc == STATUS_OK || rc == STATUS_LIMIT || (rc == STATUS_NOMEM && memory->failures > 0));
    REQUIRE(buf_len(&changed) <= LIMIT);
    if (rc == STATUS_OK)
        check_change(map, changes, count, replace, buf_unread(&changed));
    for (size_t i = 0; i < count; i++)
        check_one(&config, &changes[i], alloc);
    check_mark(map, alloc);
    buf_deinit(&changed);
}

/* Lengths that fit, and the count of the pairs that there are. */
static void repair_map(uint8_t *bytes, size_t len)
{
    uint32_t texts = 0;

    if (len < 4)
        return;
    for (size_t at = 4; len - at >= 4; texts++) {
        if (be32_load(bytes + at) > len - at - 4)
            be32_store(bytes + at, (uint32_t)(len - at - 4) % 64);
        at += 4 + be32_load(bytes + at);
    }
    be32_store(bytes, texts / 2);
}

static struct slice map_of(struct slice bytes)
{
    size_t len = bytes.len < 2 ? 0 : be16_load(bytes.data);

    if (bytes.len < 2)
        return SLICE_NULL;
    return slice_make(bytes.data + 2, len < bytes.len - 2 ? len : bytes.len - 2);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    struct slice map = map_of(slice_make(bytes, len));

    (void)room;
    (void)seed;
    if (len < 2)
        return len;
    be16_store(bytes, (uint16_t)map.len);
    repair_map(bytes + 2, map.len);
    repair_map(bytes + 2 + map.len, len - 2 - map.len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct slice map = map_of(input.bytes);
    size_t at = input.bytes.len < 2 ? input.bytes.len : 2 + map.len;
    struct topic_change changes[PAIRS_MAX];
    static struct map asked;
    struct fuzz_alloc memory;

    fuzz_alloc_init_tape(&memory, &input.tape);
    bool replace = tape_odd(&input.tape);
    read_map(&asked, slice_make(input.bytes.data + at, input.bytes.len - at));
    for (size_t i = 0; i < asked.count; i++)
        changes[i] = (struct topic_change){asked.pairs[i].key, tape_below(&input.tape, 4) == 3
                                                                   ? SLICE_NULL
                                                                   : asked.pairs[i].value};
    run(map, changes, asked.count, replace, &memory);
    fuzz_alloc_end(&memory);
    fuzz_input_free(&input);
    return 0;
}
