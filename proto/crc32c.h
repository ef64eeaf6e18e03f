/* CRC-32C (Castagnoli), as in Kafka's record batch: crc32c("123456789") = 0xE3069283. */
#ifndef PROTO_CRC32C_H
#define PROTO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The fastest form for this processor, chosen once: three SSE4.2 chains, ARMv8, or the table. */
uint32_t crc32c(const void *data, size_t len);
/* The portable form; the judge of the fast ones in tests. */
uint32_t crc32c_table(const void *data, size_t len);

#endif
