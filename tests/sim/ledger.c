#include "tests/sim/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/error.h"
#include "proto/endian.h"
#include "tests/sim/ledger_internal.h"
#include "tests/sim/process.h"
#include "tests/sim/world.h"

enum { PURPOSE_PAIR = 100, PURPOSE_VALUE };

struct ledger *ledger_new(struct world *world)
{
    struct ledger *ledger = sim_take(sizeof(*ledger));
    ledger->world = world;
    return ledger;
}

/* Everything that a ledger hands out lives as long as it does. */
static void *keep(struct ledger *ledger, size_t bytes)
{
    struct kept *kept = sim_take(sizeof(*kept) + bytes);
    kept->next = ledger->kept;
    ledger->kept = kept;
    return kept->bytes;
}

void ledger_free(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->stream_count; i++)
        free(ledger->streams[i]->by_record);
    while (ledger->kept != NULL) {
        struct kept *kept = ledger->kept;
        ledger->kept = kept->next;
        free(kept);
    }
    for (size_t i = 0; i < PARTITIONS_MAX; i++) {
        free(ledger->partitions[i].records);
        free(ledger->partitions[i].retired_us);
    }
    free(ledger->streams);
    free(ledger->ids);
    free(ledger->rows);
    free(ledger);
}

static void grow(void *array, size_t count, size_t *capacity, size_t item_bytes)
{
    void **block = array;
    if (count < *capacity)
        return;
    size_t former = *capacity;
    *capacity = count < 32 ? 64 : count * 2;
    *block = realloc(*block, *capacity * item_bytes);
    if (*block == NULL)
        abort();
    memset((char *)*block + former * item_bytes, 0, (*capacity - former) * item_bytes);
}

void ledger_grow(void *array, size_t count, size_t *capacity, size_t item_bytes)
{
    grow(array, count, capacity, item_bytes);
}

struct stream *ledger_stream(struct ledger *ledger, uint32_t producer, int32_t partition,
                             bool idempotent)
{
    struct stream_entry *entry = keep(ledger, sizeof(*entry));
    entry->stream = (struct stream){.number = (uint32_t)ledger->stream_count,
                                    .producer = producer,
                                    .partition = partition,
                                    .idempotent = idempotent};
    grow(&ledger->streams, ledger->stream_count, &ledger->stream_capacity,
         sizeof(struct stream_entry *));
    ledger->streams[ledger->stream_count++] = entry;
    return &entry->stream;
}

static struct claim *find_claim(struct stream_entry *entry, int64_t producer_id, int16_t epoch,
                                int32_t sequence, uint32_t first_record)
{
    grow(&entry->by_record, first_record, &entry->record_capacity, sizeof(struct claim *));
    for (struct claim *claim = entry->by_record[first_record]; claim != NULL && producer_id >= 0;
         claim = claim->same)
        if (claim->producer_id == producer_id && claim->epoch == epoch &&
            claim->sequence == sequence)
            return claim;
    return NULL;
}

void ledger_given_up(struct ledger *ledger, struct stream *stream, int64_t producer_id,
                     int16_t epoch, int32_t sequence, uint32_t first_record)
{
    struct stream_entry *entry = ledger->streams[stream->number];
    struct claim *claim = find_claim(entry, producer_id, epoch, sequence, first_record);

    if (claim != NULL) /* else it was never sent so */
        claim->given_up = true;
}

struct claim *ledger_claim(struct ledger *ledger, struct stream *stream, int64_t producer_id,
                           int16_t epoch, int32_t sequence, uint32_t first_record, int32_t count)
{
    struct stream_entry *entry = ledger->streams[stream->number];
    struct claim *claim = find_claim(entry, producer_id, epoch, sequence, first_record);
    if (claim != NULL)
        return claim;
    claim = keep(ledger, sizeof(*claim));
    *claim = (struct claim){.stream = stream,
                            .producer_id = producer_id,
                            .epoch = epoch,
                            .sequence = sequence,
                            .first_record = first_record,
                            .count = count,
                            .offset = -1,
                            .next = entry->claims,
                            .same = entry->by_record[first_record]};
    entry->claims = entry->by_record[first_record] = claim;
    return claim;
}

struct attempt *ledger_attempt(struct ledger *ledger, struct claim *claim, uint64_t talk)
{
    struct attempt *attempt = keep(ledger, sizeof(*attempt));
    attempt->claim = claim;
    attempt->talk = talk;
    attempt->sent_us = ledger->world->scheduler.now_us;
    claim->attempts++;
    claim->last_sent_us = attempt->sent_us;
    ledger->world->counts.batches++;
    ledger->world->counts.no_answer++;
    return attempt;
}

