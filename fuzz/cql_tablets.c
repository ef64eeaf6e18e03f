/*
 * What ScyllaDB's nodes tell of tablets: values of the payload, each after its length (2 bytes).
 * The tape says for which table each is learned, and what is forgotten in between. A list of all
 * that was learned, and of what each new one replaced, must give the same answer for any token.
 */
#include "core/cluster/tablets.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "proto/endian.h"

enum { TABLES = 3, KNOWN_MAX = 256, MEMORY_CONSTANT = 16 << 10 };

struct known {
    unsigned table;
    struct tablet_told told;
};

struct model {
    struct known all[KNOWN_MAX];
    size_t count;
};

static const uint8_t *table_id(unsigned table)
{
    static const uint8_t ids[TABLES][16] = {{1}, {2, 2}, {0xff, 3}};

    return ids[table];
}

static void check_told(const struct tablet_told *told)
{
    REQUIRE(told->first < told->last);
    REQUIRE(told->replica_count > 0 && told->replica_count <= TABLET_COPIES_MAX);
}

/* --- the model --- */

static void drop(struct model *model, size_t at)
{
    model->all[at] = model->all[--model->count];
}

static void model_add(struct model *model, unsigned table, const struct tablet_told *told)
{
    for (size_t i = model->count; i-- > 0;)
        if (model->all[i].table == table && model->all[i].told.first < told->last &&
            told->first < model->all[i].told.last)
            drop(model, i);
    REQUIRE(model->count < KNOWN_MAX);
    model->all[model->count++] = (struct known){table, *told};
}

static void model_drop_table(struct model *model, unsigned table)
{
    for (size_t i = model->count; i-- > 0;)
        if (model->all[i].table == table)
            drop(model, i);
}

static void model_forget(struct model *model, const uint8_t host_id[16])
{
    for (size_t i = model->count; i-- > 0;) {
        const struct tablet_told *told = &model->all[i].told;
        bool named = false;
        for (size_t r = 0; r < told->replica_count; r++)
            named = named || memcmp(told->replicas[r].host_id, host_id, 16) == 0;
        if (named)
            drop(model, i);
    }
}

static const struct tablet_told *model_find(const struct model *model, unsigned table,
                                            int64_t token)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->all[i].table == table && model->all[i].told.first < token &&
            token <= model->all[i].told.last)
            return &model->all[i].told;
    return NULL;
}

/* --- both --- */

static void check_token(const struct tablets *tablets, const struct model *model, unsigned table,
                        int64_t token)
{
    const struct tablet_table *known = tablets_table(tablets, table_id(table));
    const struct tablet *tablet = known == NULL ? NULL : tablet_of_token(known, token);
    const struct tablet_told *told = model_find(model, table, token);

    REQUIRE((tablet == NULL) == (told == NULL));
    if (tablet == NULL)
        return;
    REQUIRE(tablet->first == told->first && tablet->last == told->last);
    REQUIRE(tablet->replica_count == told->replica_count);
    for (size_t i = 0; i < told->replica_count; i++) {
        const struct tablet_host *host = tablets_host(tablets, tablet->replicas[i].host);
        REQUIRE(memcmp(host->id, told->replicas[i].host_id, 16) == 0);
        REQUIRE(tablet->replicas[i].shard == told->replicas[i].shard);
    }
}

static void check_all(const struct tablets *tablets, const struct model *model)
{
    REQUIRE(tablets->count == model->count);
    for (size_t i = 0; i < model->count; i++) {
        const struct known *known = &model->all[i];
        check_token(tablets, model, known->table, known->told.first);
        check_token(tablets, model, known->table, known->told.last);
        check_token(tablets, model, known->table, known->told.first + 1);
        check_token(tablets, model, (known->table + 1) % TABLES, known->told.last);
    }
}

static void learn(struct tablets *tablets, struct model *model, struct slice value,
                  struct tape *tape, const struct fuzz_alloc *memory)
{
    unsigned number = tape_below(tape, TABLES);
    struct tablet_told told;
    int rc = tablet_read(value, &told);

    REQUIRE(rc == STATUS_OK || rc == STATUS_MALFORMED);
    if (rc < 0)
        return;
    check_told(&told);
    struct tablet_table *table = tablets_make(tablets, table_id(number));
    REQUIRE(table != NULL || memory->failures > 0);
    if (table == NULL)
        return;
    rc = tablets_add(tablets, table, &told);
    REQUIRE(rc == STATUS_OK || memory->failures > 0);
    if (rc == STATUS_OK)
        model_add(model, number, &told);
}

static void forget_some(struct tablets *tablets, struct model *model, struct tape *tape)
{
    unsigned table = tape_below(tape, TABLES);
    struct tablet_table *known = tablets_table(tablets, table_id(table));
    uint8_t host_id[16];

    switch (tape_below(tape, 8)) {
    case 1:
        tablets_drop(tablets, table_id(table));
        model_drop_table(model, table);
        break;
    case 2:
        if (known != NULL)
            tablets_clear(tablets, known);
        model_drop_table(model, table);
        break;
    case 3:
        if (model->count == 0)
            break;
        memcpy(host_id, model->all[0].told.replicas[0].host_id, 16);
        tablets_forget_host(tablets, host_id);
        model_forget(model, host_id);
        break;
    default: /* an empty tape: nothing */
        break;
    }
}

/* --- a run --- */

static struct slice next_value(struct slice *rest)
{
    size_t len = be16_load(rest->data);

    if (len > rest->len - 2)
        len = rest->len - 2;
    struct slice value = slice_make(rest->data + 2, len);
    *rest = slice_make(value.data + len, rest->len - 2 - len);
    return value;
}

/* | 8 | first | 8 | last | length | count | 28 | 16 | host | 4 | shard | 28 ... as far as it goes.
 */
static void repair_value(uint8_t *p, size_t len)
{
    enum { HEAD = 32, REPLICA = 32 };

    if (len < HEAD + REPLICA)
        return;
    uint32_t count = (uint32_t)((len - HEAD) / REPLICA);
    be32_store(p, 8);
    be32_store(p + 12, 8);
    be32_store(p + 24, (uint32_t)(len - HEAD + 4));
    be32_store(p + 28, count);
    for (uint8_t *replica = p + HEAD; count > 0; count--, replica += REPLICA) {
        be32_store(replica, 28);
        be32_store(replica + 4, 16);
        be32_store(replica + 24, 4);
        be16_store(replica + 28, 0);
    }
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    for (size_t at = 0; len - at >= 2;) {
        size_t size = be16_load(bytes + at);
        if (size > len - at - 2)
            size = len - at - 2;
        be16_store(bytes + at, (uint16_t)size);
        repair_value(bytes + at + 2, size);
        at += 2 + size;
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct slice rest = input.bytes;
    static struct model model;
    struct fuzz_alloc memory;
    struct tablets tablets;

    model.count = 0;
    fuzz_alloc_init_tape(&memory, &input.tape);
    tablets_init(&tablets, &memory.alloc);
    while (rest.len >= 2 && model.count < KNOWN_MAX) {
        learn(&tablets, &model, next_value(&rest), &input.tape, &memory);
        forget_some(&tablets, &model, &input.tape);
    }
    check_all(&tablets, &model);
    REQUIRE(memory.peak_bytes <= MEMORY_CONSTANT + 64 * input.bytes.len);
    tablets_deinit(&tablets);
    fuzz_alloc_end(&memory);
    fuzz_input_free(&input);
    return 0;
}
