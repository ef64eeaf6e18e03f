/* `sluice check`: tries the configuration and the cluster, changes nothing, and says what serve
 * would do. */
#ifndef PROXY_CHECK_H
#define PROXY_CHECK_H

#include "config.h"

/* Returns the exit status: 0 serve would start, 1 it would not now, 78 the configuration does not
 * fit. */
int check(struct config *config);

#endif
