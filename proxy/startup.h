/* The first lines of a run, for the person who started it. */
#ifndef PROXY_STARTUP_H
#define PROXY_STARTUP_H

#include "config.h"

/* Version and configuration file; warnings about settings. */
void startup_begin(const struct config *config);
/* TLS to the nodes, if it is set; *context NULL: it is not. false: said why, exit with 78. */
bool startup_node_tls(const struct config *config, struct tls_context **context);
/* Where clients connect and what they are told. `bound` has the real port. */
void startup_listening(const struct config *config, const struct address *bound,
                       const char *member);
/* Serving: lines to try. (The core has told which cluster it found.) */
void startup_ready(const struct config *config, const struct address *bound, int64_t after_us);
/* Raises the limit of open files as far as it goes, and says so if connections will not fit below
 * it. */
void startup_raise_limits(const struct config *config);

/* "HOST:PORT" to try from this machine. */
const char *startup_address(const struct config *config, const struct address *bound, char *to,
                            size_t to_bytes);

#endif
