/* `sluice serve`: the program's life from the configuration to the last client. */
#ifndef PROXY_SERVE_H
#define PROXY_SERVE_H

#include "config.h"

/* Returns the exit status. `config` is changed by reloads. */
int serve(struct config *config, const struct config_input *input);

#endif
