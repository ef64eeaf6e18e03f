/*
 * A coordinator reads: as many replicas as the level asks for, drawn at random; what they say is
 * merged; what one of them lacks of what was read is written to it before the answer (blocking read
 * repair). One Cassandra partition, or all of a table, range by range of the ring.
 */
#include <stdlib.h>

#include "proto/endian.h"
#include "tests/sim/database_internal.h"

/* When one more replica is asked: at what the slowest of a hundred reads takes. A node that has not
 * learnt that yet waits for half of its time-out, and whoever reads through it loses patience. */
#define SPECULATE_US         (50 * MS_US)
#define SPECULATE_UNKNOWN_US (2500 * MS_US)

static void read_free(struct db_operation *operation)
{
    struct db_read *read = (struct db_read *)(void *)operation;
    arena_deinit(&read->own);
    free(read->founds);
    if (read->parent != NULL)
        db_operation_unref(read->parent);
    free(read);
}

static void end(struct db_read *read, enum db_read_outcome outcome)
{
    if (read->is_over)
        return;
    read->is_over = true;
    read->outcome = outcome;
    read->done(read);
}

/* --- what a replica says --- */

static int order(const struct db_found *found, int64_t token, struct slice key)
{
    if (found->token != token)
        return found->token < token ? -1 : 1;
    size_t common = found->key.len < key.len ? found->key.len : key.len;
    int result = common == 0 ? 0 : memcmp(found->key.data, key.data, common);
    return result != 0 ? result : (found->key.len > key.len) - (found->key.len < key.len);
}

static struct db_found *found_of(struct db_read *read, const struct store_partition *partition,
                                 unsigned part)
{
    size_t low = 0, high = read->found_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(read->founds[middle], partition->token, partition->key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < read->found_count && order(read->founds[low], partition->token, partition->key) == 0)
        return read->founds[low];
    if (read->found_count == read->found_capacity) {
        read->found_capacity = read->found_capacity == 0 ? 4 : read->found_capacity * 2;
        read->founds = realloc(read->founds, read->found_capacity * sizeof(struct db_found *));
        if (read->founds == NULL)
            abort();
    }
    struct db_found *found = db_take(&read->own, sizeof(*found));
    memmove(&read->founds[low + 1], &read->founds[low],
            (read->found_count++ - low) * sizeof(struct db_found *));
    read->founds[low] = found;
    found->key = partition->key;
    found->token = partition->token;
    found->part = part;
    store_slice_init(&found->merged);
    for (unsigned i = 0; i < DATABASE_REPLICAS_MAX; i++)
        store_slice_init(&found->copies[i]);
    return found;
}

static void bounds(const struct db_target *target, int64_t token, int64_t *low, int64_t *high)
{
    *low = target->low;
    *high = target->high;
    if (!target->has_from || token != target->from_token)
        return;
    if (target->descending)
        *high = target->from_clustering > INT64_MIN ? target->from_clustering - 1 : INT64_MIN;
    else
        *low = target->from_clustering < INT64_MAX ? target->from_clustering + 1 : INT64_MAX;
}

static void take_partition(struct db_read *read, const struct store_partition *partition,
                           unsigned part, unsigned replica)
{
    int64_t low, high;
    bounds(&read->target, partition->token, &low, &high);
    store_merge(&found_of(read, partition, part)->copies[replica], &partition->all, low, high,
                read->table, &read->own);
}

static bool is_wanted(const struct db_read *read, const struct store_partition *partition,
                      const struct db_read_part *part)
{
    unsigned replicas[DATABASE_REPLICAS_MAX];
    if (read->target.has_from && partition->token < read->target.from_token)
        return false;
    (void)db_replicas(read->base.db, read->table->keyspace, partition->token, replicas);
    return read->part_count == 1 || replicas[0] == part->replicas[0];
}

/* The replica's answer is fixed here, and merged when it arrives. Copies that arrive too late, or
 * never, count for nothing: see `answered`. */
