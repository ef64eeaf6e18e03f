#include "core/cluster/cluster_internal.h"

void window_reset(struct window *window, const struct gateway_config *config)
{
    uint32_t in_flight = window->in_flight;
    *window = (struct window){.size = config->window_start, .in_flight = in_flight};
}

void window_succeeded(struct window *window, const struct gateway_config *config)
{
    /* A window that is not used says nothing about what the node could take. */
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
