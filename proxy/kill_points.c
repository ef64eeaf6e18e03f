#include "kill_points.h"

#ifdef SLUICE_KILL_POINTS
#include "log.h"
#include "proto/kill_point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *name;
    size_t name_len;
    unsigned long hits_left;
    int signal;
} chosen;

void kill_point(const char *name)
{
    if (chosen.hits_left == 0 || strncmp(name, chosen.name, chosen.name_len) != 0 ||
        name[chosen.name_len] != '\0' || --chosen.hits_left > 0)
        return;
    (void)raise(chosen.signal);
}

void kill_points_begin(void)
{
    const char *at = getenv("SLUICE_KILL_AT"), *what = getenv("SLUICE_KILL_SIGNAL");
    if (at == NULL)
        return;
    chosen.name = at;
    chosen.name_len = strcspn(at, ":");
    chosen.hits_left = at[chosen.name_len] == ':' ? strtoul(at + chosen.name_len + 1, NULL, 10) : 1;
    chosen.signal = what != NULL && strcmp(what, "STOP") == 0 ? SIGSTOP : SIGKILL;
    log_event(LOG_WARN, "this build dies on demand", "at=%s", at);
}
#else
void kill_points_begin(void)
{
}
#endif