static void look(struct db_read *read, unsigned node, unsigned part, unsigned replica)
{
    const struct store *store = &read->base.db->nodes[node].store;
    if (read->target.is_scan) {
        for (const struct store_partition *it = store->by_table[read->table->index]; it != NULL;
             it = it->next_in_table)
            if (is_wanted(read, it, &read->parts[part]))
                take_partition(read, it, part, replica);
        return;
    }
    const struct store_partition *found =
        store_find(store, read->table, read->target.key, read->target.token);
    if (found != NULL)
        take_partition(read, found, part, replica);
}

/* --- repair --- */

static void repair_acked(struct db_event *event)
{
    struct db_read *read = (struct db_read *)(void *)event->operation;
    if (++read->repairs_done == read->repairs)
        end(read, READ_DONE);
}

static void repair_arrives(struct db_event *event)
{
    struct db_read *read = (struct db_read *)(void *)event->operation;
    db_apply(event->db, event->at, event->data);
    (void)db_send(&read->base, event->at, read->base.coordinator, repair_acked,
                  event->db->config.write_timeout_us);
}

struct repairing {
    struct db_read *read;
    const struct db_found *found;
    unsigned replica;
    struct mutation *mutation;
    unsigned capacity;
};

static void add_change(struct repairing *repairing, const struct change *change)
{
    struct mutation *mutation = repairing->mutation;
    if (mutation->change_count == repairing->capacity) {
        struct change *old = mutation->changes;
        repairing->capacity = repairing->capacity == 0 ? 8 : repairing->capacity * 2;
        mutation->changes =
            db_take(&repairing->read->own, repairing->capacity * sizeof(struct change));
        if (mutation->change_count > 0)
            memcpy(mutation->changes, old, mutation->change_count * sizeof(struct change));
    }
    mutation->changes[mutation->change_count++] = *change;
}

/* first..last: the clusterings that were read on the way to the limit; a delete whose end was not
 * reached is not repaired. */
static void collect(struct repairing *repairing, int64_t first, int64_t last)
{
    const struct db_found *found = repairing->found;
    const struct store_table *table = repairing->read->table;
    struct arena *arena = &repairing->read->own;
    const struct store_slice *all = &found->merged, *copy = &found->copies[repairing->replica];
    struct change change;

    if (all->deleted_us > copy->deleted_us) {
        change = (struct change){.table = table, .is_partition_delete = true};
        change.range = (struct store_range){INT64_MIN, INT64_MAX, all->deleted_us, all->deleted_s};
        add_change(repairing, &change);
    }
    for (size_t i = 0; i < all->range_count; i++)
        if (all->ranges[i].from >= first && all->ranges[i].to <= last &&
            !store_is_covered(copy, &all->ranges[i])) {
            change = (struct change){.table = table, .is_range = true, .range = all->ranges[i]};
            add_change(repairing, &change);
        }
    if (all->statics != NULL &&
        store_row_lacks(copy, all, all->statics, true, table, arena, &change))
        add_change(repairing, &change);
    for (size_t i = store_row_at(all, first);
         i < all->row_count && all->rows[i]->clustering <= last; i++)
        if (store_row_lacks(copy, all, all->rows[i], false, table, arena, &change))
            add_change(repairing, &change);
}

static void send_repair(struct repairing *repairing)
{
    struct db_read *read = repairing->read;
    struct database *db = read->base.db;
    unsigned node = read->parts[repairing->found->part].replicas[repairing->replica];
    db->counts.repairs++;
    read->repairs++;
    struct db_event *event = db_send(&read->base, read->base.coordinator, node, repair_arrives,
                                     db->config.write_timeout_us);
    if (event != NULL)
        event->data = repairing->mutation;
}

static void repair_found(struct db_read *read, const struct db_found *found, int64_t first,
                         int64_t last)
{
    const struct db_read_part *part = &read->parts[found->part];
    for (unsigned i = 0; i < part->copies; i++) {
        struct repairing repairing = {.read = read, .found = found, .replica = i};
        if ((part->answered & 1u << i) == 0)
            continue;
        repairing.mutation = db_mutation_new(&read->own, read->table->keyspace, found->key, 0);
        collect(&repairing, first, last);
        if (repairing.mutation->change_count > 0)
            send_repair(&repairing);
    }
}

