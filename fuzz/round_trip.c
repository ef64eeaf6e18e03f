#include "fuzz/round_trip.h"

#include <stdalign.h>

enum {
    CHUNK_BYTES = 1024,
    LIMIT_BYTES = 1 << 20, /* of an arena */
    OUT_BYTES = 16 << 20,
    /* What decoding may take: a constant, and this much for each byte that came. */
    MEMORY_PER_BYTE = 64,
    MEMORY_CONSTANT = 4096,
};

/* One pass: in -> message -> encoding and text. */
struct pass {
    struct arena arena;
    struct buf encoding;
    struct buf text;
    alignas(16) uint8_t message[ROUND_TRIP_BYTES];
};

static void pass_init(struct pass *pass, const struct alloc *alloc)
{
    memset(pass, 0, sizeof(*pass));
    arena_init(&pass->arena, alloc, CHUNK_BYTES, LIMIT_BYTES);
    buf_init(&pass->encoding, alloc, OUT_BYTES);
    buf_init(&pass->text, alloc, OUT_BYTES);
}

static void pass_deinit(struct pass *pass)
{
    arena_deinit(&pass->arena);
    buf_deinit(&pass->encoding);
    buf_deinit(&pass->text);
}

static int pass_write(const struct round_trip *trip, struct pass *pass)
{
    int rc = trip->encode(trip, pass->message, &pass->encoding);

    return rc < 0 ? rc : trip->print(trip, pass->message, &pass->text);
}

static struct slice encoded(const struct round_trip *trip, const struct pass *pass)
{
    struct slice all = buf_unread(&pass->encoding);

    REQUIRE(all.len >= trip->lead_bytes);
    return slice_make(all.data + trip->lead_bytes, all.len - trip->lead_bytes);
}

/* A beginning of a sound encoding, in a block of its own. */
static void cut(const struct round_trip *trip, struct slice whole, const struct alloc *alloc,
                struct tape *tape)
{
    if (!trip->cuts_refused || whole.len == 0)
        return;
    size_t len = tape_below(tape, (uint32_t)whole.len < 65536 ? (uint32_t)whole.len : 65536);
    uint8_t *bytes = malloc(len);
    struct pass pass;

    pass_init(&pass, alloc);
    if (len > 0)
        memcpy(bytes, whole.data, len);
    REQUIRE(trip->decode(trip, slice_make(bytes, len), &pass.arena, pass.message) ==
            STATUS_TRUNCATED);
    pass_deinit(&pass);
    free(bytes);
}

static int run(const struct round_trip *trip, struct slice in, struct tape *tape,
               struct fuzz_alloc *memory, struct pass *first, struct pass *second)
{
    int decoded = trip->decode(trip, in, &first->arena, first->message);

    REQUIRE(memory->peak_bytes <= MEMORY_CONSTANT + MEMORY_PER_BYTE * in.len);
    REQUIRE(decoded != STATUS_NOMEM || memory->failures > 0);
    REQUIRE(strcmp(status_name(decoded), "UNKNOWN") != 0 && status_text(decoded)[0] != '\0');
    if (decoded < 0)
        return decoded;
    int rc = pass_write(trip, first);
    REQUIRE(rc == STATUS_OK || memory->failures > 0);
    if (rc < 0)
        return decoded;
    struct slice again = encoded(trip, first);
    rc = trip->decode(trip, again, &second->arena, second->message);
    if (rc == STATUS_OK)
        rc = pass_write(trip, second);
    REQUIRE(rc == STATUS_OK || memory->failures > 0);
    if (rc < 0)
        return decoded;
    REQUIRE(slice_equal(again, encoded(trip, second)));
    REQUIRE(slice_equal(buf_unread(&first->text), buf_unread(&second->text)));
    if (memory->fail_at == 0)
        cut(trip, again, &memory->alloc, tape);
    return decoded;
}

int round_trip_run(const struct round_trip *trip, struct slice in, struct tape *tape)
{
    struct fuzz_alloc memory;
    struct pass first, second;

    fuzz_alloc_init_tape(&memory, tape);
    pass_init(&first, &memory.alloc);
    pass_init(&second, &memory.alloc);
    int rc = run(trip, in, tape, &memory, &first, &second);
    pass_deinit(&first);
    pass_deinit(&second);
    fuzz_alloc_end(&memory);
    return rc;
}
