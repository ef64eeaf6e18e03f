/* `sluice schema`: every statement that serve would run, for people whose database administrator
 * runs them. */
#ifndef PROXY_SCHEMA_H
#define PROXY_SCHEMA_H

#include "config.h"

/* Prints to standard output; topics may be none. Returns the exit status. */
int schema(const struct config *config, const char *const *topics, size_t topic_count);

#endif
