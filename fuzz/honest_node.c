#include "fuzz/honest_node.h"

#include "core/control/control_internal.h"
#include "fuzz/support.h"
#include "kafka/alter_configs.h"
#include "kafka/create_partitions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "kafka/describe_producers.h"
#include "kafka/error.h"
#include "kafka/init_producer_id.h"
#include "kafka/list_offsets.h"
#include "proto/endian.h"
#include "tests/support/batch_builder.h"
#include "tests/support/fake_db.h"
#include "tests/support/table_model.h"

#define MS_US    INT64_C(1000)
#define DRAIN_US (3 * SECOND_US)

enum { SEGMENT_ROWS = 12, TABLES_KEPT = 8, ROUNDS = 3, HEARTBEATS = 5 };

/* --- a life --- */

static int64_t core_deadline_us(void *context)
{
    const struct life *life = context;
    return life->fatal ? NEVER_US : gateway_deadline_us(life->gateway);
}

static void core_tick(void *context, struct moment now)
{
    gateway_tick(((struct life *)context)->gateway, now);
}

static void core_turn(void *context, struct moment now)
{
    struct life *life = context;
    if (life->fatal)
        return; /* the driver has ended */
    for (int i = 0; i < 2; i++)
        if (life->clients[i] != NULL)
            fake_client_feed(life->clients[i]);
    gateway_turn(life->gateway, now);
}

static void core_action(void *context, const struct action *action, struct moment now)
{
    struct life *life = context;
    (void)now;
    if (action->client != NULL)
        fake_client_action(client_driver(action->client), action);
    life->ready = life->ready || action->kind == ACTION_READY;
    life->drained = life->drained || action->kind == ACTION_DRAINED;
    if (action->kind == ACTION_FATAL && !life->fatal) {
        life->fatal = true;
        life->exit_code = action->exit_code;
        (void)snprintf(life->fatal_text, sizeof(life->fatal_text), "%s", action->text);
    }
}

void life_init(struct life *life, enum script script, const struct alloc *memory,
               fake_handler handler, void *context)
{
    /* Without a drain the first leaves its row open: the second finds a predecessor that is gone.
     */
    *life = (struct life){.drains = script != SCRIPT_EMPTY};
    gateway_config_defaults(&life->config);
    life->config.alloc = memory == NULL ? &alloc_heap : memory;
    life->config.version = "fuzz";
    life->config.random_seed = 1 + script;
    life->config.discover_nodes = false; /* cql_topology is for that */
    life->config.contact_points = &life->point;
    life->config.contact_point_count = 1;
    life->config.segment_max_rows = SEGMENT_ROWS;
    life->config.num_partitions = 2;
    life->config.member = "gateway";
    life->config.boot_id = "boot/net:[1]";
    life->config.drain_timeout_us = DRAIN_US;
    life->config.predecessor_gone = script == SCRIPT_WRITTEN;
    life->point = (struct contact_point){"a", 9042};
    fake_net_init(&life->net, NULL);
    life->net.print_log = getenv("PRINT_LOG") != NULL;
    life->node = fake_net_add(&life->net, "a", 9042);
    life->node->handler = handler;
    life->node->context = context;
}

static void clients_close(struct life *life)
{
    for (int i = 0; i < 2; i++) {
        if (life->clients[i] == NULL)
            continue;
        fake_client_deinit(life->clients[i]);
        free(life->clients[i]);
        life->clients[i] = NULL;
    }
}

void life_deinit(struct life *life)
{
    clients_close(life);
    if (life->gateway != NULL)
        gateway_free(life->gateway);
    fake_net_deinit(&life->net);
}

/* True: it is there and takes requests. */
static bool client_is_there(struct life *life, int which)
{
    if (life->clients[which] == NULL) {
        life->clients[which] = calloc(1, sizeof(struct fake_client));
        REQUIRE(life->clients[which] != NULL);
        fake_client_open(life->clients[which], life->gateway, &life->net);
    }
    return life->clients[which]->client != NULL;
}

/* --- what its clients do --- */

