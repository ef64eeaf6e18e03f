/*
 * What an error of a node says about the statement (rules R1-R4 of the failure catalogue): only
 * what is known to leave no trace counts as "not done"; all else, codes that we do not know
 * included, is doubt.
 */
#include "core/cluster/cluster_internal.h"

static bool starts_with(struct slice text, struct slice head)
{
    return text.len >= head.len && memcmp(text.data, head.data, head.len) == 0;
}

/*
 * Cassandra says OVERLOADED in two situations. At its door, where THROW_ON_OVERLOAD drops the frame
 * unread; these texts begin with "Request breached". And further in (too many hints, shutting down,
 * queued too long), where parts of the mutation may already be on their way.
 */
static bool overload_was_at_the_door(const struct cql_error *error)
{
    return starts_with(error->message, SLICE_LITERAL("Request breached "));
}

/*
 * A plain mutation is UNAVAILABLE before anything is sent to replicas. A transaction asks twice: at
 * the serial level before its proposal, at the commit level when the proposal is already accepted.
 * Only the first is definite.
 */
static bool unavailable_is_definite(const struct cql_error *error, bool conditional)
{
    return !conditional || error->consistency == CQL_CONSISTENCY_SERIAL ||
           error->consistency == CQL_CONSISTENCY_LOCAL_SERIAL;
}

enum verdict error_verdict(const struct cql_error *error, bool conditional)
{
    switch (error->code) {
    case CQL_ERROR_SYNTAX:
    case CQL_ERROR_UNAUTHORIZED:
    case CQL_ERROR_INVALID:
    case CQL_ERROR_CONFIG:
    case CQL_ERROR_ALREADY_EXISTS:
    case CQL_ERROR_FUNCTION_FAILURE:
        return VERDICT_REFUSED;
    case CQL_ERROR_UNPREPARED:
        return VERDICT_UNPREPARED;
    case CQL_ERROR_BOOTSTRAPPING:
        return VERDICT_NOT_DONE;
    case CQL_ERROR_UNAVAILABLE:
        return unavailable_is_definite(error, conditional) ? VERDICT_NOT_DONE : VERDICT_UNKNOWN;
    case CQL_ERROR_OVERLOADED:
        return overload_was_at_the_door(error) ? VERDICT_NOT_DONE : VERDICT_UNKNOWN;
    default:
        return VERDICT_UNKNOWN;
    }
}

bool error_is_too_many_bytes(const struct cql_error *error)
{
    return error->code == CQL_ERROR_OVERLOADED &&
           starts_with(error->message, SLICE_LITERAL("Request breached limit on bytes in flight"));
}

bool error_is_congestion(const struct cql_error *error)
{
    return error->code == CQL_ERROR_OVERLOADED || error->code == CQL_ERROR_WRITE_TIMEOUT;
}

/* Doubling, the upper half of it random: what failed together does not come back together. */
int64_t retry_delay_us(struct random *random, uint32_t failures)
{
    int64_t delay_us = RETRY_MIN_US;
    for (uint32_t i = 1; i < failures && delay_us < RETRY_MAX_US; i++)
        delay_us *= 2;
    if (delay_us > RETRY_MAX_US)
        delay_us = RETRY_MAX_US;
    return delay_us / 2 + random_up_to(random, delay_us / 2);
}
