/*
 * The structure-aware half of mutation: puts right what a protocol counts and sums, so that a
 * change gets past the first check. Done in half of the runs; in the other half it stays broken.
 */
#ifndef FUZZ_REPAIR_H
#define FUZZ_REPAIR_H

#include <stddef.h>
#include <stdint.h>

/* Each target has one. Returns the new length, at most `room`. */
size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed);

/* Key and version of a request header, or of the two bytes in front of a response: known ones. */
void repair_kafka_header(uint8_t *frame, size_t len);
/* Sizes of frames, one behind the other: one that does not fit ends with the bytes. With that the
 * header of each. */
void repair_kafka_frames(uint8_t *bytes, size_t len);
/* The checksum of everything that looks like a record batch. */
void repair_record_batches(uint8_t *bytes, size_t len);
/* All that a batch's header must say when the bytes are one batch, and its checksum. */
void repair_record_batch(uint8_t *bytes, size_t len);
/* Sizes and checksums of old messages, one behind the other. */
void repair_messages(uint8_t *bytes, size_t len);
/* Version bytes and lengths of a node's frames, one behind the other. */
void repair_cql_frames(uint8_t *bytes, size_t len);

#endif
