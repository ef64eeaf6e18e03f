/*
 * A node that lies, against the whole gateway: boot, topics, slots, recovery, producers, tools. It
 * answers as an honest one did (honest_node.h), except for the lies of the input (lies.h).
 *
 * Whatever it says: every client gets an answer in time, with a code that is one; what the gateway
 * asks and holds stays bounded; log lines are lines; who cannot go on says why; and a drain ends by
 * its deadline.
 */
#include "fuzz/honest_node.h"
#include "fuzz/lies.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "kafka/error.h"

enum {
    STATEMENTS_MAX = 128,
    REQUESTS_MAX = 12000, /* a life of 20 s asks about 250; 200 a second of each machine at most */
    MEMORY_CONSTANT = 8 << 20,
};

struct liar {
    const struct recording *recording;
    struct lie lies[LIES_MAX];
    size_t lie_count;
    unsigned seen[STATEMENTS_MAX]; /* by statement; then PREPARE, BATCH */
    unsigned requests;
    size_t told_bytes;
    struct life *life;
};

/* Which statement of the recording: its index, or behind them PREPARE, BATCH and all others. */
static unsigned statement_of(const struct liar *liar, const struct fake_request *request,
                             const struct recorded *recorded)
{
    unsigned count = liar->recording->count;
    if (recorded >= liar->recording->statements && recorded < liar->recording->statements + count)
        return (unsigned)(recorded - liar->recording->statements);
    return count + (request->opcode == CQL_PREPARE ? 0 : request->opcode == CQL_BATCH ? 1 : 2);
}

static struct slice honest_answer(const struct recorded *recorded, unsigned occurrence,
                                  struct fake_answer *answer)
{
    if (recorded == NULL)
        return SLICE_NULL;
    const struct recorded_answer *kept =
        &recorded->answers[occurrence < recorded->count ? occurrence : recorded->count - 1];
    if (kept->error != 0)
        *answer = (struct fake_answer){.error = kept->error};
    else if (kept->body.data != NULL)
        *answer = (struct fake_answer){.opcode = CQL_RESULT, .body = kept->body};
    return kept->body;
}

/* What was asked too often. */
static void tell(const struct liar *liar)
{
    for (unsigned i = 0; i < liar->recording->count + 3; i++)
        if (liar->seen[i] > 200)
            fprintf(stderr, "%u times %.*s\n", liar->seen[i],
                    i < liar->recording->count ? (int)liar->recording->statements[i].text.len : 0,
                    (const char *)liar->recording->statements[i].text.data);
}

static void lying_handler(void *context, struct fake_node *node, const struct fake_request *request,
                          struct fake_answer *answer)
{
    struct liar *liar = context;
    const struct lie *told[LIES_MAX];
    struct slice text = query_text(request);
    size_t count = 0;

    fake_node_clear_log(node);
    if (++liar->requests > REQUESTS_MAX)
        tell(liar);
    REQUIRE(liar->requests <= REQUESTS_MAX);
    if (liar->life->fatal) {
        answer->silence = true;
        return;
    }
    const struct recorded *recorded =
        text.data == NULL ? NULL : recording_find(liar->recording, text);
    for (int i = 0; recorded == NULL && text.data != NULL && i < SCRIPT_COUNT; i++)
        recorded = recording_find(recording_of((enum script)i), text);
    unsigned statement = statement_of(liar, request, recorded);
    unsigned occurrence = liar->seen[statement]++;
    struct slice honest = honest_answer(recorded, occurrence, answer);
    for (size_t i = 0; i < liar->lie_count; i++) {
        const struct lie *lie = &liar->lies[i];
        if (lie->statement % (liar->recording->count + 3) == statement &&
            (lie->occurrence == LIE_EVERY || lie->occurrence == occurrence))
            told[count++] = lie;
    }
    if (count > 0)
        lies_tell(told, count, honest, answer);
    liar->told_bytes += answer->body.len;
}

