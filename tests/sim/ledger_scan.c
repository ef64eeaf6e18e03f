/* What the log tables say, held against what was told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/endian.h"
#include "tests/sim/ledger_internal.h"
#include "tests/sim/world.h"

#define KEYSPACE "sluice"
#define TABLE    "orders"

static int64_t number_of(struct slice value)
{
    if (value.len == 8)
        return (int64_t)be64_load(value.data);
    if (value.len == 4)
        return (int32_t)be32_load(value.data);
    return value.len == 2 ? (int16_t)be16_load(value.data) : -1;
}

static struct slice cell_of(const struct database_row *row, int column)
{
    return column < 0 || (size_t)column >= row->cell_count ? SLICE_NULL : row->cells[column].value;
}

static bool find_columns(struct ledger *ledger)
{
    const struct database *database = ledger->world->database;
    if (!database_has_table(database, KEYSPACE, TABLE))
        return false;
    ledger->columns = (struct log_columns){
        .value = database_column(database, KEYSPACE, TABLE, "value"),
        .record_count = database_column(database, KEYSPACE, TABLE, "record_count"),
        .producer_id = database_column(database, KEYSPACE, TABLE, "producer_id"),
        .producer_epoch = database_column(database, KEYSPACE, TABLE, "producer_epoch"),
        .base_sequence = database_column(database, KEYSPACE, TABLE, "base_sequence"),
    };
    return true;
}

/* --- one row --- */

struct wanted {
    const struct ledger *ledger;
    const struct claim *claim;
    bool found;
};

static void look_at_row(void *context, const struct database_row *row)
{
    struct wanted *wanted = context;
    char expected[LEDGER_VALUE_MAX];
    size_t len = ledger_value(wanted->ledger, wanted->claim->stream, wanted->claim->first_record,
                              expected, sizeof(expected));
    struct slice value = cell_of(row, wanted->ledger->columns.value);
    wanted->found = slice_equal(value, slice_make(expected, len)) &&
                    number_of(cell_of(row, wanted->ledger->columns.record_count)) ==
                        wanted->claim->count;
}

static bool is_in_segment(struct ledger *ledger, const struct claim *claim, int64_t offset,
                          int64_t segment, uint32_t copies)
{
    struct wanted wanted = {.ledger = ledger, .claim = claim};
    return segment >= 0 &&
           database_log_row(ledger->world->database, KEYSPACE, TABLE, claim->stream->partition,
                            segment, offset, copies, look_at_row, &wanted) &&
           wanted.found;
}

bool ledger_row_is_there(struct ledger *ledger, const struct claim *claim, int64_t offset,
                         uint32_t copies)
{
    struct partition_entry *partition = &ledger->partitions[claim->stream->partition];
    const int64_t here = partition->segment, near = here + 8;
    const int64_t far = here + 4000; /* batches with acks=0 may have filled many meanwhile */
    int64_t segment = here;

    if (!find_columns(ledger))
        return false;
    while (segment < near && !is_in_segment(ledger, claim, offset, segment, copies))
        segment++;
    if (segment == near)
        for (segment = here - 1;
             segment >= 0 && !is_in_segment(ledger, claim, offset, segment, copies);)
            segment--;
    if (segment < 0)
        for (segment = near;
             segment < far && !is_in_segment(ledger, claim, offset, segment, copies);)
            segment++;
    if (segment == far)
        return false;
    partition->segment = segment;
    return true;
}

/* --- all rows --- */

static void take_row(void *context, const struct database_row *row)
{
    struct ledger *ledger = context;
    struct world *world = ledger->world;
    struct slice value = cell_of(row, ledger->columns.value);
    char text[64], expected[LEDGER_VALUE_MAX];
    unsigned stream, record;
    struct log_row taken = {.partition = (int32_t)number_of(row->partition_key[0]),
                            .segment = number_of(row->partition_key[1]),
                            .offset = row->clustering};

    (void)snprintf(text, sizeof(text), "%.*s", value.len < 40 ? (int)value.len : 40,
                   value.data == NULL ? "" : (const char *)value.data);
    if (sscanf(text, "%u %u ", &stream, &record) != 2 || stream >= ledger->stream_count)
        world_violation(world, "I1", "partition %d segment %lld offset %lld: no record of ours: %s",
                        taken.partition, (long long)taken.segment, (long long)taken.offset, text);
    taken.stream = ledger->streams[stream];
    taken.record = record;
    size_t len =
        ledger_value(ledger, &taken.stream->stream, record, expected, sizeof(expected));
    if (!slice_equal(value, slice_make(expected, len)))
        world_violation(world, "I1", "stream %u record %u has other bytes than were sent", stream,
                        record);
    if (taken.stream->stream.partition != taken.partition)
        world_violation(world, "I1", "stream %u record %u is in partition %d", stream, record,
                        taken.partition);
    struct slice count = cell_of(row, ledger->columns.record_count);
    taken.record_count = count.data == NULL ? 0 : (int32_t)number_of(count);
    struct slice id = cell_of(row, ledger->columns.producer_id);
    taken.producer_id = id.data == NULL ? -1 : number_of(id);
    taken.epoch = (int16_t)number_of(cell_of(row, ledger->columns.producer_epoch));
    taken.sequence = (int32_t)number_of(cell_of(row, ledger->columns.base_sequence));
    ledger_grow(&ledger->rows, ledger->row_count, &ledger->row_capacity, sizeof(*ledger->rows));
    ledger->rows[ledger->row_count++] = taken;
}

