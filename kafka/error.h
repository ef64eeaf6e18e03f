/* The error codes of the Kafka protocol: number, identifier, the name in Kafka's documents. */
#ifndef KAFKA_ERROR_H
#define KAFKA_ERROR_H

#include <stdint.h>

#define KAFKA_ERROR_MAP(X)                                                                         \
    X(-1, KAFKA_UNKNOWN_SERVER_ERROR, "UNKNOWN_SERVER_ERROR")                                      \
    X(0, KAFKA_NONE, "NONE")                                                                       \
    X(1, KAFKA_OFFSET_OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE")                                         \
    X(2, KAFKA_CORRUPT_MESSAGE, "CORRUPT_MESSAGE")                                                 \
    X(3, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "UNKNOWN_TOPIC_OR_PARTITION")                           \
    X(4, KAFKA_INVALID_FETCH_SIZE, "INVALID_FETCH_SIZE")                                           \
    X(5, KAFKA_LEADER_NOT_AVAILABLE, "LEADER_NOT_AVAILABLE")                                       \
    X(6, KAFKA_NOT_LEADER_OR_FOLLOWER, "NOT_LEADER_OR_FOLLOWER")                                   \
    X(7, KAFKA_REQUEST_TIMED_OUT, "REQUEST_TIMED_OUT")                                             \
    X(8, KAFKA_BROKER_NOT_AVAILABLE, "BROKER_NOT_AVAILABLE")                                       \
    X(9, KAFKA_REPLICA_NOT_AVAILABLE, "REPLICA_NOT_AVAILABLE")                                     \
    X(10, KAFKA_MESSAGE_TOO_LARGE, "MESSAGE_TOO_LARGE")                                            \
    X(11, KAFKA_STALE_CONTROLLER_EPOCH, "STALE_CONTROLLER_EPOCH")                                  \
    X(12, KAFKA_OFFSET_METADATA_TOO_LARGE, "OFFSET_METADATA_TOO_LARGE")                            \
    X(13, KAFKA_NETWORK_EXCEPTION, "NETWORK_EXCEPTION")                                            \
    X(14, KAFKA_COORDINATOR_LOAD_IN_PROGRESS, "COORDINATOR_LOAD_IN_PROGRESS")                      \
    X(15, KAFKA_COORDINATOR_NOT_AVAILABLE, "COORDINATOR_NOT_AVAILABLE")                            \
    X(16, KAFKA_NOT_COORDINATOR, "NOT_COORDINATOR")                                                \
    X(17, KAFKA_INVALID_TOPIC_EXCEPTION, "INVALID_TOPIC_EXCEPTION")                                \
    X(18, KAFKA_RECORD_LIST_TOO_LARGE, "RECORD_LIST_TOO_LARGE")                                    \
    X(19, KAFKA_NOT_ENOUGH_REPLICAS, "NOT_ENOUGH_REPLICAS")                                        \
    X(20, KAFKA_NOT_ENOUGH_REPLICAS_AFTER_APPEND, "NOT_ENOUGH_REPLICAS_AFTER_APPEND")              \
    X(21, KAFKA_INVALID_REQUIRED_ACKS, "INVALID_REQUIRED_ACKS")                                    \
    X(22, KAFKA_ILLEGAL_GENERATION, "ILLEGAL_GENERATION")                                          \
    X(23, KAFKA_INCONSISTENT_GROUP_PROTOCOL, "INCONSISTENT_GROUP_PROTOCOL")                        \
    X(24, KAFKA_INVALID_GROUP_ID, "INVALID_GROUP_ID")                                              \
    X(25, KAFKA_UNKNOWN_MEMBER_ID, "UNKNOWN_MEMBER_ID")                                            \
    X(26, KAFKA_INVALID_SESSION_TIMEOUT, "INVALID_SESSION_TIMEOUT")                                \
    X(27, KAFKA_REBALANCE_IN_PROGRESS, "REBALANCE_IN_PROGRESS")                                    \
    X(28, KAFKA_INVALID_COMMIT_OFFSET_SIZE, "INVALID_COMMIT_OFFSET_SIZE")                          \
    X(29, KAFKA_TOPIC_AUTHORIZATION_FAILED, "TOPIC_AUTHORIZATION_FAILED")                          \
    X(30, KAFKA_GROUP_AUTHORIZATION_FAILED, "GROUP_AUTHORIZATION_FAILED")                          \
    X(31, KAFKA_CLUSTER_AUTHORIZATION_FAILED, "CLUSTER_AUTHORIZATION_FAILED")                      \
    X(32, KAFKA_INVALID_TIMESTAMP, "INVALID_TIMESTAMP")                                            \
    X(33, KAFKA_UNSUPPORTED_SASL_MECHANISM, "UNSUPPORTED_SASL_MECHANISM")                          \
    X(34, KAFKA_ILLEGAL_SASL_STATE, "ILLEGAL_SASL_STATE")                                          \
    X(35, KAFKA_UNSUPPORTED_VERSION, "UNSUPPORTED_VERSION")                                        \
    X(36, KAFKA_TOPIC_ALREADY_EXISTS, "TOPIC_ALREADY_EXISTS")                                      \
    X(37, KAFKA_INVALID_PARTITIONS, "INVALID_PARTITIONS")                                          \
    X(38, KAFKA_INVALID_REPLICATION_FACTOR, "INVALID_REPLICATION_FACTOR")                          \
    X(39, KAFKA_INVALID_REPLICA_ASSIGNMENT, "INVALID_REPLICA_ASSIGNMENT")                          \
    X(40, KAFKA_INVALID_CONFIG, "INVALID_CONFIG")                                                  \
    X(41, KAFKA_NOT_CONTROLLER, "NOT_CONTROLLER")                                                  \
    X(42, KAFKA_INVALID_REQUEST, "INVALID_REQUEST")                                                \
    X(43, KAFKA_UNSUPPORTED_FOR_MESSAGE_FORMAT, "UNSUPPORTED_FOR_MESSAGE_FORMAT")                  \
    X(44, KAFKA_POLICY_VIOLATION, "POLICY_VIOLATION")                                              \
    X(45, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER, "OUT_OF_ORDER_SEQUENCE_NUMBER")                      \
    X(46, KAFKA_DUPLICATE_SEQUENCE_NUMBER, "DUPLICATE_SEQUENCE_NUMBER")                            \
    X(47, KAFKA_INVALID_PRODUCER_EPOCH, "INVALID_PRODUCER_EPOCH")                                  \
    X(48, KAFKA_INVALID_TXN_STATE, "INVALID_TXN_STATE")                                            \
    X(49, KAFKA_INVALID_PRODUCER_ID_MAPPING, "INVALID_PRODUCER_ID_MAPPING")                        \
    X(50, KAFKA_INVALID_TRANSACTION_TIMEOUT, "INVALID_TRANSACTION_TIMEOUT")                        \
    X(51, KAFKA_CONCURRENT_TRANSACTIONS, "CONCURRENT_TRANSACTIONS")                                \
    X(52, KAFKA_TRANSACTION_COORDINATOR_FENCED, "TRANSACTION_COORDINATOR_FENCED")                  \
    X(53, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED")    \
    X(54, KAFKA_SECURITY_DISABLED, "SECURITY_DISABLED")                                            \
    X(55, KAFKA_OPERATION_NOT_ATTEMPTED, "OPERATION_NOT_ATTEMPTED")                                \
    X(56, KAFKA_STORAGE_ERROR, "KAFKA_STORAGE_ERROR")                                              \
    X(57, KAFKA_LOG_DIR_NOT_FOUND, "LOG_DIR_NOT_FOUND")                                            \
    X(58, KAFKA_SASL_AUTHENTICATION_FAILED, "SASL_AUTHENTICATION_FAILED")                          \
    X(59, KAFKA_UNKNOWN_PRODUCER_ID, "UNKNOWN_PRODUCER_ID")                                        \
    X(60, KAFKA_REASSIGNMENT_IN_PROGRESS, "REASSIGNMENT_IN_PROGRESS")                              \
    X(61, KAFKA_DELEGATION_TOKEN_AUTH_DISABLED, "DELEGATION_TOKEN_AUTH_DISABLED")                  \
    X(62, KAFKA_DELEGATION_TOKEN_NOT_FOUND, "DELEGATION_TOKEN_NOT_FOUND")                          \
    X(63, KAFKA_DELEGATION_TOKEN_OWNER_MISMATCH, "DELEGATION_TOKEN_OWNER_MISMATCH")                \
    X(64, KAFKA_DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED")      \
    X(65, KAFKA_DELEGATION_TOKEN_AUTHORIZATION_FAILED, "DELEGATION_TOKEN_AUTHORIZATION_FAILED")    \
    X(66, KAFKA_DELEGATION_TOKEN_EXPIRED, "DELEGATION_TOKEN_EXPIRED")                              \
    X(67, KAFKA_INVALID_PRINCIPAL_TYPE, "INVALID_PRINCIPAL_TYPE")                                  \
    X(68, KAFKA_NON_EMPTY_GROUP, "NON_EMPTY_GROUP")                                                \
    X(69, KAFKA_GROUP_ID_NOT_FOUND, "GROUP_ID_NOT_FOUND")                                          \
    X(70, KAFKA_FETCH_SESSION_ID_NOT_FOUND, "FETCH_SESSION_ID_NOT_FOUND")                          \
    X(71, KAFKA_INVALID_FETCH_SESSION_EPOCH, "INVALID_FETCH_SESSION_EPOCH")                        \
    X(72, KAFKA_LISTENER_NOT_FOUND, "LISTENER_NOT_FOUND")                                          \
    X(73, KAFKA_TOPIC_DELETION_DISABLED, "TOPIC_DELETION_DISABLED")                                \
    X(74, KAFKA_FENCED_LEADER_EPOCH, "FENCED_LEADER_EPOCH")                                        \
    X(75, KAFKA_UNKNOWN_LEADER_EPOCH, "UNKNOWN_LEADER_EPOCH")                                      \
    X(76, KAFKA_UNSUPPORTED_COMPRESSION_TYPE, "UNSUPPORTED_COMPRESSION_TYPE")                      \
    X(77, KAFKA_STALE_BROKER_EPOCH, "STALE_BROKER_EPOCH")                                          \
    X(78, KAFKA_OFFSET_NOT_AVAILABLE, "OFFSET_NOT_AVAILABLE")                                      \
    X(79, KAFKA_MEMBER_ID_REQUIRED, "MEMBER_ID_REQUIRED")                                          \
    X(80, KAFKA_PREFERRED_LEADER_NOT_AVAILABLE, "PREFERRED_LEADER_NOT_AVAILABLE")                  \
    X(81, KAFKA_GROUP_MAX_SIZE_REACHED, "GROUP_MAX_SIZE_REACHED")                                  \
    X(82, KAFKA_FENCED_INSTANCE_ID, "FENCED_INSTANCE_ID")                                          \
    X(83, KAFKA_ELIGIBLE_LEADERS_NOT_AVAILABLE, "ELIGIBLE_LEADERS_NOT_AVAILABLE")                  \
    X(84, KAFKA_ELECTION_NOT_NEEDED, "ELECTION_NOT_NEEDED")                                        \
    X(85, KAFKA_NO_REASSIGNMENT_IN_PROGRESS, "NO_REASSIGNMENT_IN_PROGRESS")                        \
    X(86, KAFKA_GROUP_SUBSCRIBED_TO_TOPIC, "GROUP_SUBSCRIBED_TO_TOPIC")                            \
    X(87, KAFKA_INVALID_RECORD, "INVALID_RECORD")                                                  \
    X(88, KAFKA_UNSTABLE_OFFSET_COMMIT, "UNSTABLE_OFFSET_COMMIT")                                  \
    X(89, KAFKA_THROTTLING_QUOTA_EXCEEDED, "THROTTLING_QUOTA_EXCEEDED")                            \
    X(90, KAFKA_PRODUCER_FENCED, "PRODUCER_FENCED")                                                \
    X(91, KAFKA_RESOURCE_NOT_FOUND, "RESOURCE_NOT_FOUND")                                          \
    X(92, KAFKA_DUPLICATE_RESOURCE, "DUPLICATE_RESOURCE")                                          \
    X(93, KAFKA_UNACCEPTABLE_CREDENTIAL, "UNACCEPTABLE_CREDENTIAL")                                \
    X(94, KAFKA_INCONSISTENT_VOTER_SET, "INCONSISTENT_VOTER_SET")                                  \
    X(95, KAFKA_INVALID_UPDATE_VERSION, "INVALID_UPDATE_VERSION")                                  \
    X(96, KAFKA_FEATURE_UPDATE_FAILED, "FEATURE_UPDATE_FAILED")                                    \
    X(97, KAFKA_PRINCIPAL_DESERIALIZATION_FAILURE, "PRINCIPAL_DESERIALIZATION_FAILURE")            \
    X(98, KAFKA_SNAPSHOT_NOT_FOUND, "SNAPSHOT_NOT_FOUND")                                          \
    X(99, KAFKA_POSITION_OUT_OF_RANGE, "POSITION_OUT_OF_RANGE")                                    \
    X(100, KAFKA_UNKNOWN_TOPIC_ID, "UNKNOWN_TOPIC_ID")                                             \
    X(101, KAFKA_DUPLICATE_BROKER_REGISTRATION, "DUPLICATE_BROKER_REGISTRATION")                   \
    X(102, KAFKA_BROKER_ID_NOT_REGISTERED, "BROKER_ID_NOT_REGISTERED")                             \
    X(103, KAFKA_INCONSISTENT_TOPIC_ID, "INCONSISTENT_TOPIC_ID")                                   \
    X(104, KAFKA_INCONSISTENT_CLUSTER_ID, "INCONSISTENT_CLUSTER_ID")                               \
    X(105, KAFKA_TRANSACTIONAL_ID_NOT_FOUND, "TRANSACTIONAL_ID_NOT_FOUND")                         \
    X(106, KAFKA_FETCH_SESSION_TOPIC_ID_ERROR, "FETCH_SESSION_TOPIC_ID_ERROR")                     \
    X(107, KAFKA_INELIGIBLE_REPLICA, "INELIGIBLE_REPLICA")                                         \
    X(108, KAFKA_NEW_LEADER_ELECTED, "NEW_LEADER_ELECTED")                                         \
    X(109, KAFKA_OFFSET_MOVED_TO_TIERED_STORAGE, "OFFSET_MOVED_TO_TIERED_STORAGE")                 \
    X(110, KAFKA_FENCED_MEMBER_EPOCH, "FENCED_MEMBER_EPOCH")                                       \
    X(111, KAFKA_UNRELEASED_INSTANCE_ID, "UNRELEASED_INSTANCE_ID")                                 \
    X(112, KAFKA_UNSUPPORTED_ASSIGNOR, "UNSUPPORTED_ASSIGNOR")                                     \
    X(113, KAFKA_STALE_MEMBER_EPOCH, "STALE_MEMBER_EPOCH")                                         \
    X(114, KAFKA_MISMATCHED_ENDPOINT_TYPE, "MISMATCHED_ENDPOINT_TYPE")                             \
    X(115, KAFKA_UNSUPPORTED_ENDPOINT_TYPE, "UNSUPPORTED_ENDPOINT_TYPE")                           \
    X(116, KAFKA_UNKNOWN_CONTROLLER_ID, "UNKNOWN_CONTROLLER_ID")                                   \
    X(117, KAFKA_UNKNOWN_SUBSCRIPTION_ID, "UNKNOWN_SUBSCRIPTION_ID")                               \
    X(118, KAFKA_TELEMETRY_TOO_LARGE, "TELEMETRY_TOO_LARGE")                                       \
    X(119, KAFKA_INVALID_REGISTRATION, "INVALID_REGISTRATION")                                     \
    X(120, KAFKA_TRANSACTION_ABORTABLE, "TRANSACTION_ABORTABLE")                                   \
    X(121, KAFKA_INVALID_RECORD_STATE, "INVALID_RECORD_STATE")                                     \
    X(122, KAFKA_SHARE_SESSION_NOT_FOUND, "SHARE_SESSION_NOT_FOUND")                               \
    X(123, KAFKA_INVALID_SHARE_SESSION_EPOCH, "INVALID_SHARE_SESSION_EPOCH")                       \
    X(124, KAFKA_FENCED_STATE_EPOCH, "FENCED_STATE_EPOCH")                                         \
    X(125, KAFKA_INVALID_VOTER_KEY, "INVALID_VOTER_KEY")                                           \
    X(126, KAFKA_DUPLICATE_VOTER, "DUPLICATE_VOTER")                                               \
    X(127, KAFKA_VOTER_NOT_FOUND, "VOTER_NOT_FOUND")                                               \
    X(128, KAFKA_INVALID_REGULAR_EXPRESSION, "INVALID_REGULAR_EXPRESSION")                         \
    X(129, KAFKA_REBOOTSTRAP_REQUIRED, "REBOOTSTRAP_REQUIRED")                                     \
    X(130, KAFKA_STREAMS_INVALID_TOPOLOGY, "STREAMS_INVALID_TOPOLOGY")                             \
    X(131, KAFKA_STREAMS_INVALID_TOPOLOGY_EPOCH, "STREAMS_INVALID_TOPOLOGY_EPOCH")                 \
    X(132, KAFKA_STREAMS_TOPOLOGY_FENCED, "STREAMS_TOPOLOGY_FENCED")                               \
    X(133, KAFKA_SHARE_SESSION_LIMIT_REACHED, "SHARE_SESSION_LIMIT_REACHED")             \
    X(134, KAFKA_GROUP_DELETION_FAILED, "GROUP_DELETION_FAILED")                                   \
    X(135, KAFKA_STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED,                                       \
      "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED")                                                \
    X(136, KAFKA_CONTROLLER_ID_NOT_REGISTERED, "CONTROLLER_ID_NOT_REGISTERED")

enum kafka_error {
#define KAFKA_ERROR_ENUM(number, identifier, text) identifier = (number),
    KAFKA_ERROR_MAP(KAFKA_ERROR_ENUM)
#undef KAFKA_ERROR_ENUM
};

/* "NOT_ENOUGH_REPLICAS"; "UNKNOWN" for a number that is not in the list. Never NULL. */
const char *kafka_error_name(int16_t code);

#endif
