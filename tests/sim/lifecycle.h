/*
 * A second topic, "life", that is made, grown, altered, deleted and made again while somebody
 * writes to it by topic id (Produce 13), each through one gateway after the other. What must hold:
 *
 *      what was acknowledged for the id that is live at the end is in that topic's table (I1),
 *      which has nothing of any other id (I3), nothing twice (I2), and one record for an offset;
 *      once all is well the topic can be made and written to (I13).
 *
 * Which ids come and go is the gateways' business: an acknowledgement counts for the id that the
 * producer asked for.
 */
#ifndef TESTS_SIM_LIFECYCLE_H
#define TESTS_SIM_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

struct world;
struct lifecycle;

struct lifecycle *lifecycle_new(struct world *world);
void lifecycle_free(struct lifecycle *life); /* NULL: nothing */
/* From now on the topic is made, and nothing else; each of its partitions is written to once. */
void lifecycle_finish(struct lifecycle *life);
bool lifecycle_is_done(const struct lifecycle *life);
void lifecycle_close(struct lifecycle *life); /* the connections */
/* Reads the topic's table as these copies show it; at the end of the run. */
void lifecycle_check(struct lifecycle *life, uint32_t copies);

#endif