/* --- merging --- */

/* Rows of the partition that count against limit and page, until `room` is used up. *last is where
 * reading stopped, in the order of reading. */
static int64_t count_rows(const struct db_read *read, const struct db_found *found, int64_t room,
                          int64_t *last)
{
    const struct store_slice *all = &found->merged;
    int64_t count = 0;
    *last = read->target.descending ? INT64_MIN : INT64_MAX;
    for (size_t i = 0; i < all->row_count; i++) {
        const struct store_row *row =
            all->rows[read->target.descending ? all->row_count - 1 - i : i];
        if (!store_row_lives(all, row, read->table, read->now_s))
            continue;
        if (++count == room) {
            *last = row->clustering;
            break;
        }
    }
    return count;
}

static int64_t room_of(const struct db_target *target)
{
    int64_t room = target->limit > 0 ? target->limit - target->before : INT64_MAX;
    return target->page_size > 0 && target->page_size < room ? target->page_size : room;
}

static void merge(struct db_read *read)
{
    int64_t room = room_of(&read->target);
    bool skip = db_fires(read->base.db, DATABASE_READ_REPAIR_SKIPPED, read->base.key,
                         read->base.message_count);
    read->merged = true;
    for (size_t f = 0; f < read->found_count && room > 0; f++) {
        struct db_found *found = read->founds[f];
        const struct db_read_part *part = &read->parts[found->part];
        int64_t low, high, last;
        bounds(&read->target, found->token, &low, &high);
        for (unsigned i = 0; i < part->copies; i++)
            if ((part->answered & 1u << i) != 0)
                store_merge(&found->merged, &found->copies[i], low, high, read->table, &read->own);
        room -= count_rows(read, found, room, &last);
        if (!skip && read->target.descending)
            repair_found(read, found, last, INT64_MAX);
        else if (!skip)
            repair_found(read, found, INT64_MIN, last);
    }
    if (read->repairs == 0)
        end(read, READ_DONE);
}

/* --- asking --- */

static bool is_complete(const struct db_read *read)
{
    for (unsigned p = 0; p < read->part_count; p++)
        if ((unsigned)__builtin_popcount(read->parts[p].answered) < read->parts[p].needed)
            return false;
    return true;
}

static void answer_arrives(struct db_event *event)
{
    struct db_read *read = (struct db_read *)(void *)event->operation;
    if (read->merged || read->is_over)
        return;
    read->parts[event->replica / DATABASE_REPLICAS_MAX].answered |=
        1u << event->replica % DATABASE_REPLICAS_MAX;
    if (is_complete(read))
        merge(read);
}

static void question_arrives(struct db_event *event)
{
    struct db_read *read = (struct db_read *)(void *)event->operation;
    if (read->merged || read->is_over ||
        !store_is_seen(read->table, event->db->nodes[event->at].schema))
        return;
    look(read, event->at, event->replica / DATABASE_REPLICAS_MAX,
         event->replica % DATABASE_REPLICAS_MAX);
    struct db_event *answer = db_send(&read->base, event->at, read->base.coordinator,
                                      answer_arrives, event->db->config.read_timeout_us);
    if (answer != NULL)
        answer->replica = event->replica;
}

static void ask(struct db_read *read, unsigned p, unsigned i)
{
    struct db_read_part *part = &read->parts[p];
    part->asked |= 1u << i;
    struct db_event *event = db_send(&read->base, read->base.coordinator, part->replicas[i],
                                     question_arrives, read->base.db->config.read_timeout_us);
    if (event != NULL)
        event->replica = p * DATABASE_REPLICAS_MAX + i;
}

