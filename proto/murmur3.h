/* Cassandra's partition token: Murmur3 x64 128, first half, with the tail bytes sign-extended (not
 * the canonical hash), and INT64_MIN replaced by INT64_MAX (Murmur3Partitioner). */
#ifndef PROTO_MURMUR3_H
#define PROTO_MURMUR3_H

#include <stddef.h>
#include <stdint.h>

int64_t murmur3_token(const void *key, size_t len);

#endif
