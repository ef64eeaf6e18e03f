/*
 * Why this is safe. Everything at or above the seal's offset has no acknowledgement, and nothing of
 * it that was sent before has a timestamp above the seal's; so once the seal is durable, whatever of
 * it is applied later (an attempt given up, a hint, a late coordinator) loses, ties included, and a
 * definite code is true. What is written again has timestamps above the seal and is acknowledged
 * when it is durable, like anything else. A successor that reads the tail between any two steps
 * finds rows of before or of after, none of them acknowledged unless durable: it keeps what is whole
 * and writes it again above its own C, which is above our seal; so our seal, should it land late,
 * hits nothing that anybody was told of.
 */
#include "core/engine/repair.h"

#include "core/engine/mutation.h"
#include "core/engine/segment.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"

#include <assert.h>

enum repair_state { REPAIR_SETTLE, REPAIR_SEAL, REPAIR_SEALED, REPAIR_WRITE };

struct repair {
    struct partition *partition;
    enum repair_state state;
    struct cluster_call *call; /* the seal */
    struct list old;           /* struct mutation: they have the rows of: */
    struct list batches;       /* struct batch, to be written again or refused; offset order */
    bool is_trying;            /* a suspect is on its way, alone */
    bool is_ahead; /* the partition's segment is one above the sealed one, and has no row yet */
    const struct mutation *grouping; /* the old one whose batches go on in the open one, or NULL */
};

static struct mutation *mutation_of(struct list *node)
{
    return LIST_ENTRY(node, struct mutation, node);
}

static struct batch *batch_of(struct list *node)
{
    return LIST_ENTRY(node, struct batch, node);
}

bool repair_may_send(const struct repair *repair)
{
    return repair->state == REPAIR_WRITE;
}

bool repair_waits(const struct repair *repair)
{
    return repair->state == REPAIR_SEALED;
}

int16_t repair_cancel_code(const struct batch *batch, int16_t code)
{
    if (batch->refusal_code != 0 && !batch->in_doubt)
        return batch->refusal_code;
    return batch->was_sent ? KAFKA_REQUEST_TIMED_OUT : code;
}

static void free_old(struct repair *repair)
{
    LIST_EACH_SAFE (it, after, &repair->old)
        mutation_free(mutation_of(it));
}

static void repair_free(struct repair *repair)
{
    repair->partition->repair = NULL;
    alloc_free(repair->partition->gateway->config->alloc, repair, sizeof(*repair));
}

void repair_cancel(struct repair *repair, struct list *batches)
{
    if (repair->call != NULL)
        cluster_call_cancel(repair->partition->gateway->cluster, repair->call);
    LIST_EACH_SAFE (it, after, &repair->batches) {
        list_remove(it);
        list_append(batches, it);
    }
    free_old(repair);
    repair_free(repair);
}

static void give_up(struct repair *repair, struct moment now)
{
    topic_forget_statements(repair->partition->topic); /* of a table that was dropped or altered */
    partition_unload(repair->partition, KAFKA_NOT_ENOUGH_REPLICAS,
                     "the database refused the write", now);
}

/* ---- SETTLE: what is there to be dealt with ---- */

/* What the mutations from the batch's first row to its last, which is in `last`, say of it. */
static void judge(struct batch *batch, const struct mutation *last)
{
    bool is_alone = true;

    batch->refusal_code = 0;
    batch->in_doubt = batch->was_sent || batch->first != last;
    for (struct list *it = &batch->first->node;; it = it->next) {
        const struct mutation *mutation = mutation_of(it);
        if (mutation->state == MUTATION_REFUSED) {
            batch->refusal_code = mutation->refusal_code;
            is_alone = is_alone && mutation->batch_count == 1;
        }
        batch->in_doubt = batch->in_doubt || mutation->request.touched;
        batch->was_sent = batch->was_sent || mutation->request.first_sent_us != 0;
        if (mutation == last)
            break;
    }
    batch->is_suspect = batch->refusal_code != 0 && !is_alone;
}

static void count_batches(struct list *mutations)
{
    LIST_EACH (it, mutations)
        mutation_of(it)->batch_count = 0;
    LIST_EACH (it, mutations) {
        LIST_EACH (b, &mutation_of(it)->batches) {
            struct list *part = &batch_of(b)->first->node;
            for (; part != it; part = part->next)
                mutation_of(part)->batch_count++;
            mutation_of(it)->batch_count++;
        }
    }
}

/* Newest first: all batches go from the partition to the head of repair->batches, and its state
 * goes back to before the first of them. */