/* Some replicas that were not asked yet and are believed to be alive; returns how many. */
static unsigned ask_some(struct db_read *read, unsigned p, unsigned count)
{
    struct database *db = read->base.db;
    struct db_read_part *part = &read->parts[p];
    unsigned first =
        (unsigned)(db_draw(db, read->base.key, read->base.message_count, PURPOSE_REPLICAS) %
                   part->copies);
    unsigned asked = 0;
    for (unsigned i = 0; i < part->copies && asked < count; i++) {
        unsigned at = (first + i) % part->copies;
        if ((part->asked & 1u << at) != 0 ||
            !db_sees_alive(db, read->base.coordinator, part->replicas[at]))
            continue;
        ask(read, p, at);
        asked++;
    }
    return asked;
}

static void speculate(struct db_event *event)
{
    struct db_read *read = (struct db_read *)(void *)event->operation;
    if (read->merged || read->is_over)
        return;
    for (unsigned p = 0; p < read->part_count; p++)
        if ((unsigned)__builtin_popcount(read->parts[p].answered) < read->parts[p].needed)
            (void)ask_some(read, p, 1);
}

static void read_timed_out(struct db_event *event)
{
    end((struct db_read *)(void *)event->operation, READ_TIMED_OUT);
}

static void set_parts(struct db_read *read)
{
    struct database *db = read->base.db;
    unsigned copies = db_schema_keyspace_find(db, read->table->keyspace)->copies;
    uint64_t range = UINT64_MAX / db->node_count + 1;

    read->part_count = !read->target.is_scan || copies >= db->node_count ? 1 : db->node_count;
    for (unsigned p = 0; p < read->part_count; p++) {
        struct db_read_part *part = &read->parts[p];
        int64_t token = read->target.token;
        if (read->target.is_scan)
            token = (int64_t)((range * p) ^ UINT64_C(1) << 63);
        part->copies = db_replicas(db, read->table->keyspace, token, part->replicas);
        part->needed = db_needed(read->consistency, part->copies);
    }
}

static bool can_start(const struct db_read *read)
{
    for (unsigned p = 0; p < read->part_count; p++) {
        unsigned alive = 0;
        for (unsigned i = 0; i < read->parts[p].copies; i++)
            alive +=
                db_sees_alive(read->base.db, read->base.coordinator, read->parts[p].replicas[i]);
        if (alive < read->parts[p].needed)
            return false;
    }
    return true;
}

void db_read_run(struct database *db, struct db_request *request, const struct store_table *table,
                 const struct db_target *target, uint16_t consistency, unsigned first_message,
                 void (*done)(struct db_read *read), void *context, struct db_operation *parent)
{
    struct db_read *read = calloc(1, sizeof(*read));
    unsigned coordinator = request->base.coordinator;
    if (read == NULL)
        abort();
    db_operation_init(&read->base, db, coordinator, request->base.key, request, read_free);
    read->base.message_count = first_message;
    arena_init(&read->own, &alloc_heap, (size_t)16 * 1024, SIZE_MAX / 2);
    read->table = table;
    read->target = *target;
    read->consistency = consistency;
    read->now_s = db_statement_now_s(db, coordinator);
    read->done = done;
    read->context = context;
    read->parent = parent;
    if (parent != NULL)
        parent->references++;
    set_parts(read);
    if (!can_start(read)) {
        end(read, READ_UNAVAILABLE);
    } else {
        for (unsigned p = 0; p < read->part_count; p++)
            (void)ask_some(read, p, read->parts[p].needed);
        bool knows = db_draw(db, read->base.key, first_message, PURPOSE_SPECULATE) % 8 != 0;
        (void)db_at_node(db, coordinator, knows ? SPECULATE_US : SPECULATE_UNKNOWN_US, speculate,
                         &read->base);
        (void)db_at_node(db, coordinator, db->config.read_timeout_us, read_timed_out, &read->base);
    }
    db_operation_unref(&read->base);
}

/* --- for a client --- */

static struct slice paging_state(struct db_read *read, const struct db_found *found,
                                 int64_t clustering, int32_t rows)
{
    uint8_t *to = db_take(&read->own, 24 + found->key.len);
    be64_store(to, (uint64_t)found->token);
    be64_store(to + 8, (uint64_t)clustering);
    be64_store(to + 16, (uint64_t)(read->target.before + rows));
    memcpy(to + 24, found->key.data, found->key.len);
    return slice_make(to, 24 + found->key.len);
}