static void produce(struct life *life, int32_t partition, int64_t producer_id, int32_t sequence,
                    int32_t count)
{
    struct batch_builder builder;

    if (!client_is_there(life, 0))
        return;
    batch_builder_init(&builder);
    builder.producer_id = producer_id;
    builder.producer_epoch = producer_id < 0 ? -1 : 0;
    builder.base_sequence = producer_id < 0 ? -1 : sequence;
    for (int32_t i = 0; i < count; i++)
        batch_add(&builder, 1700000000000 + i, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
    (void)fake_client_produce(life->clients[0],
                              &(struct fake_produce){.topic = "orders",
                                                     .partition = partition,
                                                     .timeout_ms = 1000,
                                                     .records = batch_build(&builder)});
    life->produce_count++;
    batch_builder_deinit(&builder);
}

static void look_at_topic(struct life *life, int32_t partition)
{
    static const int64_t times[] = {KAFKA_OFFSET_EARLIEST, KAFKA_OFFSET_MAX_TIMESTAMP,
                                    1700000000001};
    for (size_t i = 0; i < 3 && client_is_there(life, 1); i++) {
        struct kafka_list_offsets_partition asked = {partition, -1, times[i], 1};
        struct kafka_list_offsets_topic topic = {SLICE_LITERAL("orders"), &asked, 1};
        struct kafka_list_offsets_request request = {-1, 0, &topic, 1, 0};
        (void)fake_client_send(life->clients[1], KAFKA_LIST_OFFSETS, 7, &request);
    }
    struct kafka_describe_producers_topic topic = {SLICE_LITERAL("orders"), &partition, 1};
    struct kafka_describe_producers_request request = {&topic, 1};
    if (client_is_there(life, 1))
        (void)fake_client_send(life->clients[1], KAFKA_DESCRIBE_PRODUCERS, 0, &request);
}

static void make_topics(struct life *life)
{
    struct kafka_create_topics_topic made = {
        .name = SLICE_LITERAL("made"), .num_partitions = 1, .replication_factor = -1};
    struct kafka_create_topics_request create = {&made, 1, 10000, false};
    struct kafka_create_partitions_topic grown = {SLICE_LITERAL("orders"), 3, NULL, -1};
    struct kafka_create_partitions_request grow = {&grown, 1, 10000, false};
    struct kafka_alter_configs_config config = {SLICE_LITERAL("retention.ms"), KAFKA_CONFIG_SET,
                                                SLICE_LITERAL("3600000")};
    struct kafka_alter_configs_resource resource = {KAFKA_RESOURCE_TOPIC, SLICE_LITERAL("orders"),
                                                    &config, 1};
    struct kafka_alter_configs_request alter = {&resource, 1, false};
    struct kafka_delete_topics_topic deleted = {.name = SLICE_LITERAL("made")};
    struct kafka_delete_topics_request delete = {&deleted, 1, 10000};

    if (client_is_there(life, 1))
        (void)fake_client_send(life->clients[1], KAFKA_CREATE_TOPICS, 5, &create);
    if (client_is_there(life, 1))
        (void)fake_client_send(life->clients[1], KAFKA_CREATE_PARTITIONS, 1, &grow);
    if (client_is_there(life, 1))
        (void)fake_client_send(life->clients[1], KAFKA_INCREMENTAL_ALTER_CONFIGS, 0, &alter);
    if (client_is_there(life, 1))
        (void)fake_client_send(life->clients[1], KAFKA_DELETE_TOPICS, 4, &delete);
}

static void take_codes(struct life *life)
{
    struct kafka_produce_partition_response produced;

    while (life->clients[0] != NULL && life->produced_count < 16 &&
           fake_client_produced(life->clients[0], &produced))
        life->produced[life->produced_count++] = produced.error_code;
}

static void work(struct life *life)
{
    struct kafka_init_producer_id_request init = KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT;

    if (client_is_there(life, 1)) {
        fake_client_ask_topic(life->clients[1], "orders");
        (void)fake_client_send(life->clients[1], KAFKA_INIT_PRODUCER_ID, 2, &init);
    }
    fake_net_run(&life->net, 2 * SECOND_US);
    for (int32_t round = 0; round < ROUNDS; round++) {
        for (int32_t partition = 0; partition < 2; partition++) {
            produce(life, partition, 1000 + partition, round * 5, 5);
            if (round == 1)
                produce(life, partition, -1, -1, 2);
        }
        fake_net_run(&life->net, round == 0 ? 3 * SECOND_US : 100 * MS_US);
    }
    look_at_topic(life, 0);
    look_at_topic(life, 1);
    fake_net_run(&life->net, SECOND_US);
    make_topics(life);
    fake_net_run(&life->net, 12 * SECOND_US);
    take_codes(life);
}

static void drain(struct life *life)
{
    gateway_drain(life->gateway, life->net.now);
    clients_close(life);
    for (int64_t us = 0; us <= DRAIN_US + SECOND_US && !life->drained && !life->fatal;
         us += 100 * MS_US)
        fake_net_run(&life->net, 100 * MS_US);
}

bool life_run(struct life *life)
{
    life->gateway = gateway_new(&life->config, life->net.now);
    if (life->gateway == NULL)
        return false;
    life->net.actions = gateway_actions(life->gateway);
    life->net.core = (struct fake_core){.context = life,
                                        .deadline_us = core_deadline_us,
                                        .tick = core_tick,
                                        .turn = core_turn,
                                        .action = core_action};
    gateway_start(life->gateway, life->net.now);
    for (int i = 0; i < 50 && !life->ready && !life->fatal; i++)
        fake_net_run(&life->net, 100 * MS_US);
    if (!life->ready)
        fake_net_run(&life->net, 3 * SECOND_US);
    if (life->ready && !life->fatal)
        work(life);
    if (life->drains && !life->fatal)
        drain(life);
    return true;
}

/* --- the honest node --- */

static struct recording recordings[SCRIPT_COUNT];

struct honest {
    struct fake_db *db;         /* what the control plane keeps */
    struct table_model *tables; /* logs and their index */
    char logs[TABLES_KEPT][64];
    unsigned log_count;
    unsigned heartbeats;         /* that the neighbour has left */
    struct recording *recording; /* of the life that is led */
};

struct slice query_text(const struct fake_request *request)
{
    if (request->opcode != CQL_QUERY || request->body.len < 4 ||
        be32_load(request->body.data) > request->body.len - 4)
        return SLICE_NULL;
    return slice_make(request->body.data + 4, be32_load(request->body.data));
}

static bool has(struct slice text, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.data + i, part, len) == 0)
            return true;
    return false;
}

