/* The two clocks, handed in with every event; the core has none of its own. */
#ifndef PROXY_CORE_MOMENT_H
#define PROXY_CORE_MOMENT_H

#include <stdint.h>

struct moment {
    int64_t
        boot_us; /* CLOCK_BOOTTIME: leases, deadlines, back-off. Counts while the machine sleeps */
    int64_t wall_us; /* CLOCK_REALTIME since 1970: write timestamps only */
};

#define NEVER_US INT64_MAX

#endif