static bool statics_live(const struct db_read *read, const struct store_slice *all)
{
    return all->statics != NULL && store_row_lives(all, all->statics, read->table, read->now_s);
}

static bool is_full(const struct db_read *read, const struct row_writer *writer,
                    const struct db_found *found, int64_t clustering, struct slice *state)
{
    const struct db_target *target = &read->target;
    if (target->limit > 0 && target->before + writer->rows >= target->limit)
        return true;
    if (target->page_size <= 0 || writer->rows < target->page_size)
        return false;
    *state = paging_state((struct db_read *)(uintptr_t)read, found, clustering, writer->rows);
    return true;
}

void db_read_answer(struct db_request *request, const struct db_statement *statement,
                    struct db_read *read)
{
    struct row_writer writer = {.db = read->base.db, .statement = statement, .table = read->table};
    struct slice state = SLICE_NULL;
    bool full = false;

    db_rows_begin(read->base.db);
    for (size_t f = 0; f < read->found_count && !full; f++) {
        const struct db_found *found = read->founds[f];
        const struct store_slice *all = &found->merged;
        int32_t before = writer.rows;
        for (size_t i = 0; i < all->row_count && !full; i++) {
            const struct store_row *row =
                all->rows[read->target.descending ? all->row_count - 1 - i : i];
            if (!store_row_lives(all, row, read->table, read->now_s))
                continue;
            db_rows_put(&writer, found->key, all, row, read->now_s);
            full = is_full(read, &writer, found, row->clustering, &state);
        }
        bool whole = read->target.low == INT64_MIN && read->target.high == INT64_MAX;
        if (!full && writer.rows == before && whole && statics_live(read, all)) {
            db_rows_put(&writer, found->key, all, NULL, read->now_s);
            full = is_full(read, &writer, found, INT64_MAX, &state);
        }
    }
    db_rows_answer(request, &writer, state);
}

static void tell_error(struct db_read *read, int32_t code)
{
    const struct db_read_part *part = &read->parts[0];
    for (unsigned p = 1; p < read->part_count; p++)
        if (__builtin_popcount(read->parts[p].answered) < __builtin_popcount(part->answered))
            part = &read->parts[p];
    struct cql_error error = {.code = code,
                              .message = SLICE_LITERAL("Operation timed out"),
                              .consistency = read->consistency,
                              .required = (int32_t)part->needed,
                              .alive = (int32_t)part->needed - 1,
                              .received = __builtin_popcount(part->answered),
                              .block_for = (int32_t)part->needed,
                              .failure_count = 1,
                              .data_present = part->answered != 0};
    db_request_error(read->base.request, &error);
}

static void read_done(struct db_read *read)
{
    if (read->outcome == READ_DONE)
        db_read_answer(read->base.request, read->context, read);
    else
        tell_error(read, read->outcome == READ_UNAVAILABLE ? CQL_ERROR_UNAVAILABLE
                                                           : CQL_ERROR_READ_TIMEOUT);
}

static bool fails(struct db_request *request)
{
    static const struct {
        enum database_fault fault;
        int32_t code;
    } faults[] = {{DATABASE_READ_TIMEOUT, CQL_ERROR_READ_TIMEOUT},
                  {DATABASE_READ_FAILURE, CQL_ERROR_READ_FAILURE},
                  {DATABASE_REFUSED_UNAVAILABLE, CQL_ERROR_UNAVAILABLE}};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (db_fires(request->base.db, faults[i].fault, request->base.key, 0)) {
            struct cql_error error = {.code = faults[i].code,
                                      .consistency = request->consistency,
                                      .received = 1,
                                      .block_for = 2,
                                      .required = 2,
                                      .failure_count = 1};
            db_request_error(request, &error);
            return true;
        }
    return false;
}

void db_read_start(struct db_request *request, const struct db_bound *bound,
                   const struct db_target *target)
{
    if (!fails(request))
        db_read_run(request->base.db, request, bound->table, target, request->consistency, 0,
                    read_done, (void *)(uintptr_t)bound->statement, NULL);
}
