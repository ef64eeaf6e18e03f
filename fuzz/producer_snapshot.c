/*
 * The snapshot of a partition's producers, as it comes back from the database; then, on the table
 * that it made, what the tape has: batches that are stored, refused or taken back, a leader that
 * loads afresh, time that passes. (Full tables are for the unit test: they take too long here.)
 */
#include "core/engine/producer_state.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "proto/endian.h"

enum { STEPS = 64, CODE = 7, OUT_BYTES = 1 << 22 };
enum { HEAD_BYTES = 5, PRODUCER_BYTES = 19, BATCH_BYTES = 16 }; /* of a snapshot */

static const int64_t TIME_MAX = INT64_MAX / 2;

static const struct producer *find(const struct producer_table *table, int64_t producer_id)
{
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].producer_id == producer_id)
            return &table->slots[i];
    return NULL;
}

/* All that a snapshot keeps: what is known of refusals alone is not in it. */
static void check_same(const struct producer_table *a, const struct producer_table *b)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->capacity; i++) {
        const struct producer *p = &a->slots[i];
        if (p->producer_id == -1 || p->count == 0)
            continue;
        const struct producer *q = find(b, p->producer_id);
        REQUIRE(q != NULL && q->epoch == p->epoch && q->count == p->count);
        REQUIRE(q->last_write_ms == p->last_write_ms);
        REQUIRE(memcmp(q->window, p->window, p->count * sizeof(p->window[0])) == 0);
        kept++;
    }
    REQUIRE(kept == b->count);
}

static void check_round_trip(const struct producer_table *table)
{
    struct producer_table again;
    struct buf out;

    producer_table_init(&again, &alloc_heap);
    buf_init(&out, &alloc_heap, OUT_BYTES);
    REQUIRE(producer_snapshot_write(table, &out) == STATUS_OK);
    REQUIRE(buf_len(&out) <= producer_snapshot_bytes(table));
    REQUIRE(producer_snapshot_read(&again, buf_unread(&out)) == STATUS_OK);
    check_same(table, &again);
    buf_deinit(&out);
    producer_table_deinit(&again);
}

/* One that is known, so that what was stored is looked at, or any. */
static int64_t some_producer(const struct producer_table *table, struct tape *tape)
{
    uint32_t choice = tape_byte(tape);

    if (table->capacity > 0 && (choice & 1) != 0) {
        const struct producer *p = &table->slots[choice % table->capacity];
        if (p->producer_id != -1)
            return p->producer_id;
    }
    return choice % 4;
}

static void one_batch(struct producer_table *table, struct tape *tape, int64_t now_ms)
{
    static const int32_t sequences[] = {0, 1, 5, INT32_MAX};
    struct producer_claim claim = {.producer_id = some_producer(table, tape),
                                   .epoch = (int16_t)tape_below(tape, 3),
                                   .first_sequence = sequences[tape_below(tape, 4)],
                                   .record_count = 1 + (int32_t)tape_below(tape, 3)};
    const struct producer *known = find(table, claim.producer_id);
    int64_t offset = -1;
    int16_t code = 0;

    if (known != NULL && tape_odd(tape)) {
        claim.epoch = known->epoch;
        if (known->count > 0)
            claim.first_sequence =
                producer_last_sequence(known->window[known->count - 1].last_sequence, 2);
    }
    if (claim.first_sequence < 0)
        return;
    enum producer_verdict verdict = producer_check(table, &claim, &offset, &code);
    REQUIRE(verdict != PRODUCER_BLOCKED || code == CODE);
    if (verdict == PRODUCER_ACCEPT && tape_odd(tape)) {
        producer_block(table, &claim, CODE, now_ms);
    } else if (verdict == PRODUCER_ACCEPT && producer_admit(table, &claim, now_ms, now_ms) == 0) {
        REQUIRE(producer_check(table, &claim, &offset, &code) == PRODUCER_DUPLICATE);
        REQUIRE(offset == now_ms);
    }
    (void)producer_waited_ms(table, claim.producer_id, now_ms);
}

/* Are all its batches of before this offset? Only then do we know what a retraction leaves. */
static bool is_all_before(const struct producer *producer, int64_t offset)
{
    for (size_t i = 0; producer != NULL && i < producer->count; i++)
        if (producer->window[i].first_offset < 0 || producer->window[i].first_offset >= offset)
            return false;
    return true;
}

/* Stored, and then not stored after all: it may come again. */
static void taken_back(struct producer_table *table, struct tape *tape, int64_t now_ms)
{
    struct producer_claim claim = {.producer_id = some_producer(table, tape),
                                   .epoch = (int16_t)tape_below(tape, 3),
                                   .record_count = 1 + (int32_t)tape_below(tape, 3)};
    const struct producer *known = find(table, claim.producer_id);
    int64_t offset;
    int16_t code;

    if (known != NULL && known->count > 0 && tape_odd(tape)) {
        claim.epoch = known->epoch;
        claim.first_sequence =
            producer_last_sequence(known->window[known->count - 1].last_sequence, 2);
    }
    bool sure = is_all_before(known, now_ms);
    if (claim.first_sequence < 0 ||
        producer_check(table, &claim, &offset, &code) != PRODUCER_ACCEPT ||
        producer_admit(table, &claim, now_ms, now_ms) < 0)
        return;
    producer_retract(table, &claim, now_ms);
    REQUIRE(!sure || producer_check(table, &claim, &offset, &code) == PRODUCER_ACCEPT);
}

