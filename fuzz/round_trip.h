/* The property that every message has: what was decoded can be encoded, and comes back the same. */
#ifndef FUZZ_ROUND_TRIP_H
#define FUZZ_ROUND_TRIP_H

#include "fuzz/support.h"
#include "proto/arena.h"

enum { ROUND_TRIP_BYTES = 512 }; /* no message's struct is larger */

struct round_trip {
    /* Each returns a status. `message` is zeroed, aligned, of ROUND_TRIP_BYTES. */
    int (*decode)(const struct round_trip *trip, struct slice in, struct arena *arena,
                  void *message);
    int (*encode)(const struct round_trip *trip, void *message, struct buf *out);
    int (*print)(const struct round_trip *trip, void *message, struct buf *out);
    size_t lead_bytes; /* that encode puts in front and decode does not want */
    bool cuts_refused; /* a beginning of an encoding is no message: TRUNCATED */
    const void *about; /* the callbacks' own */
};

/* Returns decode's status. The tape decides which allocation fails and where the encoding is cut.
 */
int round_trip_run(const struct round_trip *trip, struct slice in, struct tape *tape);

#endif
