/*
 * A producer client, as the Java client or librdkafka behave (kafka-endpoint.md 4.3 and 5,
 * their sources): what is sent again under which sequence, after which answer.
 *
 *   Java       up to 5 requests in flight; a batch that is sent again waits until it is the oldest;
 *              45 for the next batch, or a hole left by one that timed out: epoch + 1 and new
 *              sequences for this partition; after a definite failure later sequences move down
 *   librdkafka one partition a request; everything behind a failed batch is sent again at once in
 *              order; 45 for a later batch, a failure or a time-out: drain, then epoch + 1; 45 for
 *              the oldest: fatal
 */
#ifndef TESTS_SIM_PRODUCER_H
#define TESTS_SIM_PRODUCER_H

#include "tests/sim/network.h"
#include "tests/sim/talk.h"

struct world;
struct producer;
struct producer_link;

enum producer_kind { PRODUCER_JAVA, PRODUCER_LIBRDKAFKA };

struct producer *producer_new(struct world *world, unsigned index);
void producer_free(struct producer *producer);
/* kill -9, and another one starts in its place. */
void producer_crash(struct producer *producer);
void producer_cut(struct producer *producer);
/* It learns from somebody behind the times that this gateway leads its partitions. */
void producer_stray(struct producer *producer, unsigned gateway);
void producer_sleep(struct producer *producer, int64_t for_us);
/* No new batches from now on but one more for each partition. */
void producer_finish(struct producer *producer);
bool producer_is_done(const struct producer *producer); /* nothing is queued or in flight */
void producer_close(struct producer *producer);         /* its connections */
void producer_print(const struct producer *producer, char *to, size_t bytes);

/* For the gateway that accepts its connection. */
struct talk *producer_talk(struct producer_link *link);

#endif
