#include "tls.h"

#include "proto/buf.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACE_BYTES ((size_t)64 * 1024)

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *pipe; /* our buffers, as OpenSSL wants to see them */
    char server_name[256];
    enum tls_verify verify;
};

struct tls_session {
    SSL *ssl;
    struct buf in, out;
    char host[256];
    char error[320];
};

/* --- buffers as a BIO --- */

static int pipe_read(BIO *bio, char *to, int room)
{
    struct tls_session *session = BIO_get_data(bio);
    struct slice unread = buf_unread(&session->in);
    BIO_clear_retry_flags(bio);
    if (unread.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t bytes = unread.len < (size_t)room ? unread.len : (size_t)room;
    memcpy(to, unread.data, bytes);
    buf_consume(&session->in, bytes);
    return (int)bytes;
}

static int pipe_write(BIO *bio, const char *from, int bytes)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    return buf_append(&session->out, slice_make(from, (size_t)bytes)) < 0 ? -1 : bytes;
}

static long pipe_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int pipe_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *pipe_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
    if (method == NULL || BIO_meth_set_read(method, pipe_read) != 1 ||
        BIO_meth_set_write(method, pipe_write) != 1 ||
        BIO_meth_set_ctrl(method, pipe_control) != 1 ||
        BIO_meth_set_create(method, pipe_create) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* --- what is trusted --- */

static const char *newest_error(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    return text == NULL ? "no reason given" : text;
}

static bool load_files(struct tls_context *context, const struct tls_settings *settings,
                       char *reason, size_t reason_bytes)
{
    SSL_CTX *ssl = context->ssl;
    const char *blamed = NULL, *what = NULL;
    if (settings->ca_file == NULL) {
        if (SSL_CTX_set_default_verify_paths(ssl) != 1)
            what = "the system's trusted certificates cannot be read";
    } else if (SSL_CTX_load_verify_file(ssl, settings->ca_file) != 1) {
        blamed = settings->ca_file;
        what = "no certificates can be read from it";
    }
    if (what == NULL && settings->certificate_file != NULL) {
        if (SSL_CTX_use_certificate_chain_file(ssl, settings->certificate_file) != 1) {
            blamed = settings->certificate_file;
            what = "no certificate can be read from it";
        } else if (SSL_CTX_use_PrivateKey_file(ssl, settings->key_file, SSL_FILETYPE_PEM) != 1) {
            blamed = settings->key_file;
            what = "no key can be read from it that fits the certificate";
        }
    }
    if (what == NULL)
        return true;
    (void)snprintf(reason, reason_bytes, "%.200s%s%s (%s)", blamed == NULL ? "" : blamed,
                   blamed == NULL ? "" : ": ", what, newest_error());
    return false;
}

struct tls_context *tls_context_new(const struct tls_settings *settings, char *reason,
                                    size_t reason_bytes)
{
    struct tls_context *context = calloc(1, sizeof(*context));
    (void)snprintf(reason, reason_bytes, "out of memory");
    if (context == NULL)
        return NULL;
    ERR_clear_error();
    context->verify = settings->verify;
    if (settings->server_name != NULL)
        (void)snprintf(context->server_name, sizeof(context->server_name), "%s",
                       settings->server_name);
    context->ssl = SSL_CTX_new(TLS_client_method());
    context->pipe = pipe_new();
    if (context->ssl == NULL || context->pipe == NULL ||
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION) != 1 ||
        !load_files(context, settings, reason, reason_bytes)) {
        tls_context_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context->ssl,
                       settings->verify == TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
    SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->pipe);
    free(context);
}

/* --- a session --- */

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool expect_host(struct tls_session *session, const struct tls_context *context)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(session->ssl);
    bool address = is_address(session->host);
    if (!address && SSL_set_tlsext_host_name(session->ssl, session->host) != 1)
        return false;
    if (context->verify != TLS_VERIFY_FULL)
        return true;
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (address ? X509_VERIFY_PARAM_set1_ip_asc(expected, session->host)
                    : X509_VERIFY_PARAM_set1_host(expected, session->host, 0)) == 1;
}

struct tls_session *tls_session_new(struct tls_context *context, const char *host)
{
    struct tls_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return NULL;
    buf_init(&session->in, &alloc_heap, SIZE_MAX);
    buf_init(&session->out, &alloc_heap, SIZE_MAX);
    (void)snprintf(session->host, sizeof(session->host), "%s",
                   context->server_name[0] != '\0' ? context->server_name : host);
    session->ssl = SSL_new(context->ssl);
    BIO *bio = BIO_new(context->pipe);
    if (session->ssl == NULL || bio == NULL || !expect_host(session, context)) {
        BIO_free(bio);
        tls_session_free(session);
        return NULL;
    }
    BIO_set_data(bio, session);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_connect_state(session->ssl);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL)
        return;
    SSL_free(session->ssl);
    buf_deinit(&session->in);
    buf_deinit(&session->out);
    free(session);
}

uint8_t *tls_space(struct tls_session *session, size_t *room)
{
    *room = 0;
    if (buf_reserve(&session->in, SPACE_BYTES) < 0)
        return NULL;
    *room = SPACE_BYTES;
    return buf_tail(&session->in);
}

void tls_received(struct tls_session *session, size_t bytes)
{
    buf_wrote(&session->in, bytes);
}

/* What went wrong, in words that name the cause and not the library's routine. */
static void explain(struct tls_session *session)
{
    unsigned long code = ERR_peek_last_error();
    long verified = SSL_get_verify_result(session->ssl);
    char *to = session->error;
    size_t bytes = sizeof(session->error);

    if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH)
        (void)snprintf(to, bytes, "TLS: the node's certificate is not for %.150s", session->host);
    else if (verified != X509_V_OK)
        (void)snprintf(to, bytes, "TLS: the node's certificate is not trusted: %.150s",
                       X509_verify_cert_error_string(verified));
    else if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER)
        (void)snprintf(to, bytes, "TLS: what answers does not speak TLS");
    else if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET)
        (void)snprintf(to, bytes, "TLS: the node refused: %.100s (does it trust our certificate?)",
                       newest_error());
    else
        (void)snprintf(to, bytes, "TLS: %.200s", newest_error());
}

enum tls_progress tls_handshake(struct tls_session *session)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(session->ssl);
    if (rc == 1)
        return TLS_READY;
    int error = SSL_get_error(session->ssl, rc);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return TLS_HANDSHAKING;
    explain(session);
    return TLS_FAILED;
}

ssize_t tls_read(struct tls_session *session, uint8_t *to, size_t room)
{
    size_t bytes = 0;
    ERR_clear_error();
    int rc = SSL_read_ex(session->ssl, to, room, &bytes);
    if (rc == 1)
        return (ssize_t)bytes;
    int error = SSL_get_error(session->ssl, rc);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    if (error == SSL_ERROR_ZERO_RETURN)
        return STATUS_CLOSED;
    explain(session);
    return STATUS_REFUSED;
}

int tls_write(struct tls_session *session, struct slice bytes)
{
    size_t taken;
    if (bytes.len == 0)
        return STATUS_OK;
    ERR_clear_error();
    if (SSL_write_ex(session->ssl, bytes.data, bytes.len, &taken) == 1)
        return STATUS_OK; /* without partial writes it takes all or fails */
    explain(session);
    return STATUS_REFUSED;
}

struct slice tls_output(const struct tls_session *session)
{
    return buf_unread(&session->out);
}

void tls_sent(struct tls_session *session, size_t bytes)
{
    buf_consume(&session->out, bytes);
}

const char *tls_error(const struct tls_session *session)
{
    return session->error;
}