static void take_back(struct repair *repair)
{
    struct partition *partition = repair->partition;

    count_batches(&partition->mutations);
    for (struct list *m = partition->mutations.prev; m != &partition->mutations; m = m->prev) {
        struct mutation *mutation = mutation_of(m);
        while (!list_empty(&mutation->batches)) {
            struct batch *batch = batch_of(mutation->batches.prev);
            judge(batch, mutation);
            if (batch->claim.producer_id >= 0)
                producer_retract(&partition->producers, &batch->claim, batch->first_offset);
            list_remove(&batch->node);
            list_prepend(&repair->batches, &batch->node);
        }
    }
    LIST_EACH_SAFE (it, after, &partition->mutations) {
        list_remove(it);
        list_append(&repair->old, it);
    }
    partition->open = NULL;
    partition->closed = 0;
    repair->is_trying = false;
    repair->grouping = NULL;
}

/* ---- SEAL ---- */

static void sealed(void *context, const struct cluster_reply *reply, bool touched,
                   struct moment now)
{
    struct repair *repair = context;

    (void)touched;
    repair->call = NULL;
    if (reply->outcome != CLUSTER_DONE) {
        give_up(repair, now);
        return;
    }
    repair->state = REPAIR_SEALED;
    repair_step(repair->partition, now);
}

static void seal(struct repair *repair, struct moment now)
{
    struct partition *partition = repair->partition;
    const struct mutation *front = mutation_of(partition->mutations.next);
    int64_t segment = front->segment, from = front->first_offset;

    repair->is_ahead = segment != partition->segment;
    take_back(repair);
    partition->next_offset = from;
    repair->state = REPAIR_SEAL;
    repair->call = segment_delete_from(partition, segment, from, partition->highest_timestamp_us,
                                       sealed, repair, now);
    if (repair->call == NULL)
        give_up(repair, now);
}

/* ---- WRITE ---- */

static struct mutation *open_like(struct repair *repair, const struct mutation *old)
{
    struct partition *partition = repair->partition;

    if (partition->open != NULL)
        mutation_close(partition->open);
    struct mutation *mutation = mutation_open(partition);
    if (mutation != NULL) {
        mutation->segment = old->segment;
        mutation->token = old->token;
    }
    return mutation;
}

/* `rows` rows at the head of `from`, as offset and those after it; the first of a batch gets a
 * snapshot where it had one, or where one is due. */
static int copy_rows(struct partition *partition, struct mutation *to, struct slice from,
                     uint32_t rows, int64_t offset)
{
    for (uint32_t i = 0; i < rows; i++) {
        struct slice row = from;
        bool due = log_rows_skip(&row) ||
                   (partition->snapshot_due && offset + i == partition->next_offset);
        int rc = log_rows_copy(&partition->rows, &from, &to->body->buf, to->segment, offset + i,
                               due ? &partition->producers : NULL);
        if (rc < 0)
            return rc;
        to->rows++;
        if (due) {
            partition->snapshot_due = false;
            partition->rows_since_snapshot = partition->bytes_since_snapshot = 0;
        }
    }
    return STATUS_OK;
}

/* All rows of the batch at the log's end, in mutations like those they were in. NULL: out of
 * memory. Else the one with its last row; batch->first is that with its first. */
static struct mutation *copy_batch(struct repair *repair, struct batch *batch)
{
    struct partition *partition = repair->partition;
    struct mutation *from = batch->first, *to = partition->open;
    int64_t offset = partition->next_offset, end = offset + batch->record_count;
    uint32_t skip = batch->first_row;
    size_t at = batch->first_at;

    if (to == NULL || batch->is_suspect || repair->grouping != from)
        to = open_like(repair, from);
    if (to == NULL)
        return NULL;
    batch->first = to;
    batch->first_at = to->body->buf.write;
    batch->first_row = to->rows;
    for (;;) {
        const struct buf *body = &from->body->buf;
        uint32_t rows = from->rows - skip;
        if (rows > end - offset)
            rows = (uint32_t)(end - offset);
        if (copy_rows(partition, to, slice_make(body->data + at, body->write - at), rows, offset) <
            0)
            return NULL;
        offset += rows;
        if (offset == end)
            break;
        from = mutation_of(from->node.next);
        at = CQL_BATCH_HEAD_BYTES;
        skip = 0;
        to = open_like(repair, from);
        if (to == NULL)
            return NULL;
        to->first_part = batch->first;
    }
    repair->grouping = to == batch->first ? from : NULL;
    return to;
}

/* The batch has its rows: it is under way again. */
static int admit(struct repair *repair, struct batch *batch, struct mutation *last,
                 struct moment now)
{
    struct partition *partition = repair->partition;

    if (batch->claim.producer_id >= 0 &&
        producer_admit(&partition->producers, &batch->claim, partition->next_offset,
                       now.wall_us / 1000) < 0)
        return STATUS_NOMEM;
    list_remove(&batch->node);
    batch->first_offset = partition->next_offset;
    partition->next_offset += batch->record_count;
    batch_place(batch, last);
    repair->is_trying = batch->is_suspect;
    if (repair->is_trying || last != batch->first)
        mutation_close(last);
    gateway_partition_ready(partition);
    return STATUS_OK;
}

