#include "proto/status.h"

#include <stddef.h>

struct status_row {
    int value;
    const char *name;
    const char *text;
};

static const struct status_row STATUS_ROWS[] = {
#define STATUS_ROW(row_name, row_value, row_text)                                                  \
    {.value = (row_value), .name = #row_name, .text = (row_text)},
    STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static const struct status_row STATUS_ROW_UNKNOWN = {
    .value = 1, .name = "UNKNOWN", .text = "failed for an unknown reason"};

static const struct status_row *row_find(int status)
{
    for (size_t i = 0; i < sizeof(STATUS_ROWS) / sizeof(STATUS_ROWS[0]); i++)
        if (STATUS_ROWS[i].value == status)
            return &STATUS_ROWS[i];
    return &STATUS_ROW_UNKNOWN;
}

const char *status_name(int status)
{
    return row_find(status)->name;
}

const char *status_text(int status)
{
    return row_find(status)->text;
}
