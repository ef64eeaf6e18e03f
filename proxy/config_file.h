/* The YAML file: sections of settings, two levels and no more. */
#ifndef PROXY_CONFIG_FILE_H
#define PROXY_CONFIG_FILE_H

#include "config.h"

#define CONFIG_FILE_MAX_BYTES ((size_t)1024 * 1024)

/* Sets every value in it. Errors name the file and the line. */
MUST_CHECK int config_file_read(struct config *config, const char *path,
                                struct config_error *error);

#endif
