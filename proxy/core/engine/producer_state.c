#include "core/engine/producer_state.h"

#include "proto/endian.h"

#include <assert.h>

enum {
    SNAPSHOT_VERSION = 1,
    SNAPSHOT_HEAD_BYTES = 5,      /* version u8, count u32 */
    SNAPSHOT_PRODUCER_BYTES = 19, /* id i64, epoch i16, last write i64, window count u8 */
    SNAPSHOT_BATCH_BYTES = 16,    /* first i32, last i32, offset i64 */
    TABLE_MIN_CAPACITY = 8,
    SWEEP_AGAIN_MS = 5000, /* a sweep costs a copy of the table */
};

void producer_table_init(struct producer_table *table, const struct alloc *alloc)
{
    *table = (struct producer_table){.alloc = alloc};
}

void producer_table_deinit(struct producer_table *table)
{
    alloc_free(table->alloc, table->slots, table->capacity * sizeof(*table->slots));
    producer_table_init(table, table->alloc);
}

void producer_table_clear(struct producer_table *table)
{
    for (size_t i = 0; i < table->capacity; i++)
        table->slots[i].producer_id = -1;
    table->count = 0;
    table->swept_ms = 0;
}

int32_t producer_last_sequence(int32_t first_sequence, int32_t record_count)
{
    return (int32_t)(((uint32_t)first_sequence + (uint32_t)record_count - 1) & 0x7FFFFFFFu);
}

static int32_t next_sequence(int32_t sequence)
{
    return sequence == INT32_MAX ? 0 : sequence + 1;
}

static size_t slot_of(const struct producer_table *table, int64_t producer_id)
{
    /* Fibonacci hashing: ids come in blocks, one after the other. */
    return (size_t)(((uint64_t)producer_id * 0x9E3779B97F4A7C15u) >> 32) & (table->capacity - 1);
}

static struct producer *find(const struct producer_table *table, int64_t producer_id)
{
    if (table->capacity == 0)
        return NULL;
    for (size_t i = slot_of(table, producer_id);; i = (i + 1) & (table->capacity - 1)) {
        if (table->slots[i].producer_id == producer_id)
            return &table->slots[i];
        if (table->slots[i].producer_id == -1)
            return NULL;
    }
}

static struct producer *place(struct producer_table *table, int64_t producer_id)
{
    size_t i = slot_of(table, producer_id);

    while (table->slots[i].producer_id != -1)
        i = (i + 1) & (table->capacity - 1);
    table->count++;
    return &table->slots[i];
}

/* Whom a sweep leaves: by the time of the last write, or of the first refusal. */
struct keep {
    int64_t written_after_ms, refused_after_ms;
};

static bool is_kept(const struct producer *producer, const struct keep *keep)
{
    return producer->last_write_ms >=
           (producer->count > 0 ? keep->written_after_ms : keep->refused_after_ms);
}

/* Moves everything that `keep` allows into a table of `capacity` places. */
static int rebuild(struct producer_table *table, size_t capacity, const struct keep *keep)
{
    struct producer_table fresh = {
        .alloc = table->alloc, .capacity = capacity, .swept_ms = table->swept_ms};

    fresh.slots = alloc_array(table->alloc, capacity, sizeof(*fresh.slots));
    if (fresh.slots == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < capacity; i++)
        fresh.slots[i].producer_id = -1;
    for (size_t i = 0; i < table->capacity; i++) {
        const struct producer *old = &table->slots[i];
        if (old->producer_id != -1 && is_kept(old, keep))
            *place(&fresh, old->producer_id) = *old;
    }
    alloc_free(table->alloc, table->slots, table->capacity * sizeof(*table->slots));
    *table = fresh;
    return STATUS_OK;
}

static int64_t oldest_write_ms(const struct producer_table *table)
{
    int64_t oldest = INT64_MAX;

    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].producer_id != -1 && table->slots[i].last_write_ms < oldest)
            oldest = table->slots[i].last_write_ms;
    return oldest;
}

/* Makes places, if there are too few and somebody may go. NOMEM. */
static int sweep(struct producer_table *table, int64_t now_ms)
{
    struct keep keep = {oldest_write_ms(table) + 2 * PRODUCER_PROTECTED_MS,
                        now_ms - PRODUCER_REFUSED_MS};

    /* Half an hour of slack in one sweep, so that a flood of ids does not sweep at every batch. */
    if (keep.written_after_ms > now_ms - PRODUCER_PROTECTED_MS)
        keep.written_after_ms = now_ms - PRODUCER_PROTECTED_MS;
    int rc = rebuild(table, table->capacity, &keep);
    if (rc == STATUS_OK)
        table->swept_ms = table->count >= PRODUCERS_MAX ? now_ms : 0;
    return rc;
}