/* Does the batch follow what is stored of its producer? An older epoch than the newest does: it was
 * let in before that one. */
static bool is_in_order(const struct partition *partition, const struct batch *batch)
{
    int64_t offset;
    int16_t code;

    if (batch->claim.producer_id < 0)
        return true;
    enum producer_verdict verdict =
        producer_check(&partition->producers, &batch->claim, &offset, &code);
    return verdict == PRODUCER_ACCEPT || verdict == PRODUCER_FIRST || verdict == PRODUCER_FENCED;
}

static void refuse(struct repair *repair, struct batch *batch, int16_t code, const char *text,
                   struct moment now)
{
    struct partition *partition = repair->partition;

    if (batch->claim.producer_id >= 0)
        producer_block(&partition->producers, &batch->claim, KAFKA_NOT_ENOUGH_REPLICAS,
                       now.wall_us / 1000);
    partition->snapshot_due = true; /* it may have had the one that was due */
    batch_resolve(partition->gateway, batch, code, -1, text, now);
}

/* Batches of the segment above begin it where the sealed one ends now. */
static void enter_segment_ahead(struct repair *repair)
{
    struct partition *partition = repair->partition;
    int64_t rows = partition->segment_limit - partition->segment_first;

    repair->is_ahead = false;
    if (partition->open != NULL)
        mutation_close(partition->open);
    segment_set(partition, partition->segment, partition->next_offset,
                partition->next_offset + rows);
}

static void finish(struct repair *repair, struct moment now)
{
    struct partition *partition = repair->partition;

    if (repair->is_ahead)
        enter_segment_ahead(repair);
    free_old(repair);
    repair_free(repair);
    partition->state = PARTITION_LIVE;
    producer_table_block_all(&partition->producers, &partition->refused, now.wall_us / 1000);
    producer_table_deinit(&partition->refused);
    gateway_partition_ready(partition);
}

/* Deals with the next batch. False: not now, or the repair is over. */
static bool write_next(struct repair *repair, struct moment now)
{
    struct partition *partition = repair->partition;
    bool is_durable = list_empty(&partition->mutations);

    if (repair->is_trying && !is_durable)
        return false;
    repair->is_trying = false;
    if (list_empty(&repair->batches)) {
        finish(repair, now);
        return false;
    }
    struct batch *batch = batch_of(repair->batches.next);
    if (repair->is_ahead && batch->first->segment == partition->segment)
        enter_segment_ahead(repair);
    if (batch->refusal_code != 0 && !batch->is_suspect) {
        refuse(repair, batch, batch->refusal_code, "the database refused the write", now);
        return true;
    }
    if (!is_in_order(partition, batch)) {
        refuse(repair, batch, KAFKA_NOT_ENOUGH_REPLICAS,
               "an earlier batch of this producer was refused", now);
        return true;
    }
    if (batch->is_suspect && !is_durable)
        return false;
    struct mutation *last = copy_batch(repair, batch);
    if (last != NULL && admit(repair, batch, last, now) == STATUS_OK)
        return true;
    partition_unload(partition, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory", now);
    return false;
}

/* ---- from outside ---- */

void repair_step(struct partition *partition, struct moment now)
{
    struct repair *repair = partition->repair;
    const struct mutation *front = mutation_of(partition->mutations.next);

    switch (repair->state) {
    case REPAIR_SETTLE:
        /* Durable at the front: it waits for the lease, and what is acknowledged is not sealed. */
        if (partition->sent == 0 && front->state != MUTATION_DURABLE)
            seal(repair, now);
        return;
    case REPAIR_SEAL:
        return;
    case REPAIR_SEALED:
        if (!gateway_leads(partition, now))
            return;
        repair->state = REPAIR_WRITE;
        break;
    case REPAIR_WRITE:
        break;
    }
    while (gateway_leads(partition, now) && write_next(repair, now)) {
    }
}

void repair_refused(struct mutation *mutation, int16_t code, struct moment now)
{
    struct partition *partition = mutation->partition;
    struct repair *repair = partition->repair;

    mutation->state = MUTATION_REFUSED;
    mutation->refusal_code = code;
    partition->sent--;
    if (repair == NULL) {
        repair = alloc_zeroed(partition->gateway->config->alloc, sizeof(*repair));
        if (repair == NULL) {
            partition_unload(partition, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory", now);
            return;
        }
        repair->partition = partition;
        list_init(&repair->old);
        list_init(&repair->batches);
        partition->repair = repair;
        partition->state = PARTITION_REPAIRING;
    }
    repair->state = REPAIR_SETTLE;
    partition_acknowledge(partition, now);
}