void ledger_producer_id(struct ledger *ledger, int64_t producer_id)
{
    for (size_t i = 0; i < ledger->id_count; i++)
        if (ledger->ids[i] == producer_id)
            world_violation(ledger->world, "I2", "producer id %lld was given out twice",
                            (long long)producer_id);
    grow(&ledger->ids, ledger->id_count, &ledger->id_capacity, sizeof(int64_t));
    ledger->ids[ledger->id_count++] = producer_id;
    ledger->world->counts.producer_ids++;
}

size_t ledger_value(const struct ledger *ledger, const struct stream *stream, uint32_t record,
                    char *to, size_t bytes)
{
    const struct world *world = ledger->world;
    uint64_t entity = ((uint64_t)stream->number << 32) | record;
    int64_t most = (int64_t)world->plan.value_bytes_max;
    int head = snprintf(to, bytes, "%u %u ", stream->number, record);
    size_t len = (size_t)head + (size_t)chance_between(&world->chance, entity, 0, PURPOSE_VALUE, 0,
                                                       most - 32);
    uint64_t word = chance_draw(&world->chance, entity, 1, PURPOSE_VALUE);
    memset(to + head, (int)('a' + word % 26), len - (size_t)head);
    return len;
}

const char *claim_text(const struct claim *claim, char *to, size_t bytes)
{
    (void)snprintf(to, bytes,
                   "batch of stream %u (producer %u, partition %d) records %u..%u, producer id "
                   "%lld epoch %d sequence %d",
                   claim->stream->number, claim->stream->producer, claim->stream->partition,
                   claim->first_record, claim->first_record + (uint32_t)claim->count - 1,
                   (long long)claim->producer_id, claim->epoch, claim->sequence);
    return to;
}

/* --- answers --- */

/* One record for an offset, for ever. */
static void note_offsets(struct ledger *ledger, const struct claim *claim, int64_t offset)
{
    struct partition_entry *partition = &ledger->partitions[claim->stream->partition];
    char text[256];

    if (offset < 0 || offset > 10000000)
        world_violation(ledger->world, "I3", "offset %lld for %s", (long long)offset,
                        claim_text(claim, text, sizeof(text)));
    for (int32_t i = 0; i < claim->count; i++) {
        size_t at = (size_t)(offset + i);
        grow(&partition->records, at, &partition->record_capacity, sizeof(uint64_t));
        uint64_t record = ((uint64_t)(claim->stream->number + 1) << 32) |
                          (claim->first_record + (uint32_t)i);
        if (partition->records[at] != 0 && partition->records[at] != record)
            world_violation(ledger->world, "I3",
                            "partition %d offset %zu was told for stream %u record %u, and now "
                            "for %s",
                            claim->stream->partition, at,
                            (unsigned)(partition->records[at] >> 32) - 1,
                            (unsigned)partition->records[at],
                            claim_text(claim, text, sizeof(text)));
        partition->records[at] = record;
    }
}

/* Who has loaded a partition leads it: nobody else acknowledges what is sent from then on. An
 * answer to what was sent before may leave long after it was decided (behind another one, after a
 * pause). */
void ledger_loaded(struct ledger *ledger, const struct process *process, int32_t number)
{
    struct partition_entry *partition = &ledger->partitions[number];
    uint64_t serial = process_serial(process);
    int64_t at_us = process_decided_us(process);

    grow(&partition->retired_us, ledger->world->process_serial, &partition->retired_capacity,
         sizeof(int64_t));
    if (partition->owner != serial && at_us < partition->loaded_us) { /* it was stalled since */
        partition->retired_us[serial] = partition->loaded_us;
        return;
    }
    if (partition->owner != serial && partition->owner != 0)
        partition->retired_us[partition->owner] = at_us;
    partition->retired_us[serial] = 0;
    partition->owner = serial;
    partition->loaded_us = at_us;
}

static void check_owner(struct ledger *ledger, const struct process *process,
                        const struct attempt *attempt)
{
    int32_t number = attempt->claim->stream->partition;
    const struct partition_entry *partition = &ledger->partitions[number];
    uint64_t serial = process_serial(process);
    int64_t retired_us =
        serial < partition->retired_capacity ? partition->retired_us[serial] : 0;

    if (retired_us != 0 && attempt->sent_us > retired_us)
        world_violation(ledger->world, "I7",
                        "process %llu acknowledges in partition %d what was sent after process "
                        "%llu had taken it over",
                        (unsigned long long)serial, number, (unsigned long long)partition->owner);
}

/* Acknowledged means: a quorum has it now. Looked up for its first record, in one pair. */
static void check_stored(struct ledger *ledger, const struct claim *claim, int64_t offset)
{
    struct world *world = ledger->world;
    static const uint32_t pairs[] = {3, 5, 6};
    uint64_t draw = chance_draw(&world->chance, claim->stream->number, claim->first_record,
                                PURPOSE_PAIR);
    uint32_t copies = world->plan.nodes >= 3 ? pairs[draw % 3] : (uint32_t)-1;
    char text[256];

    world->counts.live_checks++;
    if (!ledger_row_is_there(ledger, claim, offset, copies))
        world_violation(world, "I1",
                        "acknowledged at offset %lld, and copies %u do not have it now: %s",
                        (long long)offset, copies, claim_text(claim, text, sizeof(text)));
}