static bool may_sweep(const struct producer_table *table, int64_t now_ms)
{
    return table->count >= PRODUCERS_MAX &&
           (now_ms < table->swept_ms || now_ms - table->swept_ms >= SWEEP_AGAIN_MS);
}

static int grow(struct producer_table *table)
{
    static const struct keep all = {INT64_MIN, INT64_MIN};

    if ((table->count + 1) * 4 <= table->capacity * 3)
        return STATUS_OK;
    return rebuild(table, table->capacity == 0 ? TABLE_MIN_CAPACITY : table->capacity * 2, &all);
}

static int make_room(struct producer_table *table, int64_t now_ms)
{
    int rc = may_sweep(table, now_ms) ? sweep(table, now_ms) : STATUS_OK;

    return rc < 0 ? rc : grow(table);
}

bool producer_has_place(struct producer_table *table, int64_t producer_id, int64_t now_ms)
{
    if (table->count < PRODUCERS_HARD_MAX || find(table, producer_id) != NULL)
        return true;
    return may_sweep(table, now_ms) && sweep(table, now_ms) == STATUS_OK &&
           table->count < PRODUCERS_HARD_MAX;
}

void producer_table_expire(struct producer_table *table, int64_t now_ms)
{
    const struct keep keep = {now_ms - PRODUCER_EXPIRY_MS, now_ms - PRODUCER_EXPIRY_MS};

    if (table->count > 0 && oldest_write_ms(table) < keep.written_after_ms &&
        rebuild(table, table->capacity, &keep) < 0)
        return; /* out of memory: another time */
}

/* Is sequence `a` before `b` on the circle of 2^31? */
static bool is_before(int32_t a, int32_t b)
{
    uint32_t distance = ((uint32_t)b - (uint32_t)a) & 0x7FFFFFFFu;

    return distance != 0 && distance < 0x40000000u;
}

static enum producer_verdict check_order(const struct producer *producer,
                                         const struct producer_claim *claim, int64_t *first_offset,
                                         int16_t *code)
{
    int32_t last = producer_last_sequence(claim->first_sequence, claim->record_count);

    for (size_t i = producer->count; i-- > 0;) {
        const struct producer_batch *batch = &producer->window[i];
        if (batch->first_sequence == claim->first_sequence && batch->last_sequence == last &&
            batch->first_offset >= 0) {
            *first_offset = batch->first_offset;
            return PRODUCER_DUPLICATE;
        }
    }
    int32_t newest = producer->window[producer->count - 1].last_sequence;
    if (claim->first_sequence == next_sequence(newest))
        return PRODUCER_ACCEPT;
    const struct producer_batch *oldest = &producer->window[0];
    if (is_before(last, oldest->first_sequence) ||
        (oldest->first_offset < 0 && last == oldest->last_sequence))
        return PRODUCER_OLD;
    if (producer->blocked_code != 0 &&
        !is_before(claim->first_sequence, producer->blocked_sequence)) {
        *code = producer->blocked_code;
        return PRODUCER_BLOCKED;
    }
    return PRODUCER_GAP;
}

enum producer_verdict producer_check(const struct producer_table *table,
                                     const struct producer_claim *claim, int64_t *first_offset,
                                     int16_t *code)
{
    const struct producer *producer = find(table, claim->producer_id);

    if (producer == NULL)
        return claim->first_sequence == 0 ? PRODUCER_ACCEPT : PRODUCER_FIRST;
    if (claim->epoch < producer->epoch)
        return PRODUCER_FENCED;
    if (producer->count == 0 || claim->epoch != producer->epoch) {
        /* Nothing is stored of this epoch: its first batch starts it, also when a later one came
         * before. */
        if (claim->first_sequence == 0)
            return PRODUCER_ACCEPT;
        if (producer->blocked_code != 0 && producer->epoch == claim->epoch &&
            is_before(producer->blocked_sequence, claim->first_sequence)) {
            *code = producer->blocked_code;
            return PRODUCER_BLOCKED;
        }
        return producer->count == 0 ? PRODUCER_FIRST : PRODUCER_GAP;
    }
    return check_order(producer, claim, first_offset, code);
}

static struct producer *find_or_make(struct producer_table *table,
                                     const struct producer_claim *claim, int64_t now_ms)
{
    struct producer *producer = find(table, claim->producer_id);

    if (producer != NULL)
        return producer;
    if (make_room(table, now_ms) < 0)
        return NULL;
    producer = place(table, claim->producer_id);
    *producer = (struct producer){
        .producer_id = claim->producer_id, .epoch = claim->epoch, .last_write_ms = now_ms};
    return producer;
}