static void learn_table(struct honest *honest, struct slice text)
{
    static const char head[] = "CREATE TABLE IF NOT EXISTS \"sluice\".\"";
    if (text.len < sizeof(head) || memcmp(text.data, head, sizeof(head) - 1) != 0 ||
        !has(text, "(partition int"))
        return;
    const uint8_t *name = text.data + sizeof(head) - 1;
    const uint8_t *end = memchr(name, '"', text.len - sizeof(head) + 1);
    REQUIRE(end != NULL && end - name < 60 && honest->log_count < TABLES_KEPT);
    char *kept = honest->logs[honest->log_count++];
    memcpy(kept, name, (size_t)(end - name));
    table_model_create_log(honest->tables, kept);
}

static bool is_of_log(const struct honest *honest, struct slice text)
{
    static const char *const verbs[] = {"SELECT ", "INSERT ", "DELETE "};
    bool starts = false;
    for (int i = 0; i < 3; i++)
        starts = starts || (text.len > 7 && memcmp(text.data, verbs[i], 7) == 0);
    for (unsigned i = 0; i < honest->log_count; i++) {
        char name[70];
        (void)snprintf(name, sizeof(name), "\"sluice\".\"%s\"", honest->logs[i]);
        if (starts && has(text, name))
            return true;
    }
    return starts && has(text, ".sluice_segments");
}

static void learn_statement(struct honest *honest, const struct fake_node *node, struct slice body)
{
    struct slice text = slice_make(body.data + 4, body.len - 4);
    uint8_t id[16];
    fake_statement_id((const char *)text.data, text.len, node->id_salt, id);
    table_model_prepare(honest->tables, slice_make(id, sizeof(id)), text);
}