/* --- what must hold --- */

static void check_text(const char *text)
{
    REQUIRE(text[0] != '\0');
    for (; *text != '\0'; text++)
        REQUIRE((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_log(const struct fake_net *net)
{
    struct slice log = buf_unread(&net->log);
    for (size_t i = 0; i < log.len; i++)
        REQUIRE(log.data[i] == '\n' || (log.data[i] >= 0x20 && log.data[i] != 0x7f));
}

static void check_code(int16_t code)
{
    static const int16_t codes[] = {
        0,
        KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
        KAFKA_NOT_LEADER_OR_FOLLOWER,
        KAFKA_REQUEST_TIMED_OUT,
        KAFKA_MESSAGE_TOO_LARGE,
        KAFKA_NOT_ENOUGH_REPLICAS,
        KAFKA_TOPIC_AUTHORIZATION_FAILED,
        KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER,
        KAFKA_DUPLICATE_SEQUENCE_NUMBER,
        KAFKA_INVALID_PRODUCER_EPOCH,
        KAFKA_STORAGE_ERROR,
        KAFKA_INVALID_TIMESTAMP,
        KAFKA_INVALID_RECORD,
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i] == code)
            return;
    fprintf(stderr, "code %d\n", code);
    REQUIRE(false);
}

static void check_life(const struct life *life, bool memory_failed)
{
    check_log(&life->net);
    if (life->fatal) {
        if (getenv("FUZZ_TELL") != NULL)
            fprintf(stderr, "fatal: %s\n", life->fatal_text);
        REQUIRE(life->exit_code != 0);
        check_text(life->fatal_text);
        return;
    }
    REQUIRE(life->drained == life->drains || memory_failed);
    if (!life->ready) {
        REQUIRE(memory_failed || buf_len(&life->net.log) > 0);
        return;
    }
    for (unsigned i = 0; i < life->produced_count; i++)
        check_code(life->produced[i]);
    if (!memory_failed && life->clients[0] != NULL && !life->clients[0]->closed_by_gateway)
        REQUIRE(life->produced_count == life->produce_count);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    /* The lengths of the lies: else a change of one moves all behind it. */
    for (size_t at = 6; at < len; at += 7 + (size_t)bytes[at])
        bytes[at] = (seed & 1) != 0 ? bytes[at] % 24 : bytes[at];
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct fuzz_alloc memory;
    static struct life life;
    static struct liar liar;

    fuzz_alloc_init_tape(&memory, &input.tape);
    memory.fail_at *= 8; /* a life takes about a thousand */
    enum script script = tape_odd(&input.tape) ? SCRIPT_EMPTY : SCRIPT_WRITTEN;
    bool chunks = tape_below(&input.tape, 4) == 1;
    if (tape_below(&input.tape, 4) == 3)
        script = SCRIPT_SHARED;
    liar = (struct liar){.recording = recording_of(script)};
    liar.lie_count = lies_read(input.bytes, liar.lies);
    liar.life = &life;
    life_init(&life, script, &memory.alloc, lying_handler, &liar);
    life.net.now = liar.recording->start;
    life.net.chunk_bytes = chunks ? 700 : 0;
    life.config.speculative_delay_us = 0;
    life.config.max_partitions_total = 2000; /* each is a KiB */
    (void)life_run(&life);
    check_life(&life, memory.failures > 0);
    if (getenv("FUZZ_TELL") != NULL)
        fprintf(stderr,
                "requests %u calls %zu peak %zu told %zu ready %d fatal %d codes %u of %u\n",
                liar.requests, memory.calls, memory.peak_bytes, liar.told_bytes, life.ready,
                life.fatal, life.produced_count, life.produce_count);
    REQUIRE(memory.peak_bytes <= MEMORY_CONSTANT + 64 * liar.told_bytes);
    life_deinit(&life);
    fuzz_alloc_end(&memory);
    fuzz_input_free(&input);
    return 0;
}
