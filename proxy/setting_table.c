/*
 * The table of settings. A new setting is one row here; the reference file sluice.yaml is printed
 * from it (sluice --print-reference), and a test compares the two.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MS  INT64_C(1000)
#define S   (1000 * MS)
#define MIN (60 * S)
#define DAY (1440 * MIN)

#define STORE_OF(member)                                                                           \
    _Generic(((struct config *)0)->member,                                                         \
        int32_t: STORE_I32,                                                                        \
        uint32_t: STORE_U32,                                                                       \
        int64_t: STORE_I64,                                                                        \
        size_t: STORE_U64,                                                                         \
        bool: STORE_BOOL,                                                                          \
        const char *: STORE_TEXT,                                                                  \
        struct address: STORE_ADDRESS,                                                             \
        struct config_addresses: STORE_ADDRESSES)
#define AT(member) .store = STORE_OF(member), .target = offsetof(struct config, member)

static bool is_name(const char *text, const char *also, size_t max)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(also, text[i]) == NULL)
            return false;
    return len > 0 && len <= max;
}

static bool is_keyspace(const char *text)
{
    return is_name(text, "_", 48);
}

static bool is_member(const char *text)
{
    return is_name(text, "._:-", 64);
}

static bool is_data_center(const char *text)
{
    return is_name(text, "._:- ", 63);
}

static bool is_map(const char *text)
{
    size_t len = strlen(text);
    if (len < 2 || len > 500 || text[0] != '{' || text[len - 1] != '}')
        return false;
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)text[i]) || text[i] == ';')
            return false;
    return strstr(text, "'class'") != NULL;
}

static bool is_translation(const char *text)
{
    struct translations translations;
    if (translations_parse(text, &translations) < 0)
        return false;
    translations_free(&translations);
    return true;
}

static const struct setting_choice tls_verifications[] = {{"full", TLS_VERIFY_FULL},
                                                          {"chain", TLS_VERIFY_CHAIN},
                                                          {"none", TLS_VERIFY_NONE},
                                                          {NULL, 0}};

static const struct setting_choice compressions[] = {{"none", CQL_COMPRESSION_NONE},
                                                     {"auto", CQL_COMPRESSION_AUTO},
                                                     {"lz4", CQL_COMPRESSION_LZ4},
                                                     {NULL, 0}};

static const struct setting_choice consistencies[] = {
    {"LOCAL_QUORUM", CQL_CONSISTENCY_LOCAL_QUORUM},
    {"QUORUM", CQL_CONSISTENCY_QUORUM},
    {"LOCAL_ONE", CQL_CONSISTENCY_LOCAL_ONE},
    {"ONE", CQL_CONSISTENCY_ONE},
    {"TWO", CQL_CONSISTENCY_TWO},
    {"THREE", CQL_CONSISTENCY_THREE},
    {NULL, 0}};
static const struct setting_choice timestamp_types[] = {
    {"CreateTime", 0}, {"LogAppendTime", 1}, {NULL, 0}};
static const struct setting_choice schema_modes[] = {{"auto", 1}, {"never", 0}, {NULL, 0}};
static const struct setting_choice levels[] = {
    {"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR}, {NULL, 0}};

const struct setting_section setting_sections[] = {
    {"listener", "Where producers connect."},
    {"cassandra", "Where records go: the cluster and how to talk to it."},
    {"schema", "The keyspace and its tables."},
    {"topics", "Topics and what a record may be."},
    {"log_tables", "How records are laid out and grouped on their way into tables."},
    {"limits", "What clients may use. All are on by default; each names the abuse that it stops."},
    {"member", "This process among others of the same keyspace, and how it stops."},
    {"log", "Log lines, on standard error."},
    {NULL, NULL}};

/* One row per setting; the lines are kept as they are written. */
/* clang-format off */
const struct setting setting_table[] = {
{.section = "listener", .key = "bind", .type = SETTING_ADDRESS,
 AT(bind),
 .default_text = "0.0.0.0:9092", .min = 9092, .flag = "--listen",
 .help = "Address and port to listen on for Kafka clients (Kafka: listeners). [::]:9092 takes\n"
         "both IPv4 and IPv6. Anyone who can reach it can write: there is no TLS or login yet, so\n"
         "bind it to a private address where that matters. Port 0 lets the system choose one."},
{.section = "listener", .key = "advertised", .type = SETTING_ADDRESS,
 AT(advertised),
 .default_text = "", .min = 0, .flag = "--advertise", .marks = SETTING_EMPTY_IS_UNSET,
 .help = "Address and port that clients are told to connect to (Kafka: advertised.listeners).\n"
         "Empty: the address and port that each client dialled, which is right unless there is\n"
         "address translation or a balancer in between. Without a port: the one of listener.bind."},
{.section = "listener", .key = "node_id", .type = SETTING_INTEGER,
 AT(gateway.node_id),
 .default_text = "1", .min = 0, .max = INT32_MAX,
 .help = "This broker's id in the metadata that clients see (Kafka: node.id)."},
{.section = "listener", .key = "max_connections", .type = SETTING_INTEGER,
 AT(gateway.max_connections),
 .default_text = "10000", .min = 1, .max = 1000000, .marks = SETTING_RELOADS,
 .help = "Client connections at one time (Kafka: max.connections); more are closed at once.\n"
         "Stops: running out of memory and descriptors in a flood of connections."},

{.section = "cassandra", .key = "contact_points", .type = SETTING_ADDRESSES,
 AT(contact_points),
 .default_text = "127.0.0.1:9042", .min = 9042, .flag = "--contact-points",
 .help = "Nodes to connect to, HOST or HOST:PORT, separated by commas or as a YAML list. A name\n"
         "may stand for several addresses: they are tried in turn. One that answers is enough:\n"
         "the other nodes are found through it (see discover_nodes)."},
{.section = "cassandra", .key = "keyspace", .type = SETTING_TEXT,
 AT(gateway.keyspace),
 .default_text = "sluice", .flag = "--keyspace", .is_valid = is_keyspace,
 .allowed = "1 to 48 letters, digits and _",
 .help = "The keyspace of all tables. It is made if it is missing (see schema.create)."},
{.section = "cassandra", .key = "username", .type = SETTING_TEXT,
 AT(username),
 .default_text = "", .marks = SETTING_EMPTY_IS_UNSET,
 .help = "User for password authentication. Empty: none is offered."},
{.section = "cassandra", .key = "password_file", .type = SETTING_TEXT,
 AT(password_file),
 .default_text = "", .marks = SETTING_EMPTY_IS_UNSET,
 .help = "File whose first line is the password. The environment variable\n"
         "SLUICE_CASSANDRA__PASSWORD does the same. A password is never taken from a flag or\n"
         "from this file, where others would see it."},
{.section = "cassandra", .key = "password", .type = SETTING_TEXT,
 AT(password),
 .default_text = "", .marks = SETTING_EMPTY_IS_UNSET | SETTING_SECRET,
 .help = "From the environment only: SLUICE_CASSANDRA__PASSWORD."},
{.section = "cassandra", .key = "tls", .type = SETTING_BOOL,
 AT(tls),
 .default_text = "false",
 .help = "Speak TLS to the nodes (their client_encryption_options), 1.2 or newer."},
{.section = "cassandra", .key = "tls_verify", .type = SETTING_CHOICE,
 AT(node_tls.verify),
 .default_text = "full", .choices = tls_verifications,
 .help = "full: a node's certificate must lead to one that is trusted and be for the address that\n"
         "was dialled; discovered nodes are dialled by their address. chain: only the former.\n"
         "none: anybody may answer."},
{.section = "cassandra", .key = "tls_ca_file", .type = SETTING_TEXT,
 AT(node_tls.ca_file),
 .default_text = "", .marks = SETTING_EMPTY_IS_UNSET,
 .help = "PEM file of the certificates that are trusted. Empty: those of the system."},
{.section = "cassandra", .key = "tls_server_name", .type = SETTING_TEXT,
 AT(node_tls.server_name),
 .default_text = "", .marks = SETTING_EMPTY_IS_UNSET,
 .help = "The name that is in all nodes' certificates, where these do not name addresses."},
{.section = "cassandra", .key = "tls_certificate_file", .type = SETTING_TEXT,
 AT(node_tls.certificate_file),
 .default_text = "", .marks = SETTING_EMPTY_IS_UNSET,
 .help = "PEM file of our own certificate and its chain, for nodes that ask for one."},
{.section = "cassandra", .key = "tls_key_file", .type = SETTING_TEXT,
 AT(node_tls.key_file),
 .default_text = "", .marks = SETTING_EMPTY_IS_UNSET,
 .help = "PEM file of its key."},
{.section = "cassandra", .key = "local_dc", .type = SETTING_TEXT,
 AT(gateway.local_dc),
 .default_text = "", .is_valid = is_data_center, .allowed = "the name of a data centre",
 .marks = SETTING_EMPTY_IS_UNSET,
 .help = "The home data centre: its nodes are used, and its replicas answer LOCAL_QUORUM. Empty:\n"
         "that of the first node reached. All gateways of a keyspace must have the same one."},
{.section = "cassandra", .key = "remote_data_centers", .type = SETTING_BOOL,
 AT(gateway.remote_data_centers),
 .default_text = "false",
 .help = "Nodes of other data centres take requests too, when none at home can. Only with\n"
         "consistency QUORUM: for them, LOCAL_QUORUM would be another one."},
{.section = "cassandra", .key = "discover_nodes", .type = SETTING_BOOL,
 AT(gateway.discover_nodes),
 .default_text = "true",
 .help = "All nodes of the home data centre that the contact points tell of are connected to,\n"
         "and each row is sent to one of its replicas. false: the contact points only."},
{.section = "cassandra", .key = "address_translation", .type = SETTING_TEXT,
 AT(address_translation),
 .default_text = "", .is_valid = is_translation, .marks = SETTING_EMPTY_IS_UNSET,
 .allowed = "TOLD=DIALLED with addresses and perhaps ports, such as 10.0.0.1=203.0.113.5:19042",
 .help = "Where nodes are reached under other addresses than those that they tell: TOLD=DIALLED,\n"
         "several with commas between them. Without a port on the left it counts for all ports;\n"
         "without one on the right the port stays."},
{.section = "cassandra", .key = "connections_per_node", .type = SETTING_INTEGER,
 AT(gateway.connections_per_node),
 .default_text = "1", .min = 1, .max = 64,
 .help = "Connections to each node. One is enough for most; a ScyllaDB node gets one for each of\n"
         "its shards in any case."},
{.section = "cassandra", .key = "max_connections", .type = SETTING_INTEGER,
 AT(gateway.max_node_connections),
 .default_text = "4096", .min = 1, .max = 100000,
 .help = "Connections to all nodes together; each node gets one all the same.\n"
         "Stops: a cluster that tells of ever more nodes and shards from taking all descriptors."},
{.section = "cassandra", .key = "compression", .type = SETTING_CHOICE,
 AT(gateway.compression),
 .default_text = "none", .choices = compressions,
 .help = "Compression of what is written to the nodes and read from them. none: the least work for\n"
         "both sides (a node spends about 40 % more on small rows with lz4). auto: lz4 where a\n"
         "node offers it, for networks that are slow or charged by the byte. lz4: a node that does\n"
         "not offer it is not used."},
{.section = "cassandra", .key = "trace_ppm", .type = SETTING_INTEGER,
 AT(gateway.trace_ppm),
 .default_text = "0", .min = 0, .max = 1000000,
 .help = "Requests out of a million that a node is asked to trace, chosen at random. The id of\n"
         "each trace is logged; system_traces.events has what the node did. Tracing is dear: 100\n"
         "is much."},
{.section = "cassandra", .key = "consistency", .type = SETTING_CHOICE,
 AT(gateway.consistency),
 .default_text = "LOCAL_QUORUM", .choices = consistencies,
 .help = "A record is acknowledged when it is stored at this level, and read back at it after a\n"
         "restart. LOCAL_QUORUM goes with LOCAL_SERIAL, QUORUM with SERIAL. The others need\n"
         "unsafe_consistency, because acknowledged records can then be lost with one node."},
{.section = "cassandra", .key = "unsafe_consistency", .type = SETTING_BOOL,
 AT(gateway.unsafe_consistency),
 .default_text = "false",
 .help = "Allows a consistency below QUORUM. An acknowledged record may then be lost, and what a\n"
         "producer sent once may be stored twice."},
{.section = "cassandra", .key = "request_timeout", .type = SETTING_DURATION,
 AT(gateway.request_timeout_us),
 .default_text = "12s", .min = 100 * MS, .max = 10 * MIN,
 .help = "A node that has not answered a request for so long is given up, and the request is\n"
         "executed again elsewhere. Keep it above the server's own write_request_timeout."},
{.section = "cassandra", .key = "speculative_execution_delay", .type = SETTING_DURATION,
 AT(gateway.speculative_delay_us),
 .default_text = "0ms", .min = 0, .max = 10 * MIN,
 .help = "A write or read of a partition that has had no answer for so long is sent to a second\n"
         "node as well, and the first success counts: a node that stands still then holds nobody\n"
         "up for longer. Transactions never are. At most one request in eight has a copy under\n"
         "way. 0: off. When on, well above the 99th percentile of answers, such as 100ms."},
{.section = "cassandra", .key = "connect_timeout", .type = SETTING_DURATION,
 AT(gateway.connect_timeout_us),
 .default_text = "5s", .min = 100 * MS, .max = 5 * MIN,
 .help = "Time to connect to a node, shared by all addresses of its name."},
{.section = "cassandra", .key = "reconnect_min", .type = SETTING_DURATION,
 AT(gateway.reconnect_min_us),
 .default_text = "100ms", .min = 10 * MS, .max = 10 * MIN,
 .help = "First pause before a lost node is tried again; it doubles, with jitter, up to\n"
         "reconnect_max."},
{.section = "cassandra", .key = "reconnect_max", .type = SETTING_DURATION,
 AT(gateway.reconnect_max_us),
 .default_text = "10s", .min = 100 * MS, .max = 60 * MIN,
 .help = "Longest pause before a lost node is tried again."},
{.section = "cassandra", .key = "window_start", .type = SETTING_INTEGER,
 AT(gateway.window_start),
 .default_text = "32", .min = 1, .max = 16384,
 .help = "Requests under way to one node at first. The window then grows while the node keeps up\n"
         "and halves when it says that it is overloaded or answers late."},
{.section = "cassandra", .key = "window_min", .type = SETTING_INTEGER,
 AT(gateway.window_min),
 .default_text = "8", .min = 1, .max = 16384,
 .help = "The window never gets smaller than this."},
{.section = "cassandra", .key = "window_max", .type = SETTING_INTEGER,
 AT(gateway.window_max),
 .default_text = "1024", .min = 1, .max = 16384,
 .help = "The window never gets larger than this."},

{.section = "cassandra", .key = "window_bytes", .type = SETTING_BYTES,
 AT(gateway.window_bytes),
 .default_text = "16MiB", .min = 64 * KIB, .max = GIB,
 .help = "Bytes of requests under way to one node, at most. It halves when the node says that\n"
         "these are too many: Cassandra takes a 40th of its heap from one address."},

{.section = "schema", .key = "create", .type = SETTING_CHOICE,
 AT(gateway.schema_create),
 .default_text = "auto", .choices = schema_modes,
 .help = "auto: a missing keyspace and missing tables are made. never: they must be there (print\n"
         "them with `sluice schema`), and a topic without its table is refused."},
{.section = "schema", .key = "replication", .type = SETTING_TEXT,
 AT(gateway.replication),
 .default_text = "", .is_valid = is_map, .marks = SETTING_EMPTY_IS_UNSET,
 .allowed = "a CQL map with a class, such as {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
 .help = "Replication of a keyspace that Sluice makes, as in CREATE KEYSPACE. Empty:\n"
         "NetworkTopologyStrategy with 3 copies in the home data centre, or as many as it has\n"
         "nodes. An existing keyspace is never altered."},

{.section = "topics", .key = "auto_create", .type = SETTING_BOOL,
 AT(gateway.auto_create_topics),
 .default_text = "true", .marks = SETTING_RELOADS,
 .help = "A topic that a producer asks for is made (Kafka: auto.create.topics.enable)."},
{.section = "topics", .key = "num_partitions", .type = SETTING_INTEGER,
 AT(gateway.num_partitions),
 .default_text = "1", .min = 1, .max = 10000, .marks = SETTING_RELOADS,
 .help = "Partitions of a topic that is made without saying how many (Kafka: num.partitions)."},
{.section = "topics", .key = "max_topics", .type = SETTING_INTEGER,
 AT(gateway.max_topics),
 .default_text = "500", .min = 1, .max = 100000, .marks = SETTING_RELOADS,
 .help = "Topics of the keyspace; each is a table, and tables cost every node memory.\n"
         "Stops: a client that asks for ever new names from filling the cluster with tables."},
{.section = "topics", .key = "max_partitions", .type = SETTING_INTEGER,
 AT(gateway.max_partitions),
 .default_text = "1000", .min = 1, .max = 100000, .marks = SETTING_RELOADS,
 .help = "Partitions of one topic.\n"
         "Stops: one request for a topic of a million partitions."},
{.section = "topics", .key = "auto_create_per_second", .type = SETTING_INTEGER,
 AT(gateway.auto_create_per_second),
 .default_text = "2", .min = 1, .max = 1000, .marks = SETTING_RELOADS,
 .help = "Topics made in a second; more have to wait.\n"
         "Stops: a flood of schema changes, which are dear for every node."},
{.section = "topics", .key = "max_message_bytes", .type = SETTING_BYTES,
 AT(gateway.max_message_bytes),
 .default_text = "1048588", .min = KIB, .max = GIB, .marks = SETTING_RELOADS,
 .help = "Size of one record batch as it was sent, in bytes (Kafka: message.max.bytes).\n"
         "Stops: batches that no mutation of the cluster can hold."},
{.section = "topics", .key = "max_decompressed_bytes", .type = SETTING_BYTES,
 AT(gateway.max_decompressed_bytes),
 .default_text = "64MiB", .min = MIB, .max = 2 * GIB - 1, .marks = SETTING_RELOADS,
 .help = "Size of one record batch after decompression.\n"
         "Stops: compression bombs, a few KiB that unfold to gigabytes."},
{.section = "topics", .key = "max_record_headers", .type = SETTING_INTEGER,
 AT(gateway.max_record_headers),
 .default_text = "1024", .min = 0, .max = 1000000, .marks = SETTING_RELOADS,
 .help = "Headers of one record.\n"
         "Stops: records that consist of millions of empty headers."},
{.section = "topics", .key = "delete", .type = SETTING_BOOL,
 AT(gateway.delete_topics),
 .default_text = "true", .marks = SETTING_RELOADS,
 .help = "Topics can be deleted, with their tables (Kafka: delete.topic.enable). With\n"
         "schema.create: never they cannot."},
{.section = "topics", .key = "max_partitions_total", .type = SETTING_INTEGER,
 AT(gateway.max_partitions_total),
 .default_text = "20000", .min = 1, .max = 10000000, .marks = SETTING_RELOADS,
 .help = "Partitions of all topics together; each costs this process memory. Topics that\n"
         "others made are served up to twice as many.\n"
         "Stops: many topics that each keep below max_partitions."},
{.section = "topics", .key = "message_timestamp_type", .type = SETTING_CHOICE,
 AT(gateway.log_append_time),
 .default_text = "CreateTime", .choices = timestamp_types,
 .help = "Whose timestamps records get in topics that do not say (Kafka:\n"
         "log.message.timestamp.type). CreateTime: the producer's. LogAppendTime: this gateway's\n"
         "when they arrive."},
{.section = "topics", .key = "message_timestamp_before_max", .type = SETTING_DURATION,
 AT(gateway.timestamp_before_max_us),
 .default_text = "0ms", .min = 0, .max = 36500 * DAY,
 .help = "How far a producer's timestamps may lie behind this gateway's clock in topics that do\n"
         "not say (Kafka: log.message.timestamp.before.max.ms). 0: any."},
{.section = "topics", .key = "message_timestamp_after_max", .type = SETTING_DURATION,
 AT(gateway.timestamp_after_max_us),
 .default_text = "0ms", .min = 0, .max = 36500 * DAY,
 .help = "Likewise ahead of it (Kafka: log.message.timestamp.after.max.ms)."},

{.section = "log_tables", .key = "segment_max_rows", .type = SETTING_INTEGER,
 AT(gateway.segment_max_rows),
 .default_text = "100000", .min = 1000, .max = 10000000,
 .help = "Offsets in one segment, which is one Cassandra partition. Larger ones are slower to\n"
         "repair and compact, smaller ones cost an index row each."},
{.section = "log_tables", .key = "segment_max_bytes", .type = SETTING_BYTES,
 AT(gateway.segment_max_bytes),
 .default_text = "64MiB", .min = MIB, .max = GIB,
 .help = "Bytes in one segment; the first of the two bounds that is reached ends it."},
{.section = "log_tables", .key = "mutation_max_bytes", .type = SETTING_BYTES,
 AT(gateway.mutation_max_bytes),
 .default_text = "0", .min = 0, .max = 256 * MIB,
 .help = "Largest mutation sent. 0: half of the smaller of the server's frame and mutation limit,\n"
         "as read from the server."},
{.section = "log_tables", .key = "mutation_group_rows", .type = SETTING_INTEGER,
 AT(gateway.mutation_group_rows),
 .default_text = "600", .min = 1, .max = 100000,
 .help = "Waiting batches of a partition ride in one mutation, up to so many rows; a batch with\n"
         "more has one of its own."},
{.section = "log_tables", .key = "mutation_group_bytes", .type = SETTING_BYTES,
 AT(gateway.mutation_group_bytes),
 .default_text = "256KiB", .min = KIB, .max = 64 * MIB,
 .help = "Likewise by size."},
{.section = "log_tables", .key = "mutations_per_partition", .type = SETTING_INTEGER,
 AT(gateway.mutations_per_partition),
 .default_text = "4", .min = 1, .max = 64,
 .help = "Mutations of one partition under way at once."},

{.section = "limits", .key = "memory_bytes", .type = SETTING_BYTES,
 AT(gateway.memory_bytes),
 .default_text = "256MiB", .min = 8 * MIB, .max = 1024 * GIB, .marks = SETTING_RELOADS,
 .help = "Bytes of requests and mutations held at one time. Past it producers are read more\n"
         "slowly, down to not at all, and are told so (throttle_time_ms).\n"
         "Stops: many producers, or a slow database, from filling the memory."},
{.section = "limits", .key = "max_request_bytes", .type = SETTING_BYTES,
 AT(gateway.max_request_bytes),
 .default_text = "100MiB", .min = 64 * KIB, .max = 2 * GIB - 1, .marks = SETTING_RELOADS,
 .help = "Size of one request (Kafka: socket.request.max.bytes); a larger one ends the\n"
         "connection. Memory is taken as bytes arrive, never for a promised length.\n"
         "Stops: one client from taking the whole memory budget."},
{.section = "limits", .key = "max_admin_items", .type = SETTING_INTEGER,
 AT(gateway.max_admin_items),
 .default_text = "2000", .min = 1, .max = 1000000, .marks = SETTING_RELOADS,
 .help = "Topics, settings and partitions that one admin request may name; one with more is\n"
         "refused (42).\n"
         "Stops: one small request that makes much work."},
{.section = "limits", .key = "max_pending_requests", .type = SETTING_INTEGER,
 AT(gateway.max_pending_requests),
 .default_text = "1000", .min = 1, .max = 1000000, .marks = SETTING_RELOADS,
 .help = "Requests of one connection without an answer; at the limit it is not read further.\n"
         "Stops: a client that sends without ever reading."},
{.section = "limits", .key = "first_request_timeout", .type = SETTING_DURATION,
 AT(gateway.first_request_timeout_us),
 .default_text = "10s", .min = 100 * MS, .max = 60 * MIN, .marks = SETTING_RELOADS,
 .help = "Time from connecting to the end of the first request.\n"
         "Stops: connections that are opened only to be held."},
{.section = "limits", .key = "request_receive_timeout", .type = SETTING_DURATION,
 AT(gateway.request_receive_timeout_us),
 .default_text = "30s", .min = 100 * MS, .max = 60 * MIN, .marks = SETTING_RELOADS,
 .help = "Time from the first to the last byte of a request.\n"
         "Stops: requests that trickle in byte by byte."},
{.section = "limits", .key = "idle_timeout", .type = SETTING_DURATION,
 AT(gateway.idle_timeout_us),
 .default_text = "10min", .min = S, .max = 7 * DAY, .marks = SETTING_RELOADS,
 .help = "A connection without a byte for so long is closed (Kafka: connections.max.idle.ms).\n"
         "Stops: dead peers from being kept for ever."},

{.section = "member", .key = "name", .type = SETTING_TEXT,
 AT(gateway.member),
 .default_text = "", .is_valid = is_member, .marks = SETTING_EMPTY_IS_UNSET,
 .allowed = "1 to 64 letters, digits and . _ : -",
 .help = "This process's name among the gateways of the keyspace: the same after a restart, and\n"
         "never used by two at once. Empty: host name and port, such as web1-9092."},
{.section = "member", .key = "lease", .type = SETTING_DURATION,
 AT(gateway.lease_us),
 .default_text = "10s", .min = S, .max = 10 * MIN,
 .help = "How long others wait before they take over from this process when it is silent."},
{.section = "member", .key = "lease_renew", .type = SETTING_DURATION,
 AT(gateway.lease_renew_us),
 .default_text = "3s", .min = 100 * MS, .max = 5 * MIN,
 .help = "How often the lease is renewed; at most half of the lease."},
{.section = "member", .key = "drain_timeout", .type = SETTING_DURATION,
 AT(gateway.drain_timeout_us),
 .default_text = "25s", .min = 0, .max = 10 * MIN, .marks = SETTING_RELOADS,
 .help = "After TERM or INT: how long what is under way may take to finish. Keep it below the\n"
         "time after which the service manager kills (systemd: TimeoutStopSec)."},

{.section = "log", .key = "level", .type = SETTING_CHOICE,
 AT(log_level),
 .default_text = "info", .choices = levels, .flag = "--log-level", .marks = SETTING_RELOADS,
 .help = "Least severe lines that are written."},
{.section = "log", .key = "lines_per_second", .type = SETTING_INTEGER,
 AT(log_lines_per_second),
 .default_text = "20", .min = 0, .max = 1000000, .marks = SETTING_RELOADS,
 .help = "Lines of one kind in a second; then one line tells how many were left out. 0: all.\n"
         "Stops: a client that repeats a mistake from filling the disk."},
};
/* clang-format on */

const size_t setting_count = sizeof(setting_table) / sizeof(setting_table[0]);
