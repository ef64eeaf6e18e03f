#include "core/cluster/cluster_internal.h"

#define BYTES_MIN ((uint64_t)256 * 1024)
/* Well before a node's own time-outs (2 s), and above a pause of its collector. */
#define LATE_US      (INT64_C(250) * 1000)
#define US_PER_BYTE  1 /* nodes write a hundred times as much */
#define LATE_TO_BEST 2

void window_reset(struct window *window, const struct gateway_config *config, bool comes_back)
{
    *window = (struct window){
        .size = comes_back ? config->window_min : config->window_start,
        .in_flight = window->in_flight,
        .bytes_in_flight = window->bytes_in_flight,
        .bytes_size = config->window_bytes,
    };
}

bool window_is_full(const struct window *window)
{
    return window->in_flight >= window->size || window->bytes_in_flight >= window->bytes_size;
}

/* So late that it must have waited behind others: fewer of them do the same work. The best answer
 * so far stands for what is not the node's load: the way there, far replicas. */
static bool is_late(const struct window *window, uint32_t bytes, int64_t took_us)
{
    return took_us > LATE_US + LATE_TO_BEST * window->best_us + (int64_t)bytes * US_PER_BYTE;
}

void window_succeeded(struct window *window, const struct gateway_config *config, uint32_t bytes,
                      int64_t sent_us, int64_t now_us)
{
    int64_t took_us = now_us - sent_us;
    if (window->best_us == 0 || took_us < window->best_us)
        window->best_us = took_us > 0 ? took_us : 1;
    if (is_late(window, bytes, took_us)) {
        window_congested(window, config, sent_us, now_us);
        return;
    }
    /* A window that is not used says nothing about what the node could take. */
    if (window->bytes_size < config->window_bytes &&
        window->bytes_in_flight * 2 >= window->bytes_size)
        window->bytes_size += bytes / 16 + 1;
    if (window->in_flight * 2 < window->size)
        return;
    window->successes++;
    if (window->successes < window->size)
        return;
    window->successes = 0;
    if (window->size < config->window_max)
        window->size++;
}

void window_congested(struct window *window, const struct gateway_config *config, int64_t sent_us,
                      int64_t now_us)
{
    if (sent_us <= window->shrunk_at_us)
        return;
    window->shrunk_at_us = now_us;
    window->successes = 0;
    window->size /= 2;
    if (window->size < config->window_min)
        window->size = config->window_min;
}

void window_too_many_bytes(struct window *window, const struct gateway_config *config,
                           int64_t sent_us, int64_t now_us)
{
    uint64_t least = BYTES_MIN < config->window_bytes ? BYTES_MIN : config->window_bytes;
    if (sent_us <= window->bytes_shrunk_at_us)
        return;
    window->bytes_shrunk_at_us = now_us;
    window->bytes_size = window->bytes_size / 2 > least ? window->bytes_size / 2 : least;
}