/* The partition's state is thrown away and loaded again: who was refused is known afterwards. */
static void load_again(struct producer_table *table, struct tape *tape, int64_t now_ms,
                       const struct fuzz_alloc *memory)
{
    struct producer_table refused;
    int64_t stable = 990 + (int64_t)tape_below(tape, 100);

    producer_table_init(&refused, table->alloc);
    producer_table_doubt(table, stable, CODE, now_ms, &refused);
    for (size_t i = 0; i < table->capacity; i++) {
        const struct producer *p = &table->slots[i];
        bool doubtful = p->blocked_code != 0;
        for (size_t b = 0; b < p->count; b++)
            doubtful = doubtful || p->window[b].first_offset >= stable;
        if (p->producer_id == -1 || (doubtful && memory->failures > 0))
            continue;
        const struct producer *q = find(&refused, p->producer_id);
        REQUIRE(doubtful == (q != NULL));
        REQUIRE(q == NULL || (q->blocked_code != 0 && q->epoch == p->epoch && q->count == 0));
    }
    if (tape_odd(tape))
        producer_table_clear(table);
    producer_table_block_all(table, &refused, now_ms);
    for (size_t i = 0; memory->failures == 0 && i < refused.capacity; i++) {
        const struct producer *p = &refused.slots[i];
        const struct producer *q = p->producer_id == -1 ? NULL : find(table, p->producer_id);
        REQUIRE(p->producer_id == -1 || (q != NULL && q->blocked_code != 0));
    }
    producer_table_deinit(&refused);
}

static void time_passes(struct producer_table *table, struct tape *tape, int64_t now_ms,
                        const struct fuzz_alloc *memory)
{
    now_ms += (int64_t)tape_below(tape, 4) * PRODUCER_EXPIRY_MS / 2;
    producer_table_expire(table, now_ms);
    for (size_t i = 0; memory->failures == 0 && i < table->capacity; i++)
        REQUIRE(table->slots[i].producer_id == -1 ||
                table->slots[i].last_write_ms >= now_ms - PRODUCER_EXPIRY_MS);
}

static void one_step(struct producer_table *table, struct tape *tape, int64_t now_ms,
                     const struct fuzz_alloc *memory)
{
    switch (tape_below(tape, 8)) {
    case 0:
        load_again(table, tape, now_ms, memory);
        return;
    case 1:
        time_passes(table, tape, now_ms, memory);
        return;
    case 2:
    case 3:
        taken_back(table, tape, now_ms);
        return;
    default:
        one_batch(table, tape, now_ms);
    }
}

/* Known and open: a stored time near the ends of int64 overflows in producer_waited_ms() and when
 * room is made in a full table. */
static bool times_are_sound(const struct producer_table *table)
{
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].producer_id != -1 &&
            (table->slots[i].last_write_ms < -TIME_MAX || table->slots[i].last_write_ms > TIME_MAX))
            return false;
    return true;
}

static void run(struct producer_table *table, struct slice snapshot, struct tape *tape,
                const struct fuzz_alloc *memory)
{
    int rc = producer_snapshot_read(table, snapshot);

    REQUIRE(memory->peak_bytes <= 4096 + 64 * snapshot.len);
    REQUIRE(rc == STATUS_OK || rc == STATUS_MALFORMED || memory->failures > 0);
    if (rc < 0)
        producer_table_clear(table);
    else
        check_round_trip(table);
    for (int i = 0; i < STEPS && tape->bytes.len > 0 && times_are_sound(table); i++)
        one_step(table, tape, 1000 + i, memory);
    check_round_trip(table);
}

/* The version, and a count that the bytes may have. */
size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    uint32_t count = 0;
    size_t at = HEAD_BYTES;

    if (len < HEAD_BYTES)
        return len;
    bytes[0] = 1;
    for (; len - at >= PRODUCER_BYTES; count++) {
        size_t window = 1 + (size_t)bytes[at + 18] % PRODUCER_WINDOW;
        if (len - at < PRODUCER_BYTES + BATCH_BYTES * window)
            break;
        bytes[at] &= 0x7f;
        bytes[at + 18] = (uint8_t)window;
        at += PRODUCER_BYTES + BATCH_BYTES * window;
    }
    be32_store(bytes + 1, count);
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct fuzz_alloc memory;
    struct producer_table table;

    fuzz_alloc_init_tape(&memory, &input.tape);
    producer_table_init(&table, &memory.alloc);
    run(&table, input.bytes, &input.tape, &memory);
    producer_table_deinit(&table);
    fuzz_alloc_end(&memory);
    fuzz_input_free(&input);
    return 0;
}
