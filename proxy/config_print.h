/* The configuration as people read it. */
#ifndef PROXY_CONFIG_PRINT_H
#define PROXY_CONFIG_PRINT_H

#include "config.h"

#include <stdio.h>

/* Every value and where it came from, as YAML that can be used as a file; secrets are masked. */
void config_print(FILE *to, const struct config *config);
/* sluice.yaml: every setting with its default, unit and effect, commented out. */
void config_print_reference(FILE *to);

#endif