static void note_told(const struct ledger *ledger, struct claim *claim)
{
    if (!claim->acked && !claim->acked_46)
        claim->acked_us = ledger->world->scheduler.now_us;
}

static void acknowledged(struct ledger *ledger, const struct process *process,
                         const struct attempt *attempt, int64_t offset)
{
    struct claim *claim = attempt->claim;
    char text[256];

    if (claim->poison)
        world_violation(ledger->world, "I4", "acknowledged though a record is not sound: %s",
                        claim_text(claim, text, sizeof(text)));
    if (claim->acked && claim->producer_id >= 0) {
        ledger->world->counts.acked_again++;
        if (claim->offset != offset)
            world_violation(ledger->world, "I3", "acknowledged at %lld and again at %lld: %s",
                            (long long)claim->offset, (long long)offset,
                            claim_text(claim, text, sizeof(text)));
    }
    note_told(ledger, claim);
    claim->acked = true;
    claim->offset = offset;
    ledger->world->counts.acks++;
    note_offsets(ledger, claim, offset);
    check_owner(ledger, process, attempt);
    check_stored(ledger, claim, offset);
}

/* The first sequence of its epoch that had not been acknowledged by then, and that the process
 * `unsure_by` (0: none) did not have under way when it answered last: 45 is a lie for that one. */
static int32_t next_in_order(const struct ledger *ledger, const struct claim *claim,
                             uint64_t unsure_by, int64_t by_us)
{
    const struct stream_entry *entry = ledger->streams[claim->stream->number];
    int32_t next = 0;

    for (bool found = true; found && next < claim->sequence;) {
        found = false;
        for (const struct claim *one = entry->claims; one != NULL && !found; one = one->next) {
            found = one->producer_id == claim->producer_id && one->epoch == claim->epoch &&
                    (((one->acked || one->acked_46) && one->acked_us <= by_us) ||
                     (unsure_by != 0 && one->unsure_by == unsure_by)) &&
                    one->sequence == next;
            if (found)
                next += one->count;
        }
    }
    return next;
}

/* Requests of one connection are looked at in their order. */
static bool was_refused_before(const struct claim *one, const struct attempt *attempt)
{
    return one->refused_us < attempt->sent_us ||
           (one->refused_talk == attempt->talk && one->refused_sent_us <= attempt->sent_us);
}

/* Has its producer given up a batch before it? Then it sends what is behind, and that batch may
 * still be on its way on a connection that it has closed. */
static bool has_given_up(const struct ledger *ledger, const struct claim *claim)
{
    const struct stream_entry *entry = ledger->streams[claim->stream->number];

    for (const struct claim *one = entry->claims; one != NULL; one = one->next)
        if (one->producer_id == claim->producer_id && one->epoch == claim->epoch && one->given_up &&
            one->sequence < claim->sequence)
            return true;
    return false;
}

/* A batch that can never be taken leaves a gap of the client's own, whatever else is missing. */
static bool has_poison_between(const struct stream_entry *entry, const struct claim *claim,
                               int32_t from)
{
    for (const struct claim *one = entry->claims; one != NULL; one = one->next)
        if (one->producer_id == claim->producer_id && one->epoch == claim->epoch && one->poison &&
            one->sequence >= from && one->sequence < claim->sequence)
            return true;
    return false;
}

/* The batch that is missing before it had been refused by this very process, and was not sent again
 * (perhaps to another one, which is at it): then the gap is not the client's. (Memory that fails
 * may make a process forget that.) */
static bool is_own_gap(const struct ledger *ledger, const struct process *process,
                       const struct attempt *attempt)
{
    const struct claim *claim = attempt->claim;
    const struct stream_entry *entry = ledger->streams[claim->stream->number];

    if (process_has_lacked_memory(process))
        return false;
    int32_t next = next_in_order(ledger, claim, process_serial(process), INT64_MAX);
    if (has_poison_between(entry, claim, next))
        return false;
    for (const struct claim *one = entry->claims; one != NULL; one = one->next)
        if (one->producer_id == claim->producer_id && one->epoch == claim->epoch &&
            one->sequence == next && one->refused_by == process_serial(process) &&
            one->last_sent_us <= one->refused_us && was_refused_before(one, attempt))
            return true;
    return false;
}