/* Everything up to `last` is back. */
static void unblock(struct producer *producer, int32_t last)
{
    if (producer->blocked_code == 0 || is_before(last, producer->blocked_sequence))
        return;
    if (is_before(last, producer->blocked_last))
        producer->blocked_sequence = next_sequence(last);
    else
        producer->blocked_code = 0;
}

int producer_admit(struct producer_table *table, const struct producer_claim *claim,
                   int64_t first_offset, int64_t now_ms)
{
    struct producer *producer = find_or_make(table, claim, now_ms);

    if (producer == NULL)
        return STATUS_NOMEM;
    int32_t last = producer_last_sequence(claim->first_sequence, claim->record_count);
    if (producer->epoch != claim->epoch) {
        producer->count = 0;
        producer->blocked_code = 0;
    }
    unblock(producer, last);
    if (producer->count == PRODUCER_WINDOW) {
        memmove(&producer->window[0], &producer->window[1],
                (PRODUCER_WINDOW - 1) * sizeof(producer->window[0]));
        producer->count--;
    }
    producer->window[producer->count++] =
        (struct producer_batch){claim->first_sequence, last, first_offset};
    producer->epoch = claim->epoch;
    producer->last_write_ms = now_ms;
    return STATUS_OK;
}

void producer_retract(struct producer_table *table, const struct producer_claim *claim,
                      int64_t offset)
{
    struct producer *producer = find(table, claim->producer_id);

    if (producer == NULL)
        return;
    while (producer->count > 0 && (producer->window[producer->count - 1].first_offset >= offset ||
                                   producer->window[producer->count - 1].first_offset < 0))
        producer->count--;
    if (producer->epoch != claim->epoch) {
        producer->epoch = claim->epoch;
        producer->count = 0;
    }
    if (producer->count > 0 || claim->first_sequence == 0)
        return;
    /* What came before has left the window; where it ended is known from this batch. */
    int32_t end = claim->first_sequence - 1;
    producer->window[producer->count++] = (struct producer_batch){end, end, -1};
}

void producer_block(struct producer_table *table, const struct producer_claim *claim, int16_t code,
                    int64_t now_ms)
{
    struct producer *producer = producer_has_place(table, claim->producer_id, now_ms)
                                    ? find_or_make(table, claim, now_ms)
                                    : NULL;

    if (producer == NULL || claim->epoch < producer->epoch)
        return;
    if (producer->epoch != claim->epoch) {
        producer->epoch = claim->epoch;
        producer->count = 0;
        producer->blocked_code = 0;
    }
    int32_t last = producer_last_sequence(claim->first_sequence, claim->record_count);
    if (producer->blocked_code == 0 || is_before(producer->blocked_last, last))
        producer->blocked_last = last;
    if (producer->blocked_code != 0 &&
        !is_before(claim->first_sequence, producer->blocked_sequence))
        return; /* the first refusal is the one that the producer has to come back with */
    producer->blocked_code = code;
    producer->blocked_sequence = claim->first_sequence;
}

/* One claim on all that was refused. */
static struct producer_claim refused_claim(const struct producer *producer, int32_t first,
                                           int32_t last)
{
    uint32_t count = (((uint32_t)last - (uint32_t)first) & 0x7FFFFFFFu) + 1;

    return (struct producer_claim){producer->producer_id, producer->epoch, first, (int32_t)count};
}

void producer_table_doubt(const struct producer_table *table, int64_t stable, int16_t code,
                          int64_t now_ms, struct producer_table *refused)
{
    for (size_t i = 0; i < table->capacity; i++) {
        const struct producer *producer = &table->slots[i];
        struct producer_claim claim =
            refused_claim(producer, producer->blocked_sequence, producer->blocked_last);
        if (producer->producer_id == -1)
            continue;
        if (producer->blocked_code != 0)
            producer_block(refused, &claim, producer->blocked_code, now_ms);
        for (size_t b = 0; b < producer->count; b++) {
            const struct producer_batch *batch = &producer->window[b];
            claim = refused_claim(producer, batch->first_sequence, batch->last_sequence);
            if (batch->first_offset >= stable)
                producer_block(refused, &claim, code, now_ms);
        }
    }
}

