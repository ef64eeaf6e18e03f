#include "fuzz/support.h"

/* --- tape --- */

uint8_t tape_byte(struct tape *tape)
{
    return tape->bytes.len == 0 ? 0 : tape->bytes.data[tape->at++ % tape->bytes.len];
}

uint32_t tape_below(struct tape *tape, uint32_t limit)
{
    uint32_t value = tape_byte(tape);

    if (limit > 256)
        value = value << 8 | tape_byte(tape);
    return limit == 0 ? 0 : value % limit;
}

bool tape_odd(struct tape *tape)
{
    return (tape_byte(tape) & 1) != 0;
}

/* --- input --- */

size_t fuzz_tape_at(const uint8_t *data, size_t size)
{
    if (size == 0 || data[size - 1] > size - 1)
        return size;
    return size - 1 - data[size - 1];
}

struct fuzz_input fuzz_input_split(const uint8_t *data, size_t size)
{
    size_t at = fuzz_tape_at(data, size);
    uint8_t *copy = malloc(at);

    REQUIRE(copy != NULL || at == 0);
    if (at > 0)
        memcpy(copy, data, at);
    return (struct fuzz_input){
        .bytes = {copy, at},
        .tape = {.bytes = {data + at, size == at ? 0 : size - at - 1}},
    };
}

void fuzz_input_free(struct fuzz_input *input)
{
    free((void *)(uintptr_t)input->bytes.data);
}

/* --- memory --- */

static bool fails_now(struct fuzz_alloc *memory)
{
    memory->calls++;
    if (memory->fail_at == 0 || memory->calls < memory->fail_at)
        return false;
    return memory->calls == memory->fail_at || memory->fails_on;
}

static void *resize(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    struct fuzz_alloc *memory = context;

    REQUIRE((block == NULL) == (old_bytes == 0) && old_bytes <= memory->live_bytes);
    if (new_bytes > 0 && fails_now(memory)) {
        memory->failures++;
        return NULL;
    }
    uint8_t *fresh = new_bytes == 0 ? NULL : malloc(new_bytes);
    if (fresh == NULL && new_bytes > 0)
        return NULL;
    /* Moves always, so that a stale pointer is noticed, and is not zero, so that counting on zeroed
     * memory is. */
    if (fresh != NULL)
        memset(fresh, 0xa5, new_bytes);
    if (fresh != NULL && block != NULL)
        memcpy(fresh, block, old_bytes < new_bytes ? old_bytes : new_bytes);
    free(block);
    memory->live_bytes += new_bytes - old_bytes;
    if (memory->live_bytes > memory->peak_bytes)
        memory->peak_bytes = memory->live_bytes;
    return fresh;
}

void fuzz_alloc_init(struct fuzz_alloc *memory)
{
    *memory = (struct fuzz_alloc){.alloc = {.resize = resize, .context = memory}};
}

void fuzz_alloc_init_tape(struct fuzz_alloc *memory, struct tape *tape)
{
    uint8_t decision = tape_byte(tape);

    fuzz_alloc_init(memory);
    memory->fail_at = decision & 0x7f;
    memory->fails_on = (decision & 0x80) != 0;
}

void fuzz_alloc_end(const struct fuzz_alloc *memory)
{
    REQUIRE(memory->live_bytes == 0);
}