static int compare_rows(const void *a, const void *b)
{
    const struct log_row *x = a, *y = b;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Offsets: contiguous in a segment, rising from one to the next. */
static void check_offsets(const struct ledger *ledger, size_t i)
{
    const struct log_row *row = &ledger->rows[i], *before = &ledger->rows[i - 1];

    if (row->partition != before->partition)
        return;
    if (row->segment == before->segment ? row->offset != before->offset + 1
                                        : row->offset <= before->offset)
        world_violation(ledger->world, row->offset <= before->offset ? "I3" : "I6",
                        "copies %u, partition %d: offset %lld of segment %lld comes after %lld of "
                        "segment %lld",
                        ledger->copies, row->partition, (long long)row->offset,
                        (long long)row->segment, (long long)before->offset,
                        (long long)before->segment);
}

/* The claim that the batch beginning with this row was sent under; for batches without producer
 * id any that was sent for these records. */
static struct claim *claim_of(const struct log_row *row)
{
    if (row->record >= row->stream->record_capacity)
        return NULL;
    for (struct claim *claim = row->stream->by_record[row->record]; claim != NULL;
         claim = claim->same)
        if (claim->count == row->record_count && claim->producer_id == row->producer_id &&
            (row->producer_id < 0 ||
             (claim->epoch == row->epoch && claim->sequence == row->sequence)))
            return claim;
    return NULL;
}

/* A whole batch begins at row i; how many rows it has. */
static size_t check_batch(struct ledger *ledger, size_t i)
{
    const struct log_row *row = &ledger->rows[i];
    struct claim *claim = row->record_count == 0 ? NULL : claim_of(row);

    if (claim == NULL)
        world_violation(ledger->world, "I2",
                        "copies %u, partition %d segment %lld offset %lld (stream %u record %u, "
                        "%d records, producer id %lld epoch %d sequence %d) begins no batch that "
                        "was sent",
                        ledger->copies, row->partition, (long long)row->segment,
                        (long long)row->offset, row->stream->stream.number, row->record,
                        row->record_count, (long long)row->producer_id, row->epoch, row->sequence);
    for (int32_t n = 1; n < claim->count; n++)
        if (i + (size_t)n >= ledger->row_count || row[n].stream != row->stream ||
            row[n].record != row->record + (uint32_t)n || row[n].segment != row->segment ||
            row[n].offset != row->offset + n || row[n].record_count != 0)
            world_violation(ledger->world, "I6",
                            "copies %u, partition %d segment %lld: record %d of the batch at "
                            "offset %lld is missing",
                            ledger->copies, row->partition, (long long)row->segment, n,
                            (long long)row->offset);
    claim->visible++;
    if (claim->acked && claim->producer_id >= 0 && claim->offset != row->offset) {
        char text[256];
        world_violation(ledger->world, "I2", "copies %u: at offset %lld, acknowledged at %lld: %s",
                        ledger->copies, (long long)row->offset, (long long)claim->offset,
                        claim_text(claim, text, sizeof(text)));
    }
    return (size_t)claim->count;
}

/* In a producer's epoch, sequences follow each other in offset order. */
static void check_order(const struct ledger *ledger, const struct stream_entry *entry)
{
    int64_t id = -1;
    int16_t epoch = -1;
    int32_t next = 0;

    for (size_t i = 0; i < ledger->row_count; i++) {
        const struct log_row *row = &ledger->rows[i];
        if (row->stream != entry || row->record_count == 0 || row->producer_id < 0)
            continue;
        bool is_new = row->producer_id != id || row->epoch != epoch;
        if ((is_new && row->producer_id == id && row->epoch < epoch) ||
            (!is_new && row->sequence != next))
            world_violation(ledger->world, "I6",
                            "copies %u, partition %d offset %lld: producer id %lld epoch %d "
                            "sequence %d comes after epoch %d, sequences below %d",
                            ledger->copies, row->partition, (long long)row->offset,
                            (long long)row->producer_id, row->epoch, row->sequence, epoch, next);
        id = row->producer_id;
        epoch = row->epoch;
        next = row->sequence + row->record_count;
    }
}

static void check_claim(const struct ledger *ledger, const struct claim *claim)
{
    char text[256];
    claim_text(claim, text, sizeof(text));
    if ((claim->acked || claim->acked_46) && claim->visible == 0)
        world_violation(ledger->world, "I1",
                        "copies %u: acknowledged (offset %lld) and not there: %s",
                        ledger->copies, (long long)claim->offset, text);
    if (claim->producer_id >= 0 && claim->visible > 1)
        world_violation(ledger->world, "I2", "copies %u: there %u times: %s", ledger->copies,
                        claim->visible, text);
    if (claim->producer_id >= 0 && claim->visible > 0 && claim->denied == claim->attempts)
        world_violation(ledger->world, "I4", "copies %u: refused each time, and there: %s",
                        ledger->copies, text);
}

/* Without a producer id each attempt may be there, and each acknowledged one must. */
static void check_plain(const struct ledger *ledger, const struct stream_entry *entry)
{
    for (const struct claim *claim = entry->claims; claim != NULL; claim = claim->next) {
        uint32_t visible = 0, acked = 0, possible = 0;
        for (const struct claim *one = entry->by_record[claim->first_record]; one != NULL;
             one = one->same) {
            visible += one->visible;
            acked += one->acked;
            possible += one->denied < one->attempts;
        }
        if (visible < acked || visible > possible)
            world_violation(ledger->world, visible < acked ? "I1" : "I4",
                            "copies %u: stream %u record %u is there %u times, acknowledged %u "
                            "times, at most %u times are right",
                            ledger->copies, entry->stream.number, claim->first_record, visible,
                            acked, possible);
    }
}

static void check_streams(struct ledger *ledger)
{
    for (size_t s = 0; s < ledger->stream_count; s++) {
        struct stream_entry *entry = ledger->streams[s];
        if (!entry->stream.idempotent) {
            check_plain(ledger, entry);
            continue;
        }
        for (const struct claim *claim = entry->claims; claim != NULL; claim = claim->next)
            check_claim(ledger, claim);
        check_order(ledger, entry);
    }
}

static void check_acked(const struct ledger *ledger)
{
    char text[256];
    for (size_t s = 0; s < ledger->stream_count; s++)
        for (const struct claim *claim = ledger->streams[s]->claims; claim != NULL;
             claim = claim->next)
            if (claim->producer_id >= 0 && claim->acked && claim->visible == 0)
                world_violation(ledger->world, "I1",
                                "copies %u: acknowledged at offset %lld and not there any more: %s",
                                ledger->copies, (long long)claim->offset,
                                claim_text(claim, text, sizeof(text)));
}

/* The offset of each answer names its record: what note_offsets wrote down. */
static void check_told_offsets(const struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->row_count; i++) {
        const struct log_row *row = &ledger->rows[i];
        const struct partition_entry *partition = &ledger->partitions[row->partition];
        uint64_t record = ((uint64_t)(row->stream->stream.number + 1) << 32) | row->record;
        if ((size_t)row->offset < partition->record_capacity &&
            partition->records[row->offset] != 0 && partition->records[row->offset] != record)
            world_violation(ledger->world, "I3",
                            "copies %u, partition %d offset %lld holds stream %u record %u, told "
                            "was stream %u record %u",
                            ledger->copies, row->partition, (long long)row->offset,
                            row->stream->stream.number, row->record,
                            (unsigned)(partition->records[row->offset] >> 32) - 1,
                            (unsigned)partition->records[row->offset]);
    }
}

