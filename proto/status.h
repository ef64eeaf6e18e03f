/* Results of functions that can fail: 0 or a negative code, one list for the whole program. */
#ifndef PROTO_STATUS_H
#define PROTO_STATUS_H

#define MUST_CHECK __attribute__((warn_unused_result))

/*        name         value  text (completes the sentence "<what>: ...") */
#define STATUS_MAP(X)                                                                              \
    X(OK,          0,  "ok")                                                                       \
    X(NOMEM,      -1,  "out of memory")                                                            \
    X(TRUNCATED,  -2,  "ends before the value is complete")                                        \
    X(MALFORMED,  -3,  "is not what the protocol allows here")                                     \
    X(LIMIT,      -4,  "is beyond a limit")                                                        \
    X(CORRUPT,    -5,  "does not match its checksum")                                              \
    X(UNSUPPORTED,-6,  "is not supported")                                                         \
    X(CLOSED,     -7,  "connection is closed")                                                     \
    X(BUSY,       -8,  "has no room now")                                                          \
    X(TIMEOUT,    -9,  "took too long")                                                            \
    X(REFUSED,    -10, "was refused by the peer")

enum status {
#define STATUS_ENUM(name, value, text) STATUS_##name = (value),
    STATUS_MAP(STATUS_ENUM)
#undef STATUS_ENUM
};

/* "NOMEM" and its text; "UNKNOWN" for a number that is not in the list. Never NULL. */
const char *status_name(int status);
const char *status_text(int status);

#endif
