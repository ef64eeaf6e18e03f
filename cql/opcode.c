#include "cql/opcode.h"

#include "cql/auth.h"
#include "cql/batch_request.h"
#include "cql/error.h"
#include "cql/event.h"
#include "cql/query.h"
#include "cql/result.h"
#include "cql/startup.h"

/* clang-format off */
static const struct cql_message messages[] = {
    {CQL_ERROR,          "ERROR",          CQL_FROM_NODE,   sizeof(struct cql_error),         cql_error_walk},
    {CQL_STARTUP,        "STARTUP",        CQL_FROM_CLIENT, sizeof(struct cql_startup),       cql_startup_walk},
    {CQL_READY,          "READY",          CQL_FROM_NODE,   0,                                cql_empty_walk},
    {CQL_AUTHENTICATE,   "AUTHENTICATE",   CQL_FROM_NODE,   sizeof(struct cql_authenticate),  cql_authenticate_walk},
    {CQL_OPTIONS,        "OPTIONS",        CQL_FROM_CLIENT, 0,                                cql_empty_walk},
    {CQL_SUPPORTED,      "SUPPORTED",      CQL_FROM_NODE,   sizeof(struct cql_supported),     cql_supported_walk},
    {CQL_QUERY,          "QUERY",          CQL_FROM_CLIENT, sizeof(struct cql_query),         cql_query_walk},
    {CQL_RESULT,         "RESULT",         CQL_FROM_NODE,   sizeof(struct cql_result),        cql_result_walk},
    {CQL_PREPARE,        "PREPARE",        CQL_FROM_CLIENT, sizeof(struct cql_prepare),       cql_prepare_walk},
    {CQL_EXECUTE,        "EXECUTE",        CQL_FROM_CLIENT, sizeof(struct cql_query),         cql_execute_walk},
    {CQL_REGISTER,       "REGISTER",       CQL_FROM_CLIENT, sizeof(struct cql_register),      cql_register_walk},
    {CQL_EVENT,          "EVENT",          CQL_FROM_NODE,   sizeof(struct cql_push),          cql_event_walk},
    {CQL_BATCH,          "BATCH",          CQL_FROM_CLIENT, sizeof(struct cql_batch_request), cql_batch_request_walk},
    {CQL_AUTH_CHALLENGE, "AUTH_CHALLENGE", CQL_FROM_NODE,   sizeof(struct cql_auth_token),    cql_auth_token_walk},
    {CQL_AUTH_RESPONSE,  "AUTH_RESPONSE",  CQL_FROM_CLIENT, sizeof(struct cql_auth_token),    cql_auth_token_walk},
    {CQL_AUTH_SUCCESS,   "AUTH_SUCCESS",   CQL_FROM_NODE,   sizeof(struct cql_auth_token),    cql_auth_token_walk},
};
/* clang-format on */

static const size_t message_count = sizeof(messages) / sizeof(messages[0]);

const struct cql_message *cql_opcode_find(uint8_t opcode)
{
    for (size_t i = 0; i < message_count; i++)
        if (messages[i].opcode == opcode)
            return &messages[i];
    return NULL;
}

const struct cql_message *cql_opcode_rows(size_t *count)
{
    *count = message_count;
    return messages;
}

const char *cql_opcode_name(uint8_t opcode)
{
    const struct cql_message *message = cql_opcode_find(opcode);

    return message == NULL ? "UNKNOWN" : message->name;
}

/* Which answers a request may get, ERROR apart. */
static const uint8_t answers[][2] = {
    {CQL_OPTIONS, CQL_SUPPORTED},
    {CQL_STARTUP, CQL_READY},
    {CQL_STARTUP, CQL_AUTHENTICATE},
    {CQL_AUTH_RESPONSE, CQL_AUTH_CHALLENGE},
    {CQL_AUTH_RESPONSE, CQL_AUTH_SUCCESS},
    {CQL_REGISTER, CQL_READY},
    {CQL_QUERY, CQL_RESULT},
    {CQL_PREPARE, CQL_RESULT},
    {CQL_EXECUTE, CQL_RESULT},
    {CQL_BATCH, CQL_RESULT},
};

bool cql_opcode_answers(uint8_t request, uint8_t answer)
{
    if (answer == CQL_ERROR)
        return true;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (answers[i][0] == request && answers[i][1] == answer)
            return true;
    return false;
}
