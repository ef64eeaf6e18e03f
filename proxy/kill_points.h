/* The driver's side of proto/kill_point.h. */
#ifndef PROXY_KILL_POINTS_H
#define PROXY_KILL_POINTS_H

/*
 * Reads SLUICE_KILL_AT, "NAME" or "NAME:N": where to die, on the N-th hit (default 1), and
 * SLUICE_KILL_SIGNAL, "STOP" for a process that stops there instead. Says that it did; does nothing
 * in a build without SLUICE_KILL_POINTS.
 */
void kill_points_begin(void);

#endif