/* While there is trouble, rows of unknown outcome may be anywhere: only what is the first row of
 * an acknowledged batch is looked at. */
static void note_visible(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->row_count; i++) {
        struct claim *claim =
            ledger->rows[i].record_count == 0 ? NULL : claim_of(&ledger->rows[i]);
        if (claim != NULL && claim->offset == ledger->rows[i].offset)
            claim->visible++;
    }
}

void ledger_scan(struct ledger *ledger, uint32_t copies, bool is_final)
{
    struct world *world = ledger->world;

    ledger->copies = copies;
    ledger->row_count = 0;
    for (size_t s = 0; s < ledger->stream_count; s++)
        for (struct claim *claim = ledger->streams[s]->claims; claim != NULL; claim = claim->next)
            claim->visible = 0;
    if (find_columns(ledger))
        (void)database_each(world->database, KEYSPACE, TABLE, copies, take_row, ledger);
    if (ledger->row_count > 0)
        qsort(ledger->rows, ledger->row_count, sizeof(*ledger->rows), compare_rows);
    if (!is_final) {
        note_visible(ledger);
        check_acked(ledger);
        return;
    }
    for (size_t i = 1; i < ledger->row_count; i++)
        check_offsets(ledger, i);
    for (size_t i = 0; i < ledger->row_count;)
        i += check_batch(ledger, i);
    check_streams(ledger);
    check_told_offsets(ledger);
    world->counts.rows = ledger->row_count;
    world->counts.segments = 0;
    for (size_t i = 0; i < ledger->row_count; i++)
        world->counts.segments += i == 0 || ledger->rows[i].segment != ledger->rows[i - 1].segment;
}