void producer_table_block_all(struct producer_table *table, const struct producer_table *refused,
                              int64_t now_ms)
{
    for (size_t i = 0; i < refused->capacity; i++) {
        const struct producer *one = &refused->slots[i];
        int32_t first = one->blocked_sequence, last = one->blocked_last;
        if (one->producer_id == -1 || one->blocked_code == 0)
            continue;
        /* What was refused may have been written all the same: the one to come back with is the
         * next after that. */
        const struct producer *known = find(table, one->producer_id);
        if (known != NULL && known->epoch == one->epoch && known->count > 0)
            first = next_sequence(known->window[known->count - 1].last_sequence);
        const struct producer_claim claim =
            refused_claim(one, first, is_before(last, first) ? first : last);
        producer_block(table, &claim, one->blocked_code, now_ms);
    }
}

int64_t producer_waited_ms(const struct producer_table *table, int64_t producer_id, int64_t now_ms)
{
    const struct producer *producer = find(table, producer_id);

    return producer == NULL || producer->count > 0 ? -1 : now_ms - producer->last_write_ms;
}

size_t producer_snapshot_bytes(const struct producer_table *table)
{
    return SNAPSHOT_HEAD_BYTES +
           table->count * (SNAPSHOT_PRODUCER_BYTES + PRODUCER_WINDOW * SNAPSHOT_BATCH_BYTES);
}

static uint8_t *write_producer(uint8_t *p, const struct producer *producer)
{
    be64_store(p, (uint64_t)producer->producer_id);
    be16_store(p + 8, (uint16_t)producer->epoch);
    be64_store(p + 10, (uint64_t)producer->last_write_ms);
    p[18] = producer->count;
    p += SNAPSHOT_PRODUCER_BYTES;
    for (size_t i = 0; i < producer->count; i++, p += SNAPSHOT_BATCH_BYTES) {
        be32_store(p, (uint32_t)producer->window[i].first_sequence);
        be32_store(p + 4, (uint32_t)producer->window[i].last_sequence);
        be64_store(p + 8, (uint64_t)producer->window[i].first_offset);
    }
    return p;
}

int producer_snapshot_write(const struct producer_table *table, struct buf *out)
{
    int rc = buf_reserve(out, producer_snapshot_bytes(table));
    uint32_t written = 0;

    if (rc < 0)
        return rc;
    uint8_t *start = buf_tail(out), *p = start + SNAPSHOT_HEAD_BYTES;
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].producer_id == -1 || table->slots[i].count == 0)
            continue; /* only refusals are known of it: nothing to find again */
        p = write_producer(p, &table->slots[i]);
        written++;
    }
    start[0] = SNAPSHOT_VERSION;
    be32_store(start + 1, written);
    buf_wrote(out, (size_t)(p - start));
    return STATUS_OK;
}

static int read_producer(struct producer_table *table, struct slice *in)
{
    struct producer producer = {0};

    if (in->len < SNAPSHOT_PRODUCER_BYTES)
        return STATUS_MALFORMED;
    const uint8_t *p = in->data;
    producer.producer_id = (int64_t)be64_load(p);
    producer.epoch = (int16_t)be16_load(p + 8);
    producer.last_write_ms = (int64_t)be64_load(p + 10);
    producer.count = p[18];
    size_t bytes = SNAPSHOT_PRODUCER_BYTES + (size_t)producer.count * SNAPSHOT_BATCH_BYTES;
    if (producer.producer_id < 0 || producer.count == 0 || producer.count > PRODUCER_WINDOW ||
        in->len < bytes || find(table, producer.producer_id) != NULL)
        return STATUS_MALFORMED;
    p += SNAPSHOT_PRODUCER_BYTES;
    for (size_t i = 0; i < producer.count; i++, p += SNAPSHOT_BATCH_BYTES)
        producer.window[i] = (struct producer_batch){
            (int32_t)be32_load(p), (int32_t)be32_load(p + 4), (int64_t)be64_load(p + 8)};
    int rc = grow(table);
    if (rc < 0)
        return rc;
    *place(table, producer.producer_id) = producer;
    in->data += bytes;
    in->len -= bytes;
    return STATUS_OK;
}

int producer_snapshot_read(struct producer_table *table, struct slice snapshot)
{
    producer_table_clear(table);
    if (snapshot.len < SNAPSHOT_HEAD_BYTES || snapshot.data[0] != SNAPSHOT_VERSION)
        return STATUS_MALFORMED;
    uint32_t count = be32_load(snapshot.data + 1);
    struct slice rest = {snapshot.data + SNAPSHOT_HEAD_BYTES, snapshot.len - SNAPSHOT_HEAD_BYTES};
    for (uint32_t i = 0; i < count; i++) {
        int rc = read_producer(table, &rest);
        if (rc < 0)
            return rc;
    }
    return rest.len == 0 ? STATUS_OK : STATUS_MALFORMED;
}
