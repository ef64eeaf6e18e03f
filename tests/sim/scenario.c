#include "tests/sim/scenario.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void scenario_add(struct scenario *scenario, struct fired_fault fault)
{
    scenario->faults =
        realloc(scenario->faults, (scenario->fault_count + 1) * sizeof(*scenario->faults));
    if (scenario->faults == NULL)
        abort();
    scenario->faults[scenario->fault_count++] = fault;
    scenario->options.only = scenario->faults;
    scenario->options.only_count = scenario->fault_count;
}

static bool read_line(struct scenario *scenario, const char *line)
{
    struct world_options *options = &scenario->options;
    struct fired_fault fault;
    char name[64];
    unsigned number;

    if (line[0] == '#' || line[0] == '\n')
        return true;
    if (sscanf(line, "seed %" SCNu64, &options->seed) == 1)
        return true;
    if (sscanf(line, "seconds %u", &number) == 1)
        options->seconds = number;
    else if (sscanf(line, "gateways %u", &number) == 1)
        options->gateways = number;
    else if (sscanf(line, "producers %u", &number) == 1)
        options->producers = number;
    else if (sscanf(line, "partitions %u", &number) == 1)
        options->partitions = number;
    else if (sscanf(line, "fault %63s %" SCNu64 " %" SCNu64, name, &fault.entity, &fault.counter) ==
                 3 &&
             fault_by_name(name) >= 0) {
        fault.fault = (uint32_t)fault_by_name(name);
        scenario_add(scenario, fault);
    } else {
        return false;
    }
    return true;
}

bool scenario_read(struct scenario *scenario, const char *path)
{
    static const struct fired_fault none;
    char line[256];
    FILE *file = fopen(path, "r");

    *scenario = (struct scenario){0};
    scenario->options.only = &none; /* no list is not the same as an empty one */
    if (file == NULL) {
        perror(path);
        return false;
    }
    bool ok = true;
    for (int n = 1; ok && fgets(line, sizeof(line), file) != NULL; n++) {
        ok = read_line(scenario, line);
        if (!ok)
            fprintf(stderr, "%s:%d: not understood: %s", path, n, line);
    }
    (void)fclose(file);
    return ok;
}

void scenario_write(const struct scenario *scenario, const char *comment, FILE *to)
{
    const struct world_options *options = &scenario->options;

    fprintf(to, "# %s\nseed %" PRIu64 "\n", comment, options->seed);
    if (options->seconds != 0)
        fprintf(to, "seconds %u\n", options->seconds);
    if (options->gateways != 0)
        fprintf(to, "gateways %u\n", options->gateways);
    if (options->producers != 0)
        fprintf(to, "producers %u\n", options->producers);
    if (options->partitions != 0)
        fprintf(to, "partitions %u\n", options->partitions);
    for (size_t i = 0; i < scenario->fault_count; i++)
        fprintf(to, "fault %s %" PRIu64 " %" PRIu64 "\n", fault_name(scenario->faults[i].fault),
                scenario->faults[i].entity, scenario->faults[i].counter);
}

void scenario_free(struct scenario *scenario)
{
    free(scenario->faults);
}

/* --- shrinking --- */

/* The number of the invariant that breaks, 0 when none does, 99 when the process dies. */
static int try_run(const struct world_options *options)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(60);
        struct world *world = world_run(options);
        _exit(world->failed ? atoi(world->invariant + 1) : 0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        abort();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* The faults that fired, by a pipe from a process that may die of them. */
static bool record_run(struct scenario *scenario, int *invariant)
{
    int ends[2];
    struct fired_fault fault;

    if (pipe(ends) != 0)
        abort();
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct world *world = world_run(&scenario->options);
        for (size_t i = 0; i < world->chance.record_count; i++)
            if (write(ends[1], &world->chance.record[i], sizeof(fault)) != sizeof(fault))
                _exit(98);
        _exit(world->failed ? atoi(world->invariant + 1) : 0);
    }
    (void)close(ends[1]);
    while (read(ends[0], &fault, sizeof(fault)) == sizeof(fault))
        scenario_add(scenario, fault);
    (void)close(ends[0]);
    int status = 0;
    (void)waitpid(child, &status, 0);
    *invariant = WIFEXITED(status) ? WEXITSTATUS(status) : 99;
    return *invariant != 0 && *invariant != 99;
}

static bool still_fails(struct scenario *scenario, int invariant)
{
    static const struct fired_fault none;
    scenario->options.only = scenario->fault_count == 0 ? &none : scenario->faults;
    scenario->options.only_count = scenario->fault_count;
    return try_run(&scenario->options) == invariant;
}

/* Leaves out `size` faults from `at` on. True: they were not needed. */
static bool leave_out(struct scenario *scenario, size_t at, size_t size, int invariant)
{
    size_t count = scenario->fault_count, bytes = count * sizeof(struct fired_fault);
    struct fired_fault *former = sim_take(bytes);

    memcpy(former, scenario->faults, bytes);
    memmove(scenario->faults + at, scenario->faults + at + size,
            (count - at - size) * sizeof(*former));
    scenario->fault_count -= size;
    bool ok = still_fails(scenario, invariant);
    if (!ok) {
        memcpy(scenario->faults, former, bytes);
        scenario->fault_count = count;
    }
    free(former);
    return ok;
}

static void shrink_faults(struct scenario *scenario, int invariant)
{
    for (size_t size = scenario->fault_count / 2; size > 0; size /= 2)
        for (size_t at = 0; at + size <= scenario->fault_count;) {
            if (!leave_out(scenario, at, size, invariant))
                at += size;
            fprintf(stderr, "\r%zu faults left, %zu at a time   ", scenario->fault_count, size);
        }
    fprintf(stderr, "\n");
}

/* Fewer of everything that can be had fewer of. */
static void shrink_sizes(struct scenario *scenario, int invariant)
{
    unsigned *sizes[] = {&scenario->options.producers, &scenario->options.gateways,
                         &scenario->options.partitions};

    for (size_t i = 0; i < 3; i++)
        for (unsigned n = 1; n <= 3; n++) {
            *sizes[i] = n;
            if (still_fails(scenario, invariant))
                break;
            *sizes[i] = 0;
        }
    for (unsigned seconds = 20; seconds < 480; seconds += 20) {
        scenario->options.seconds = seconds;
        if (still_fails(scenario, invariant))
            return;
    }
    scenario->options.seconds = 0;
}

bool scenario_shrink(const struct world_options *options, FILE *to)
{
    struct scenario scenario = {.options = *options};
    char comment[64];
    int invariant;

    if (!record_run(&scenario, &invariant))
        return false;
    if (!still_fails(&scenario, invariant))
        fprintf(stderr, "the list of its faults alone does not reproduce it\n");
    shrink_faults(&scenario, invariant);
    shrink_sizes(&scenario, invariant);
    shrink_faults(&scenario, invariant);
    (void)snprintf(comment, sizeof(comment), "broke I%d", invariant);
    (void)still_fails(&scenario, invariant);
    scenario_write(&scenario, comment, to);
    scenario_free(&scenario);
    return true;
}
