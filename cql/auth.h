/* Authentication: a SASL exchange, of which only PLAIN (a name and a password) is known here. */
#ifndef CQL_AUTH_H
#define CQL_AUTH_H

#include "cql/types.h"

struct cql_authenticate {
    struct slice class_name; /* of the node's authenticator */
};

/* AUTH_CHALLENGE, AUTH_RESPONSE, AUTH_SUCCESS */
struct cql_auth_token {
    struct slice token; /* data NULL: null */
};

void cql_authenticate_walk(struct wire *wire, void *authenticate);
void cql_auth_token_walk(struct wire *wire, void *token);

enum cql_auth_kind {
    CQL_AUTH_UNKNOWN, /* a password must not be sent to it */
    CQL_AUTH_PLAIN,   /* the token at once */
    CQL_AUTH_DSE,     /* the mechanism's name first, the token when challenged */
};

enum cql_auth_kind cql_auth_kind(struct slice class_name);
/* Appends the body of an AUTH_RESPONSE with a PLAIN token: \0 user \0 password. NOMEM, LIMIT. */
MUST_CHECK int cql_auth_plain_encode(struct buf *out, const char *user, const char *password);

#endif
