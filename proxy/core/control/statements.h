/*
 * Every statement of the control plane but DDL. '@' stands for the quoted keyspace. Lightweight
 * transactions alone write the tables that they write (DESIGN.md 4).
 */
#ifndef PROXY_CORE_STATEMENTS_H
#define PROXY_CORE_STATEMENTS_H

/* clang-format off */
#define STATEMENT_MAP(X) \
    X(LOCAL, \
      "SELECT cluster_name, data_center, release_version, partitioner, host_id, " \
      "schema_version, toTimestamp(now()) AS now FROM system.local WHERE key = 'local'") \
    X(PEERS, "SELECT data_center, host_id, schema_version FROM system.peers") \
    X(SETTINGS, "SELECT name, value FROM system_views.settings") \
    X(KEYSPACE, \
      "SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name " \
      "= ?") \
    X(TABLES, "SELECT * FROM system_schema.tables WHERE keyspace_name = ?") \
    X(TABLE_ID, \
      "SELECT id FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?") \
    X(TABLE_COMPRESSION, \
      "SELECT compression FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?") \
    X(COLUMNS, \
      "SELECT column_name, kind, position, type FROM system_schema.columns WHERE " \
      "keyspace_name = ? AND table_name = ?") \
    X(CLUSTER_READ, \
      "SELECT cluster_id, format, slots, home_dc, consistency FROM @.sluice_cluster WHERE " \
      "name = ?") \
    X(CLUSTER_INSERT, \
      "INSERT INTO @.sluice_cluster (name, cluster_id, format, slots, home_dc, " \
      "consistency) VALUES (?, ?, ?, ?, ?, ?) IF NOT EXISTS") \
    X(TOPICS_SCAN, \
      "SELECT topic, topic_id, table_name, partitions, state, configuration, version FROM " \
      "@.sluice_topics") \
    X(TOPIC_READ, \
      "SELECT topic, topic_id, table_name, partitions, state, configuration, version FROM " \
      "@.sluice_topics WHERE topic = ?") \
    X(TOPIC_INSERT, \
      "INSERT INTO @.sluice_topics (topic, topic_id, table_name, partitions, configuration, " \
      "state, version) VALUES (?, ?, ?, ?, ?, 'creating', 1) IF NOT EXISTS") \
    X(TOPIC_CHANGE, \
      "UPDATE @.sluice_topics SET topic_id = ?, table_name = ?, configuration = ? WHERE topic = " \
      "? IF topic_id = ? AND table_name = ? AND state = 'creating'") \
    X(TOPIC_LIVE, \
      "UPDATE @.sluice_topics SET state = 'live' WHERE topic = ? IF topic_id = ? AND " \
      "table_name = ? AND state = 'creating'") \
    X(TOPIC_REMOVE, \
      "DELETE FROM @.sluice_topics WHERE topic = ? IF topic_id = ? AND state = 'creating'") \
    X(TOPIC_UPDATE, \
      "UPDATE @.sluice_topics SET partitions = ?, configuration = ?, version = ? WHERE topic " \
      "= ? IF topic_id = ? AND version = ? AND state = 'live'") \
    X(TOPIC_DELETE, \
      "UPDATE @.sluice_topics SET state = 'deleting' WHERE topic = ? IF topic_id = ? AND " \
      "state = 'live'") \
    X(TOPIC_DELETED, \
      "DELETE FROM @.sluice_topics WHERE topic = ? IF topic_id = ? AND state = 'deleting'") \
    X(SEGMENTS_DELETE, \
      "DELETE FROM @.sluice_segments USING TIMESTAMP ? WHERE topic_id = ? AND partition = ?") \
    X(VERSION_READ, "SELECT version FROM @.sluice_tables WHERE table_name = 'sluice_topics'") \
    X(VERSION_INSERT, \
      "INSERT INTO @.sluice_tables (table_name, version) VALUES ('sluice_topics', ?) IF NOT " \
      "EXISTS") \
    X(VERSION_RAISE, \
      "UPDATE @.sluice_tables SET version = ? WHERE table_name = 'sluice_topics' IF version = ?") \
    X(TABLE_DROPPED, "SELECT topic_id FROM @.sluice_tables WHERE table_name = ?") \
    X(TABLE_DROPPING, \
      "INSERT INTO @.sluice_tables (table_name, topic_id) VALUES (?, ?) IF NOT EXISTS USING " \
      "TTL 604800") \
    X(IDS_READ, "SELECT next_block FROM @.sluice_producer_ids WHERE name = ?") \
    X(IDS_INSERT, \
      "INSERT INTO @.sluice_producer_ids (name, next_block) VALUES (?, ?) IF NOT EXISTS") \
    X(IDS_TAKE, \
      "UPDATE @.sluice_producer_ids SET next_block = ? WHERE name = ? IF next_block = ?") \
    X(MEMBERS_SCAN, \
      "SELECT member, incarnation, boot, lease_ms, ceiling, closed FROM @.sluice_members") \
    X(MEMBER_READ, \
      "SELECT incarnation, boot, lease_ms, ceiling, closed FROM @.sluice_members WHERE " \
      "member = ?") \
    X(MEMBER_INSERT, \
      "INSERT INTO @.sluice_members (member, node_id, incarnation, advertised, boot, " \
      "lease_ms, ceiling, closed) VALUES (?, ?, ?, ?, ?, ?, ?, false) IF NOT EXISTS") \
    X(MEMBER_TAKE, \
      "UPDATE @.sluice_members SET node_id = ?, incarnation = ?, advertised = ?, boot = ?, " \
      "lease_ms = ?, ceiling = ?, closed = false WHERE member = ? IF incarnation = ? AND " \
      "ceiling = ? AND closed = ?") \
    X(MEMBER_RENEW, \
      "UPDATE @.sluice_members SET ceiling = ? WHERE member = ? IF incarnation = ? AND " \
      "ceiling = ? AND closed = false") \
    X(MEMBER_CLOSE, \
      "UPDATE @.sluice_members SET closed = true WHERE member = ? IF incarnation = ? AND " \
      "ceiling = ? AND closed = false") \
    X(SLOTS_SCAN, "SELECT slot, member, epoch, sealed_below FROM @.sluice_slots") \
    X(SLOT_READ, "SELECT slot, member, epoch, sealed_below FROM @.sluice_slots WHERE slot = ?") \
    X(SLOT_INSERT, \
      "INSERT INTO @.sluice_slots (slot, member, epoch, sealed_below) VALUES (?, ?, ?, ?) " \
      "IF NOT EXISTS") \
    X(SLOT_CLAIM, \
      "UPDATE @.sluice_slots SET member = ?, epoch = ?, sealed_below = ? WHERE slot = ? IF " \
      "member = ? AND epoch = ? AND sealed_below = ?")
/* clang-format on */

enum statement_name {
#define STATEMENT_ENUM(name, text) STATEMENT_##name,
    STATEMENT_MAP(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        STATEMENT_COUNT
};

#endif
