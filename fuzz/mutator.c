/*
 * The mutator of all targets: libFuzzer changes the peer's bytes or the tape; then, in half of the
 * runs, the target puts right what its protocol counts and sums.
 */
#include "fuzz/repair.h"
#include "fuzz/support.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint8_t tape[256];
    size_t at = fuzz_tape_at(data, size);
    size_t tape_len = size == at ? 0 : size - at - 1;

    if (max_size < sizeof(tape) + 1)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(tape, data + at, tape_len);
    if (seed % 8 == 0 || (seed % 8 == 1 && tape_len > 0)) /* decide otherwise */
        tape_len = LLVMFuzzerMutate(tape, tape_len, 64);
    else
        at = LLVMFuzzerMutate(data, at, max_size - tape_len - 1);
    if (at > max_size - tape_len - 1)
        at = max_size - tape_len - 1;
    if ((seed >> 3) % 2 == 0)
        at = fuzz_repair(data, at, max_size - tape_len - 1, seed >> 4);
    memcpy(data + at, tape, tape_len);
    data[at + tape_len] = (uint8_t)tape_len;
    return at + tape_len + 1;
}
