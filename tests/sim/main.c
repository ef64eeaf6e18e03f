/*
 *      sim --seeds 1..500               so many runs; exit code 1 when one breaks an invariant
 *      sim --seed 17 --trace            one run, told as it happens
 *      sim --seed 17 --shrink FILE      the fewest faults that still break it
 *      sim --scenario FILE              such a file again
 *      sim --seeds 1..100000 --hours 50 until so many hours have been simulated
 *
 * More: --seconds N (of trouble, instead of what the seed says), --until SECONDS,
 * --stop-at-first, --coverage (every kind of event must have happened), --twice N
 * (one seed in N is run twice and must do the same; 100).
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/scenario.h"

struct totals {
    uint64_t runs, failures, twice;
    uint64_t events, bytes;
    int64_t simulated_us;
    struct sim_counts counts;
    uint64_t fired[ALL_FAULT_COUNT];
};

struct command {
    struct world_options options;
    uint64_t first, last;
    double hours;
    uint64_t twice;
    bool stop_at_first, coverage;
    const char *shrink_to, *scenario;
};

static uint64_t seed_at_hand;

/* An assertion of the gateway's is a failure as well: which seed was it? */
static void on_abort(int signal_number)
{
    char text[128];
    int len = snprintf(text, sizeof(text), "\nABORTED: sim --seed %" PRIu64 " --trace\n",
                       seed_at_hand);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(3);
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static volatile sig_atomic_t is_asked_to_stop;

/* INT or TERM: the run at hand is the last one, and the totals are printed. */
static void on_stop(int signal_number)
{
    (void)signal_number;
    is_asked_to_stop = 1;
}

static double seconds_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add_up(struct totals *totals, const struct world *world)
{
    totals->runs++;
    totals->events += world->scheduler.fired;
    totals->bytes += world->network.bytes;
    totals->simulated_us += world_us(world);
#define ADD_COUNT(name) totals->counts.name += world->counts.name;
    SIM_COUNT_MAP(ADD_COUNT)
#undef ADD_COUNT
    for (uint32_t i = 0; i < ALL_FAULT_COUNT; i++)
        totals->fired[i] += world->chance.fired[i];
}

/* False: it broke. */
static bool run_seed(const struct world_options *options, struct totals *totals)
{
    seed_at_hand = options->seed;
    struct world *world = world_run(options);
    bool ok = !world->failed;

    add_up(totals, world);
    if (!ok) {
        totals->failures++;
        printf("VIOLATION %s at %.3f s: %s\n  replay: sim --seed %" PRIu64
               " --trace --until %" PRId64 "\n",
               world->invariant, (double)world->failed_us / 1e6, world->reason, options->seed,
               world->failed_us / SIM_SECOND_US + 1);
        (void)fflush(stdout);
    }
    uint64_t hash = world->hash;
    world_free(world);
    if (!ok || options->trace || totals->twice == 0 || options->seed % totals->twice != 0)
        return ok;
    world = world_run(options);
    if (world->hash != hash) {
        ok = false;
        totals->failures++;
        printf("VIOLATION I14: seed %" PRIu64 " does not do the same twice\n", options->seed);
    }
    world_free(world);
    return ok;
}

static void print_totals(const struct totals *totals, double seconds)
{
    double hours = (double)totals->simulated_us / 3.6e9;

    printf("%" PRIu64 " runs, %.2f simulated hours, %" PRIu64
           " violations; %.1f s, %.0f times real time, %.2f million events, %.0f events/s\n",
           totals->runs, hours, totals->failures, seconds, hours * 3600 / seconds,
           (double)totals->events / 1e6, (double)totals->events / seconds);
#define PRINT_COUNT(name) printf(" " #name "=%" PRIu64, totals->counts.name);
    SIM_COUNT_MAP(PRINT_COUNT)
#undef PRINT_COUNT
    printf("\nfaults:");
    for (uint32_t i = 0; i < ALL_FAULT_COUNT; i++)
        if (totals->fired[i] != 0)
            printf(" %s=%" PRIu64, fault_name(i), totals->fired[i]);
    printf("\n");
}

/* A simulator in which nothing happens proves nothing. */
static bool is_covered(const struct totals *totals)
{
    static const char *const rare[] = {"other_codes", "acks_46", "storage_56", "topics_late"};
    bool ok = true;
#define CHECK_COUNT(name)                                                                          \
    if (totals->counts.name == 0) {                                                                \
        bool may = false;                                                                          \
        for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)                                \
            may = may || strcmp(rare[i], #name) == 0;                                              \
        if (!may)                                                                                  \
            printf("NOT COVERED: %s is 0\n", #name);                                               \
        ok = ok && may;                                                                            \
    }
    SIM_COUNT_MAP(CHECK_COUNT)
#undef CHECK_COUNT
    for (uint32_t i = 0; i < ALL_FAULT_COUNT; i++)
        if (totals->fired[i] == 0 && i != SIM_FAULT_COUNT + DATABASE_READ_REPAIR_SKIPPED) {
            printf("NOT COVERED: %s never fired\n", fault_name(i));
            ok = false;
        }
    return ok;
}

static bool take_flag(struct command *command, const char *flag)
{
    if (strcmp(flag, "--trace") == 0)
        command->options.trace = true;
    else if (strcmp(flag, "--stop-at-first") == 0)
        command->stop_at_first = true;
    else if (strcmp(flag, "--coverage") == 0)
        command->coverage = true;
    else
        return false;
    return true;
}

static bool take_value(struct command *command, const char *flag, const char *value)
{
    if (strcmp(flag, "--seeds") == 0)
        return sscanf(value, "%" SCNu64 "..%" SCNu64, &command->first, &command->last) == 2;
    if (strcmp(flag, "--seed") == 0)
        return sscanf(value, "%" SCNu64, &command->first) == 1 &&
               sscanf(value, "%" SCNu64, &command->last) == 1;
    if (strcmp(flag, "--twice") == 0)
        return sscanf(value, "%" SCNu64, &command->twice) == 1;
    if (strcmp(flag, "--hours") == 0)
        command->hours = atof(value);
    else if (strcmp(flag, "--seconds") == 0)
        command->options.seconds = (unsigned)atoi(value);
    else if (strcmp(flag, "--until") == 0)
        command->options.until_us = (int64_t)(atof(value) * 1e6);
    else if (strcmp(flag, "--shrink") == 0)
        command->shrink_to = value;
    else if (strcmp(flag, "--scenario") == 0)
        command->scenario = value;
    else
        return false;
    return true;
}

static bool read_command(struct command *command, int argc, char **argv)
{
    *command = (struct command){.first = 1, .last = 100, .twice = 100};
    for (int i = 1; i < argc; i++) {
        if (take_flag(command, argv[i]))
            continue;
        if (i + 1 == argc || !take_value(command, argv[i], argv[i + 1])) {
            fprintf(stderr, "sim: not understood: %s\n", argv[i]);
            return false;
        }
        i++;
    }
    return true;
}

static int shrink(const struct command *command)
{
    struct world_options options = command->options;
    FILE *file = fopen(command->shrink_to, "w");
    options.seed = command->first;
    if (file == NULL) {
        perror(command->shrink_to);
        return 2;
    }
    bool ok = scenario_shrink(&options, file);
    (void)fclose(file);
    if (!ok)
        fprintf(stderr, "seed %" PRIu64 " breaks nothing, or the process dies\n", options.seed);
    return ok ? 0 : 1;
}

static int run_scenario(const struct command *command)
{
    struct scenario scenario;
    struct totals totals = {0};
    if (!scenario_read(&scenario, command->scenario))
        return 2;
    scenario.options.trace = command->options.trace;
    scenario.options.until_us = command->options.until_us;
    bool ok = run_seed(&scenario.options, &totals);
    scenario_free(&scenario);
    if (!ok)
        _exit(1); /* what a broken run leaves behind is no leak of interest */
    return 0;
}

int main(int argc, char **argv)
{
    struct command command;
    struct totals totals = {0};
    double started = seconds_now();

    if (!read_command(&command, argc, argv))
        return 2;
    (void)signal(SIGABRT, on_abort);
    (void)signal(SIGSEGV, on_abort);
    (void)signal(SIGINT, on_stop);
    (void)signal(SIGTERM, on_stop);
    if (command.shrink_to != NULL)
        return shrink(&command);
    if (command.scenario != NULL)
        return run_scenario(&command);
    totals.twice = command.twice;
    for (uint64_t seed = command.first; seed <= command.last && is_asked_to_stop == 0;
         seed++) {
        command.options.seed = seed;
        if (!run_seed(&command.options, &totals) && command.stop_at_first)
            break;
        if (command.hours > 0 && (double)totals.simulated_us >= command.hours * 3.6e9)
            break;
    }
    print_totals(&totals, seconds_now() - started);
    bool ok = totals.failures == 0 && (!command.coverage || is_covered(&totals));
    (void)fflush(stdout);
    if (!ok)
        _exit(1);
    return 0;
}
