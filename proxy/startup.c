#include "startup.h"

#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that are not clients: nodes, the loop's own, files, the listener. */
#define OTHER_DESCRIPTORS 128

static const char *quoted(char to[LOG_QUOTED_BYTES], const char *text)
{
    return log_quote(to, LOG_QUOTED_BYTES, text, strlen(text));
}

static void warn_about_password_file(const struct config *config)
{
    struct stat status;
    char path[LOG_QUOTED_BYTES];
    if (config->password_file != NULL && stat(config->password_file, &status) == 0 &&
        (status.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH)) != 0)
        log_event(LOG_WARN, "others can read the password file",
                  "file=%s mode=%03o hint=\"chmod 600\"", quoted(path, config->password_file),
                  (unsigned)(status.st_mode & 0777));
}

void startup_begin(const struct config *config)
{
    char file[LOG_QUOTED_BYTES];
    log_event(LOG_INFO, "starting", "version=%s pid=%d config=%s", SLUICE_VERSION, (int)getpid(),
              config->file != NULL ? quoted(file, config->file) : "none");
    warn_about_password_file(config);
    if (config->gateway.unsafe_consistency)
        log_event(LOG_WARN, "unsafe consistency",
                  "consistency=%s effect=\"acknowledged records may be lost with one node\"",
                  config_value(config, "cassandra", "consistency")->text);
}

bool startup_node_tls(const struct config *config, struct tls_context **context)
{
    char reason[400], quoted_reason[LOG_QUOTED_BYTES];
    *context = NULL;
    if (!config->tls)
        return true;
    *context = tls_context_new(&config->node_tls, reason, sizeof(reason));
    if (*context == NULL) {
        log_event(LOG_ERROR, "cannot speak TLS to the nodes", "settings=cassandra.tls* error=%s",
                  quoted(quoted_reason, reason));
        return false;
    }
    if (config->node_tls.verify == TLS_VERIFY_NONE)
        log_event(LOG_WARN, "nodes are not verified",
                  "setting=cassandra.tls_verify effect=\"anybody may answer in their place\"");
    return true;
}

const char *startup_address(const struct config *config, const struct address *bound, char *to,
                            size_t to_bytes)
{
    const struct gateway_config *g = &config->gateway;
    if (g->advertised_host != NULL)
        return address_write(g->advertised_host,
                             g->advertised_port != 0 ? g->advertised_port : bound->port, to,
                             to_bytes);
    return address_write(address_is_wildcard(bound->host) ? "127.0.0.1" : bound->host, bound->port,
                         to, to_bytes);
}

void startup_listening(const struct config *config, const struct address *bound, const char *member)
{
    char listen[ADDRESS_TEXT_BYTES], told[ADDRESS_TEXT_BYTES], points[LOG_QUOTED_BYTES];
    (void)address_write(bound->host, bound->port, listen, sizeof(listen));
    log_event(LOG_INFO, "listening", "bind=%s advertised=%s node_id=%" PRId32 " member=%s", listen,
              config->gateway.advertised_host != NULL
                  ? startup_address(config, bound, told, sizeof(told))
                  : "\"the address that each client dialled\"",
              config->gateway.node_id, member);
    log_event(LOG_INFO, "connecting to the cluster", "contact_points=%s keyspace=%s",
              quoted(points, config_value(config, "cassandra", "contact_points")->text),
              config->gateway.keyspace);
}

void startup_ready(const struct config *config, const struct address *bound, int64_t after_us)
{
    char address[ADDRESS_TEXT_BYTES];
    log_event(LOG_INFO, "ready", "keyspace=%s after_ms=%" PRId64, config->gateway.keyspace,
              after_us / 1000);
    (void)startup_address(config, bound, address, sizeof(address));
    log_event(LOG_INFO, "try",
              "produce=\"echo hello | kcat -P -b %s -t greetings\" "
              "read=\"cqlsh -e 'SELECT * FROM %s.greetings'\"",
              address, config->gateway.keyspace);
}

void startup_raise_limits(const struct config *config)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
        (void)getrlimit(RLIMIT_NOFILE, &files);
    }
    rlim_t wanted = (rlim_t)config->gateway.max_connections + OTHER_DESCRIPTORS;
    if (files.rlim_cur < wanted)
        log_event(LOG_WARN, "the limit of open files is low",
                  "open_files=%" PRIu64 " max_connections=%" PRIu32 " hint=\"ulimit -n %" PRIu64
                  ", or a lower listener.max_connections\"",
                  (uint64_t)files.rlim_cur, config->gateway.max_connections, (uint64_t)wanted);
}