static void *grow(void *items, unsigned count, unsigned *capacity, size_t bytes)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    items = realloc(items, *capacity * bytes);
    REQUIRE(items != NULL);
    return items;
}

static struct slice keep(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    REQUIRE(copy != NULL);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return slice_make(copy, bytes.len);
}

struct recorded *recording_find(const struct recording *recording, struct slice text)
{
    for (unsigned i = 0; i < recording->count; i++)
        if (slice_equal(recording->statements[i].text, text))
            return &recording->statements[i];
    return NULL;
}

static void record(struct recording *recording, struct slice text, const struct fake_answer *answer)
{
    struct recorded *recorded = recording_find(recording, text);
    if (recorded == NULL) {
        recording->statements = grow(recording->statements, recording->count, &recording->capacity,
                                     sizeof(*recording->statements));
        recorded = &recording->statements[recording->count++];
        *recorded = (struct recorded){.text = keep(text)};
    }
    recorded->answers =
        grow(recorded->answers, recorded->count, &recorded->capacity, sizeof(*recorded->answers));
    recorded->answers[recorded->count++] = (struct recorded_answer){
        .error = answer->error,
        .body = answer->opcode == CQL_RESULT ? keep(answer->body) : SLICE_NULL,
    };
}

static void ask_tables(struct honest *honest, const struct fake_request *request,
                       struct fake_answer *answer)
{
    static struct model_answer executed;
    table_model_execute(honest->tables, request->opcode, request->body, &executed);
    if (executed.error == CQL_ERROR_UNPREPARED)
        return; /* the node's own answer names the id */
    if (executed.error != 0)
        *answer = (struct fake_answer){.error = executed.error, .message = executed.message};
    else if (request->opcode == CQL_QUERY)
        *answer = (struct fake_answer){.opcode = CQL_RESULT, .body = executed.body};
}

/* A row of one or two numbers, for what the model does not know: max(timestamp), and the first
 * row of a time. */
static void answer_numbers(bool two, struct fake_answer *answer)
{
    static uint8_t row[24] = {0, 0, 0, 8, [15] = 8};
    static struct buf body;
    struct cql_column columns[2] = {{SLICE_LITERAL("sluice"),
                                     SLICE_LITERAL("orders"),
                                     SLICE_LITERAL("offset"),
                                     {.id = CQL_TYPE_BIGINT}},
                                    {SLICE_LITERAL("sluice"),
                                     SLICE_LITERAL("orders"),
                                     SLICE_LITERAL("timestamp"),
                                     {.id = CQL_TYPE_TIMESTAMP}}};
    struct cql_result result = {
        .kind = CQL_RESULT_ROWS,
        .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC,
                     .column_count = 1 + two,
                     .columns = two ? columns : columns + 1},
        .row_count = 1,
        .rows = two ? slice_make(row, 24) : slice_make(row + 12, 12),
    };
    struct wire wire;

    be64_store(row + 4, 1);
    be64_store(row + 16, 1700000000001);
    if (body.alloc != NULL)
        buf_deinit(&body);
    buf_init(&body, &alloc_heap, 4096);
    wire_init_encode(&wire, &body);
    cql_result_walk(&wire, &result);
    REQUIRE(wire.error == STATUS_OK);
    *answer = (struct fake_answer){.opcode = CQL_RESULT, .body = buf_unread(&body)};
}

/*
 * The neighbours of SCRIPT_SHARED: 'alive' renews for some seconds and leads the second partition,
 * 'silent' has ended and left the first one, 'lost' has no row any more. Our own row is of a
 * process that may still be there.
 */