static const char *gap_is_wrong(const struct ledger *ledger, const struct process *process,
                                const struct attempt *attempt)
{
    if (has_given_up(ledger, attempt->claim))
        return NULL;
    /* It may have been decided at any time since it was sent. */
    if (next_in_order(ledger, attempt->claim, 0, attempt->sent_us) == attempt->claim->sequence)
        return "45 for a batch that is next in order";
    return is_own_gap(ledger, process, attempt)
               ? "45 for a gap that the same process made by a refusal"
               : NULL;
}

static bool has_newer_epoch(const struct ledger *ledger, const struct claim *claim)
{
    const struct stream_entry *entry = ledger->streams[claim->stream->number];

    for (const struct claim *one = entry->claims; one != NULL; one = one->next)
        if (one->producer_id == claim->producer_id && one->epoch > claim->epoch)
            return true;
    return false;
}

static void refused(struct ledger *ledger, const struct process *process,
                    const struct attempt *attempt, int16_t code)
{
    struct world *world = ledger->world;
    struct claim *claim = attempt->claim;
    char text[256];
    const char *wrong = NULL;

    claim->denied++;
    switch (code) {
    case KAFKA_NOT_ENOUGH_REPLICAS:
        world->counts.refused_19++;
        break;
    case KAFKA_NOT_LEADER_OR_FOLLOWER:
        world->counts.refused_6++;
        break;
    case KAFKA_UNKNOWN_TOPIC_OR_PARTITION:
        world->counts.topics_late++;
        break;
    case KAFKA_STORAGE_ERROR:
        world->counts.storage_56++;
        break;
    case KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER:
        world->counts.gaps_45++;
        wrong = gap_is_wrong(ledger, process, attempt);
        break;
    case KAFKA_INVALID_PRODUCER_EPOCH:
        world->counts.fenced_47++;
        wrong = has_newer_epoch(ledger, claim) ? NULL : "47 for the newest epoch";
        break;
    case KAFKA_INVALID_RECORD:
        world->counts.bad_87++;
        wrong = claim->poison ? NULL : "87 for sound records";
        break;
    default:
        world->counts.other_codes++;
        wrong = "a code that nothing here can cause";
    }
    if (code != KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER) {
        claim->refused_by = process_serial(process);
        claim->unsure_by = 0;
        claim->refused_us = world->scheduler.now_us;
        claim->refused_sent_us = attempt->sent_us;
        claim->refused_talk = attempt->talk;
    }
    if (claim->producer_id < 0 && (code == KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER ||
                                   code == KAFKA_INVALID_PRODUCER_EPOCH))
        wrong = "a producer's code without a producer id";
    if (wrong != NULL)
        world_violation(world, "I5", "answer %d, %s: %s", code, wrong,
                        claim_text(claim, text, sizeof(text)));
}

/* 46 says "older than the last five batches": so there must be five that were sent after it. Who
 * has left the connection may have sent the batch again with a lower sequence meanwhile (Java,
 * after one before it was refused for good): then 46 is true of the sequence, and not of the
 * records. */
static void acknowledged_46(struct ledger *ledger, struct claim *claim, bool is_heard)
{
    const struct stream_entry *entry = ledger->streams[claim->stream->number];
    unsigned later = 0;
    char text[256];

    for (const struct claim *one = entry->claims; one != NULL; one = one->next)
        later += one->producer_id == claim->producer_id && one->epoch == claim->epoch &&
                 one->sequence > claim->sequence;
    if (later < 5)
        world_violation(ledger->world, "I5", "answer 46 for one of the last five batches: %s",
                        claim_text(claim, text, sizeof(text)));
    ledger->world->counts.acks_46++;
    if (!is_heard)
        return;
    note_told(ledger, claim);
    claim->acked_46 = true;
}

void ledger_answered(struct ledger *ledger, const struct process *process, struct attempt *attempt,
                     int16_t code, int64_t offset, bool is_heard)
{
    struct claim *claim = attempt->claim;
    struct world *world = ledger->world;
    char text[256];

    world_trace(world, "answer %d offset %lld by process %llu: %s", code, (long long)offset,
                (unsigned long long)process_serial(process),
                claim_text(claim, text, sizeof(text)));
    if (attempt->answered)
        world_violation(world, "I8", "answered twice: %s", claim_text(claim, text, sizeof(text)));
    attempt->answered = true;
    attempt->code = code;
    attempt->offset = offset;
    world->counts.no_answer--;
    if (code == 0) {
        acknowledged(ledger, process, attempt, offset);
    } else if (code == KAFKA_DUPLICATE_SEQUENCE_NUMBER && claim->producer_id >= 0) {
        acknowledged_46(ledger, claim, is_heard);
    } else if (code == KAFKA_REQUEST_TIMED_OUT) {
        world->counts.unsure_7++;
        claim->unsure_by = process_serial(process);
    } else {
        refused(ledger, process, attempt, code);
    }
}
