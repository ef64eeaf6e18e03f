/*
 * A named place in the code at which the process can be made to die: tests/kill has it die there,
 * by SIGKILL, on the n-th time that it comes by, and looks what became of the records. Nothing is
 * compiled for it unless the build has SLUICE_KILL_POINTS (preset "kill"); the call then leaves the
 * layers, to proxy/kill_points.c.
 *
 * A name is "noun.what has just happened" and is used once in the whole tree; tests/kill/points.py
 * lists them with how often each is passed.
 */
#ifndef PROTO_KILL_POINT_H
#define PROTO_KILL_POINT_H

#ifdef SLUICE_KILL_POINTS
void kill_point(const char *name);
#define KILL_POINT(name) kill_point(name)
#else
#define KILL_POINT(name) ((void)0)
#endif

#endif