static void add_neighbours(struct honest *honest, int64_t ceiling_us)
{
    static const char *const names[8] = {"silent", "alive", [3] = "lost"};
    uint8_t topic_id[16];
    char text[300];

    struct slice id = fake_db_cell(
        honest->db, "SELECT topic_id FROM sluice.sluice_topics WHERE topic = 'orders'");
    REQUIRE(id.len == sizeof(topic_id));
    memcpy(topic_id, id.data, sizeof(topic_id));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof(text),
                       "INSERT INTO sluice.sluice_members (member, incarnation, boot, lease_ms, "
                       "ceiling, closed) VALUES ('%s', %d, 'elsewhere', 1000, %lld, false)",
                       names[i], 7 + i, (long long)ceiling_us);
        (void)fake_db_run(honest->db, text);
    }
    for (int slot = 0, first = slot_of(topic_id, 0); slot < SLOT_COUNT; slot++) {
        const char *name = names[(slot - first + SLOT_COUNT) % 8];
        if (name == NULL)
            continue;
        (void)snprintf(text, sizeof(text),
                       "UPDATE sluice.sluice_slots SET member = '%s' WHERE slot = %d", name, slot);
        (void)fake_db_run(honest->db, text);
    }
    (void)fake_db_run(honest->db, "UPDATE sluice.sluice_members SET closed = false, boot = "
                                  "'before', lease_ms = 1000 WHERE member = 'gateway'");
    honest->heartbeats = HEARTBEATS;
}

static void heartbeat(struct honest *honest)
{
    char text[120];

    if (honest->heartbeats == 0)
        return;
    honest->heartbeats--;
    (void)snprintf(text, sizeof(text),
                   "UPDATE sluice.sluice_members SET ceiling = %lld WHERE member = 'alive'",
                   (long long)fake_db_number(honest->db, "SELECT ceiling FROM "
                                                         "sluice.sluice_members WHERE member = "
                                                         "'alive'") +
                       SECOND_US);
    (void)fake_db_run(honest->db, text);
}

static void honest_handler(void *context, struct fake_node *node,
                           const struct fake_request *request, struct fake_answer *answer)
{
    struct honest *honest = context;
    struct slice text = query_text(request);

    if (request->opcode == CQL_PREPARE)
        learn_statement(honest, node, request->body);
    if (text.data != NULL && has(text, "SELECT member,"))
        heartbeat(honest);
    if (text.data != NULL && has(text, "max(timestamp)"))
        answer_numbers(false, answer);
    else if (text.data != NULL && has(text, "ALLOW FILTERING"))
        answer_numbers(true, answer);
    else if (request->opcode == CQL_BATCH || (text.data != NULL && is_of_log(honest, text)))
        ask_tables(honest, request, answer);
    else if (text.data != NULL)
        fake_db_handle(honest->db, node, request, answer);
    if (text.data != NULL)
        learn_table(honest, text);
    if (text.data != NULL)
        record(honest->recording, text, answer);
}

static struct moment lead_life(struct honest *honest, enum script script, struct moment start)
{
    struct life life;
    life_init(&life, script, NULL, honest_handler, honest);
    if (start.boot_us != 0)
        life.net.now = start;
    honest->recording = &recordings[script];
    honest->recording->start = life.net.now;
    REQUIRE(life_run(&life) && life.ready && !life.fatal && life.drained == life.drains);
    REQUIRE(life.produced_count == life.produce_count);
    for (unsigned i = 0; i < life.produced_count; i++)
        REQUIRE(life.produced[i] == 0 ||
                (script == SCRIPT_SHARED && life.produced[i] == KAFKA_NOT_LEADER_OR_FOLLOWER));
    struct moment end = life.net.now;
    life_deinit(&life);
    end.boot_us += SECOND_US;
    end.wall_us += SECOND_US;
    return end;
}

const struct recording *recording_of(enum script script)
{
    if (recordings[0].count > 0)
        return &recordings[script];
    static struct honest honest;
    honest.db = fake_db_new();
    honest.tables = table_model_new();
    table_model_create_segments(honest.tables);
    struct moment at = lead_life(&honest, SCRIPT_EMPTY, (struct moment){0});
    at = lead_life(&honest, SCRIPT_WRITTEN, at);
    add_neighbours(&honest, at.wall_us);
    (void)lead_life(&honest, SCRIPT_SHARED, at);
    fake_db_free(honest.db);
    table_model_free(honest.tables);
    return &recordings[script];
}
