#include "cql/consistency.h"

#include <stddef.h>

static const char *const names[] = {
#define CQL_CONSISTENCY_NAME(name, value) [value] = #name,
    CQL_CONSISTENCY_MAP(CQL_CONSISTENCY_NAME)
#undef CQL_CONSISTENCY_NAME
};

static const uint16_t name_count = sizeof(names) / sizeof(names[0]);

const char *cql_consistency_name(uint16_t consistency)
{
    return consistency < name_count ? names[consistency] : "UNKNOWN";
}

/* Names are ASCII; the locale has no say here. */
static bool same_letters(const char *a, const char *upper)
{
    for (; *a != '\0' && *upper != '\0'; a++, upper++) {
        char letter = *a >= 'a' && *a <= 'z' ? (char)(*a - 'a' + 'A') : *a;

        if (letter != *upper)
            return false;
    }
    return *a == *upper;
}

bool cql_consistency_parse(const char *name, uint16_t *consistency)
{
    for (uint16_t i = 0; i < name_count; i++)
        if (same_letters(name, names[i])) {
            *consistency = i;
            return true;
        }
    return false;
}
