#include "cql/auth.h"

#include "proto/endian.h"

void cql_authenticate_walk(struct wire *wire, void *body)
{
    struct cql_authenticate *authenticate = body;

    cql_string(wire, "class_name", &authenticate->class_name);
}

void cql_auth_token_walk(struct wire *wire, void *body)
{
    struct cql_auth_token *token = body;
    struct slice hidden = SLICE_LITERAL("<hidden>");

    if (wire->mode == WIRE_PRINT) /* a password may be in it */
        wire_bytes(wire, "token", &hidden, hidden.len);
    else
        cql_bytes(wire, "token", &token->token);
}

static const struct cql_word known_classes[] = {
    {"org.apache.cassandra.auth.PasswordAuthenticator", CQL_AUTH_PLAIN},
    {"org.apache.cassandra.auth.MutualTlsWithPasswordFallbackAuthenticator", CQL_AUTH_PLAIN},
    {"com.scylladb.auth.TransitionalAuthenticator", CQL_AUTH_PLAIN},
    {"com.scylladb.auth.SaslauthdAuthenticator", CQL_AUTH_PLAIN},
    {"com.instaclustr.cassandra.auth.SharedSecretAuthenticator", CQL_AUTH_PLAIN},
    {"com.instaclustr.cassandra.auth.InstaclustrPasswordAuthenticator", CQL_AUTH_PLAIN},
    {"io.aiven.cassandra.auth.AivenAuthenticator", CQL_AUTH_PLAIN},
    {"com.amazon.helenus.auth.HelenusAuthenticator", CQL_AUTH_PLAIN},
    {"com.ericsson.bss.cassandra.ecaudit.auth.AuditPasswordAuthenticator", CQL_AUTH_PLAIN},
    {"com.datastax.bdp.cassandra.auth.DseAuthenticator", CQL_AUTH_DSE},
    {NULL, 0},
};

enum cql_auth_kind cql_auth_kind(struct slice class_name)
{
    for (const struct cql_word *word = known_classes; word->text != NULL; word++)
        if (slice_equal(class_name, slice_cstr(word->text)))
            return (enum cql_auth_kind)word->value;
    return CQL_AUTH_UNKNOWN;
}

int cql_auth_plain_encode(struct buf *out, const char *user, const char *password)
{
    struct slice name = slice_cstr(user);
    struct slice secret = slice_cstr(password == NULL ? "" : password);
    size_t token_bytes = name.len + secret.len + 2;
    uint8_t length[4];

    if (name.len > UINT16_MAX || secret.len > UINT16_MAX)
        return STATUS_LIMIT;
    int rc = buf_reserve(out, sizeof(length) + token_bytes);
    if (rc < 0)
        return rc;
    be32_store(length, (uint32_t)token_bytes);
    const struct slice parts[] = {
        slice_make(length, sizeof(length)), SLICE_LITERAL("\0"), name, SLICE_LITERAL("\0"), secret,
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == STATUS_OK; i++)
        rc = buf_append(out, parts[i]);
    return rc;
}
