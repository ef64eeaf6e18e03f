/*
 * Loading a partition (DESIGN.md 4, "Taking a slot over", steps 3 and 4): find the log's end and
 * the producers' state from the tail of the newest segment, then make it certain: one mutation that
 * deletes at C everything from `stable` on and writes the kept rows again above C, so that whatever
 * a dead leader, a hint or a late coordinator still writes loses.
 *
 *     prepare statements -> index -> tail pages (DESC) -> kept rows -> [seal + rewrite] -> next
 * segment's delete
 *       -> index row -> partition_loaded
 */
#ifndef PROXY_CORE_RECOVERY_H
#define PROXY_CORE_RECOVERY_H

#include "core/engine/partition.h"

/* NULL: out of memory. Ends with partition_loaded or partition_load_failed, never from inside this
 * call. */
struct recovery *recovery_start(struct partition *partition, struct moment now);
/* The topic's statements are there, or refused (code and text). Does nothing unless that is what it
 * waits for. */
void recovery_prepared(struct recovery *recovery, int16_t code, const char *text,
                       struct moment now);
/* Frees it and drops what is under way. */
void recovery_cancel(struct recovery *recovery);

#endif
