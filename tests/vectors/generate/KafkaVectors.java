/*
 * Writes the golden vectors of the Kafka messages with Kafka's own client library: every version of
 * every message in MESSAGES that the jar knows, as tests/vectors/kafka/NAME-vN-{request,response}.hex.
 *
 *     = the field values as kafka_print() shows them, computed from Kafka's JSON form of the message
 *     0000002a ...                             the whole frame, its size included, in hex
 *
 * How to run (Java 17; jars from Maven Central: kafka-clients, jackson-core, -databind, -annotations,
 * slf4j-api), oldest jar first, so that each later one overwrites the versions it still knows:
 *
 *     for v in 3.9.2 4.4.0; do
 *       java -cp kafka-clients-$v.jar:jackson-...:slf4j-api-1.7.36.jar \
 *         tests/vectors/generate/KafkaVectors.java $v tests/vectors/kafka
 *     done
 */
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

public class KafkaVectors {
    static final ObjectMapper JSON = new ObjectMapper();
    static final String RECORDS = "any bytes may stand here";
    static final String RECORDS64 =
        java.util.Base64.getEncoder().encodeToString(RECORDS.getBytes(StandardCharsets.UTF_8));
    static final String ID = "AAECAwQFBgcICQoLDA0ODw";

    record Sample(String name, String direction, int maxVersion, String... bodies) {}

    static final Sample[] MESSAGES = {
        new Sample("ApiVersions", "Request", 4, """
            {"clientSoftwareName":"sluice-test","clientSoftwareVersion":"1.2.3"}""", """
            {"clientSoftwareName":"","clientSoftwareVersion":""}"""),
        new Sample("ApiVersions", "Response", 4, """
            {"errorCode":0,"apiKeys":[{"apiKey":0,"minVersion":0,"maxVersion":13},
              {"apiKey":18,"minVersion":0,"maxVersion":4}],"throttleTimeMs":250,
             "supportedFeatures":[{"name":"metadata.version","minVersion":1,"maxVersion":25},
              {"name":"kraft.version","minVersion":1,"maxVersion":2}],
             "finalizedFeaturesEpoch":77,
             "finalizedFeatures":[{"name":"metadata.version","maxVersionLevel":20,"minVersionLevel":3}],
             "zkMigrationReady":true}""", """
            {"errorCode":35,"apiKeys":[],"throttleTimeMs":0}"""),
        new Sample("Metadata", "Request", 13, """
            {"topics":[{"topicId":"ID","name":"orders"},{"topicId":"AAAAAAAAAAAAAAAAAAAAAA","name":"a.b-c_d"}],
             "allowAutoTopicCreation":false,"includeClusterAuthorizedOperations":true,
             "includeTopicAuthorizedOperations":true}""", """
            {"topics":[],"allowAutoTopicCreation":true,"includeClusterAuthorizedOperations":false,
             "includeTopicAuthorizedOperations":false}""", """
            {"topics":null,"allowAutoTopicCreation":true,"includeClusterAuthorizedOperations":false,
             "includeTopicAuthorizedOperations":false}""", """
            {"topics":[{"topicId":"ID","name":null}],"allowAutoTopicCreation":true,
             "includeClusterAuthorizedOperations":false,"includeTopicAuthorizedOperations":false}"""),
        new Sample("Metadata", "Response", 13, """
            {"throttleTimeMs":9,"brokers":[{"nodeId":1,"host":"gateway-1.example","port":9092,"rack":"r1"},
              {"nodeId":2,"host":"10.0.0.2","port":29092,"rack":null}],
             "clusterId":"c1uster","controllerId":2,
             "topics":[{"errorCode":0,"name":"orders","topicId":"ID","isInternal":false,
               "partitions":[{"errorCode":0,"partitionIndex":0,"leaderId":1,"leaderEpoch":4,
                  "replicaNodes":[1,2,3],"isrNodes":[1,2],"offlineReplicas":[3]},
                 {"errorCode":5,"partitionIndex":1,"leaderId":-1,"leaderEpoch":-1,
                  "replicaNodes":[],"isrNodes":[],"offlineReplicas":[]}],
               "topicAuthorizedOperations":2328},
              {"errorCode":3,"name":"missing","topicId":"AAAAAAAAAAAAAAAAAAAAAA","isInternal":true,
               "partitions":[],"topicAuthorizedOperations":-2147483648}],
             "clusterAuthorizedOperations":256,"errorCode":129}""", """
            {"throttleTimeMs":0,"brokers":[],"clusterId":null,"controllerId":-1,"topics":[],
             "clusterAuthorizedOperations":-2147483648,"errorCode":0}""", """
            {"throttleTimeMs":0,"brokers":[],"clusterId":null,"controllerId":-1,
             "topics":[{"errorCode":100,"name":null,"topicId":"ID","isInternal":false,
               "partitions":[],"topicAuthorizedOperations":-2147483648}],
             "clusterAuthorizedOperations":-2147483648,"errorCode":0}"""),
        new Sample("Produce", "Request", 13, """
            {"transactionalId":"tx-1","acks":-1,"timeoutMs":30000,"topicData":[
              {"name":"orders","topicId":"ID","partitionData":[{"index":0,"records":"RECORDS"},
                {"index":7,"records":null}]},
              {"name":"b","topicId":"AAAAAAAAAAAAAAAAAAAAAQ","partitionData":[]}]}""", """
            {"transactionalId":null,"acks":0,"timeoutMs":1,"topicData":[]}"""),
        new Sample("Produce", "Response", 13, """
            {"responses":[{"name":"orders","topicId":"ID","partitionResponses":[
               {"index":0,"errorCode":0,"baseOffset":1234567890123,"logAppendTimeMs":-1,
                "logStartOffset":5,"recordErrors":[],"errorMessage":null},
               {"index":7,"errorCode":87,"baseOffset":-1,"logAppendTimeMs":-1,"logStartOffset":-1,
                "recordErrors":[{"batchIndex":3,"batchIndexErrorMessage":"no such column"},
                  {"batchIndex":4,"batchIndexErrorMessage":null}],
                "errorMessage":"refused","currentLeader":{"leaderId":2,"leaderEpoch":11}}]}],
             "throttleTimeMs":17,
             "nodeEndpoints":[{"nodeId":2,"host":"gateway-2","port":9093,"rack":null},
              {"nodeId":3,"host":"gateway-3","port":9094,"rack":"z"}]}""", """
            {"responses":[],"throttleTimeMs":0}"""),
        new Sample("InitProducerId", "Request", 5, """
            {"transactionalId":"tx-1","transactionTimeoutMs":60000,"producerId":4000,"producerEpoch":12}""", """
            {"transactionalId":null,"transactionTimeoutMs":2147483647,"producerId":-1,"producerEpoch":-1}"""),
        new Sample("InitProducerId", "Response", 5, """
            {"throttleTimeMs":3,"errorCode":0,"producerId":9007199254740993,"producerEpoch":32766}""", """
            {"throttleTimeMs":0,"errorCode":14,"producerId":-1,"producerEpoch":-1}"""),
        new Sample("FindCoordinator", "Request", 4, """
            {"key":"group-1","keyType":1,"coordinatorKeys":["group-1","","group-2"]}""", """
            {"key":"","keyType":0,"coordinatorKeys":[]}"""),
        new Sample("FindCoordinator", "Response", 4, """
            {"throttleTimeMs":8,"errorCode":53,"errorMessage":"no transactions here","nodeId":-1,
             "host":"","port":-1,"coordinators":[
               {"key":"group-1","nodeId":1,"host":"gateway-1","port":9092,"errorCode":0,"errorMessage":null},
               {"key":"group-2","nodeId":-1,"host":"","port":-1,"errorCode":30,"errorMessage":"no"}]}""", """
            {"throttleTimeMs":0,"errorCode":0,"errorMessage":null,"nodeId":1,"host":"gateway-1",
             "port":9092,"coordinators":[]}"""),
        new Sample("Fetch", "Request", 12, """
            {"clusterId":"c1uster","replicaId":-1,"maxWaitMs":500,"minBytes":1,"maxBytes":52428800,
             "isolationLevel":1,"sessionId":9,"sessionEpoch":2,
             "topics":[{"topic":"orders","partitions":[
                {"partition":0,"currentLeaderEpoch":4,"fetchOffset":100,"lastFetchedEpoch":3,
                 "logStartOffset":-1,"partitionMaxBytes":1048576}]}],
             "forgottenTopicsData":[{"topic":"old","partitions":[1,2]}],"rackId":"r1"}""", """
            {"clusterId":null,"replicaId":-1,"maxWaitMs":0,"minBytes":0,"maxBytes":2147483647,
             "isolationLevel":0,"sessionId":0,"sessionEpoch":-1,"topics":[],"forgottenTopicsData":[],
             "rackId":""}"""),
        new Sample("Fetch", "Response", 12, """
            {"throttleTimeMs":6,"errorCode":0,"sessionId":9,"responses":[{"topic":"orders","partitions":[
               {"partitionIndex":0,"errorCode":0,"highWatermark":200,"lastStableOffset":190,
                "logStartOffset":1,"divergingEpoch":{"epoch":2,"endOffset":50},
                "currentLeader":{"leaderId":1,"leaderEpoch":4},
                "snapshotId":{"endOffset":60,"epoch":1},
                "abortedTransactions":[{"producerId":4000,"firstOffset":120}],
                "preferredReadReplica":2,"records":"RECORDS"},
               {"partitionIndex":1,"errorCode":6,"highWatermark":-1,"lastStableOffset":-1,
                "logStartOffset":-1,"abortedTransactions":null,"preferredReadReplica":-1,
                "records":null}]}]}""", """
            {"throttleTimeMs":0,"errorCode":70,"sessionId":0,"responses":[]}"""),
        new Sample("CreateTopics", "Request", 7, """
            {"topics":[{"name":"orders","numPartitions":12,"replicationFactor":3,"assignments":[],
               "configs":[{"name":"retention.ms","value":"86400000"},{"name":"compression.type","value":""}]},
              {"name":"b","numPartitions":-1,"replicationFactor":-1,"assignments":[],"configs":[]}],
             "timeoutMs":30000,"validateOnly":true}""", """
            {"topics":[],"timeoutMs":60000,"validateOnly":false}""", """
            {"topics":[{"name":"placed","numPartitions":-1,"replicationFactor":-1,
               "assignments":[{"partitionIndex":0,"brokerIds":[1,2]},{"partitionIndex":1,"brokerIds":[]}],
               "configs":[{"name":"retention.ms","value":null}]}],
             "timeoutMs":-1,"validateOnly":false}"""),
        new Sample("CreateTopics", "Response", 7, """
            {"throttleTimeMs":4,"topics":[{"name":"orders","topicId":"ID","errorCode":0,"errorMessage":null,
               "topicConfigErrorCode":29,"numPartitions":12,"replicationFactor":3,
               "configs":[{"name":"retention.ms","value":"86400000","readOnly":false,"configSource":1,
                  "isSensitive":false},
                 {"name":"secret","value":null,"readOnly":true,"configSource":-1,"isSensitive":true}]},
              {"name":"taken","topicId":"AAAAAAAAAAAAAAAAAAAAAA","errorCode":36,
               "errorMessage":"it is there already","topicConfigErrorCode":0,"numPartitions":-1,
               "replicationFactor":-1,"configs":null},
              {"name":"bare","topicId":"ID","errorCode":0,"errorMessage":"","topicConfigErrorCode":0,
               "numPartitions":1,"replicationFactor":1,"configs":[]}]}""", """
            {"throttleTimeMs":0,"topics":[]}"""),
        new Sample("DeleteTopics", "Request", 6, """
            {"topics":[{"name":"orders","topicId":"AAAAAAAAAAAAAAAAAAAAAA"},{"name":null,"topicId":"ID"}],
             "topicNames":["orders","","a.b-c_d"],"timeoutMs":30000}""", """
            {"topics":[],"topicNames":[],"timeoutMs":-1}"""),
        new Sample("DeleteTopics", "Response", 6, """
            {"throttleTimeMs":4,"responses":[{"name":"orders","topicId":"ID","errorCode":0,"errorMessage":null},
              {"name":"missing","topicId":"AAAAAAAAAAAAAAAAAAAAAA","errorCode":3,"errorMessage":"there is none"}]}""", """
            {"throttleTimeMs":0,"responses":[{"name":null,"topicId":"ID","errorCode":100,"errorMessage":""}]}""", """
            {"throttleTimeMs":0,"responses":[]}"""),
        new Sample("CreatePartitions", "Request", 3, """
            {"topics":[{"name":"orders","count":24,"assignments":null},
              {"name":"placed","count":3,"assignments":[{"brokerIds":[1,2]},{"brokerIds":[]}]},
              {"name":"none","count":1,"assignments":[]}],"timeoutMs":30000,"validateOnly":true}""", """
            {"topics":[],"timeoutMs":0,"validateOnly":false}"""),
        new Sample("CreatePartitions", "Response", 3, """
            {"throttleTimeMs":4,"results":[{"name":"orders","errorCode":0,"errorMessage":null},
              {"name":"placed","errorCode":37,"errorMessage":"fewer than there are"}]}""", """
            {"throttleTimeMs":0,"results":[]}"""),
        new Sample("DescribeConfigs", "Request", 4, """
            {"resources":[{"resourceType":2,"resourceName":"orders","configurationKeys":["retention.ms",""]},
              {"resourceType":4,"resourceName":"1","configurationKeys":null},
              {"resourceType":8,"resourceName":"","configurationKeys":[]}],
             "includeSynonyms":true,"includeDocumentation":true}""", """
            {"resources":[],"includeSynonyms":false,"includeDocumentation":false}"""),
        new Sample("DescribeConfigs", "Response", 4, """
            {"throttleTimeMs":4,"results":[{"errorCode":0,"errorMessage":null,"resourceType":2,
               "resourceName":"orders","configs":[
                 {"name":"retention.ms","value":"86400000","readOnly":false,"isDefault":false,"configSource":1,
                  "isSensitive":false,"synonyms":[
                    {"name":"retention.ms","value":"86400000","source":1},
                    {"name":"log.retention.ms","value":null,"source":5}],
                  "configType":5,"documentation":"how long"},
                 {"name":"ssl.key.password","value":null,"readOnly":true,"isDefault":true,"configSource":5,
                  "isSensitive":true,"synonyms":[],"configType":9,"documentation":null}]},
              {"errorCode":3,"errorMessage":"there is none","resourceType":2,"resourceName":"missing",
               "configs":[]}]}""", """
            {"throttleTimeMs":0,"results":[]}"""),
        new Sample("IncrementalAlterConfigs", "Request", 1, """
            {"resources":[{"resourceType":2,"resourceName":"orders","configs":[
               {"name":"retention.ms","configOperation":0,"value":"86400000"},
               {"name":"compression.type","configOperation":1,"value":null},
               {"name":"cleanup.policy","configOperation":2,"value":""}]},
              {"resourceType":4,"resourceName":"","configs":[]}],"validateOnly":true}""", """
            {"resources":[],"validateOnly":false}"""),
        new Sample("IncrementalAlterConfigs", "Response", 1, """
            {"throttleTimeMs":4,"responses":[
              {"errorCode":0,"errorMessage":null,"resourceType":2,"resourceName":"orders"},
              {"errorCode":40,"errorMessage":"no such setting","resourceType":4,"resourceName":""}]}""", """
            {"throttleTimeMs":0,"responses":[]}"""),
        new Sample("AlterConfigs", "Request", 2, """
            {"resources":[{"resourceType":2,"resourceName":"orders","configs":[
               {"name":"retention.ms","value":"86400000"},{"name":"compression.type","value":null}]},
              {"resourceType":4,"resourceName":"","configs":[]}],"validateOnly":true}""", """
            {"resources":[],"validateOnly":false}"""),
        new Sample("AlterConfigs", "Response", 2, """
            {"throttleTimeMs":4,"responses":[
              {"errorCode":0,"errorMessage":null,"resourceType":2,"resourceName":"orders"},
              {"errorCode":40,"errorMessage":"no such setting","resourceType":4,"resourceName":""}]}""", """
            {"throttleTimeMs":0,"responses":[]}"""),
        new Sample("DescribeCluster", "Request", 2, """
            {"includeClusterAuthorizedOperations":true,"endpointType":2,"includeFencedBrokers":true}""", """
            {"includeClusterAuthorizedOperations":false,"endpointType":1,"includeFencedBrokers":false}"""),
        new Sample("DescribeCluster", "Response", 2, """
            {"throttleTimeMs":4,"errorCode":0,"errorMessage":null,"endpointType":1,"clusterId":"c1uster",
             "controllerId":2,"brokers":[
               {"brokerId":1,"host":"gateway-1.example","port":9092,"rack":"r1","isFenced":false},
               {"brokerId":2,"host":"10.0.0.2","port":29092,"rack":null,"isFenced":true}],
             "clusterAuthorizedOperations":256}""", """
            {"throttleTimeMs":0,"errorCode":114,"errorMessage":"no controllers here","endpointType":2,
             "clusterId":"","controllerId":-1,"brokers":[],"clusterAuthorizedOperations":-2147483648}"""),
        new Sample("DescribeTopicPartitions", "Request", 0, """
            {"topics":[{"name":"orders"},{"name":""}],"responsePartitionLimit":2000,
             "cursor":{"topicName":"orders","partitionIndex":7}}""", """
            {"topics":[],"responsePartitionLimit":1,"cursor":null}"""),
        new Sample("DescribeTopicPartitions", "Response", 0, """
            {"throttleTimeMs":4,"topics":[{"errorCode":0,"name":"orders","topicId":"ID","isInternal":false,
               "partitions":[{"errorCode":0,"partitionIndex":0,"leaderId":1,"leaderEpoch":4,
                  "replicaNodes":[1,2,3],"isrNodes":[1,2],"eligibleLeaderReplicas":[3],"lastKnownElr":[],
                  "offlineReplicas":[3]},
                 {"errorCode":5,"partitionIndex":1,"leaderId":-1,"leaderEpoch":-1,"replicaNodes":[],
                  "isrNodes":[],"eligibleLeaderReplicas":null,"lastKnownElr":null,"offlineReplicas":[]}],
               "topicAuthorizedOperations":2328},
              {"errorCode":3,"name":null,"topicId":"AAAAAAAAAAAAAAAAAAAAAA","isInternal":true,
               "partitions":[],"topicAuthorizedOperations":-2147483648}],
             "nextCursor":{"topicName":"orders","partitionIndex":2}}""", """
            {"throttleTimeMs":0,"topics":[],"nextCursor":null}"""),
        new Sample("ListOffsets", "Request", 11, """
            {"replicaId":-1,"isolationLevel":1,"topics":[{"name":"orders","partitions":[
               {"partitionIndex":0,"currentLeaderEpoch":4,"timestamp":-1,"maxNumOffsets":1},
               {"partitionIndex":7,"currentLeaderEpoch":-1,"timestamp":1700000000123,"maxNumOffsets":2}]},
              {"name":"b","partitions":[]}],"timeoutMs":30000}""", """
            {"replicaId":-2,"isolationLevel":0,"topics":[],"timeoutMs":0}"""),
        new Sample("ListOffsets", "Response", 11, """
            {"throttleTimeMs":4,"topics":[{"name":"orders","partitions":[
               {"partitionIndex":0,"errorCode":0,"oldStyleOffsets":[9007199254740993,0],
                "timestamp":1700000000124,"offset":9007199254740993,"leaderEpoch":4},
               {"partitionIndex":7,"errorCode":6,"oldStyleOffsets":[],"timestamp":-1,"offset":-1,
                "leaderEpoch":-1}]}]}""", """
            {"throttleTimeMs":0,"topics":[]}"""),
        new Sample("DescribeLogDirs", "Request", 5, """
            {"topics":[{"topic":"orders","partitions":[0,7]},{"topic":"b","partitions":[]}]}""", """
            {"topics":null}""", """
            {"topics":[]}"""),
        new Sample("DescribeLogDirs", "Response", 5, """
            {"throttleTimeMs":4,"errorCode":31,"results":[{"errorCode":0,"logDir":"/var/lib/x",
               "topics":[{"name":"orders","partitions":[
                  {"partitionIndex":0,"partitionSize":9007199254740993,"offsetLag":5,"isFutureKey":true},
                  {"partitionIndex":7,"partitionSize":0,"offsetLag":0,"isFutureKey":false}]}],
               "totalBytes":1099511627776,"usableBytes":-1,"isCordoned":true},
              {"errorCode":56,"logDir":"","topics":[],"totalBytes":-1,"usableBytes":-1,"isCordoned":false}]}""", """
            {"throttleTimeMs":0,"errorCode":0,"results":[]}"""),
        new Sample("DescribeProducers", "Request", 0, """
            {"topics":[{"name":"orders","partitionIndexes":[0,7]},{"name":"b","partitionIndexes":[]}]}""", """
            {"topics":[]}"""),
        new Sample("DescribeProducers", "Response", 0, """
            {"throttleTimeMs":4,"topics":[{"name":"orders","partitions":[
               {"partitionIndex":0,"errorCode":0,"errorMessage":null,"activeProducers":[
                  {"producerId":4000,"producerEpoch":32766,"lastSequence":2147483647,
                   "lastTimestamp":1700000000123,"coordinatorEpoch":1,"currentTxnStartOffset":77},
                  {"producerId":9007199254740993,"producerEpoch":0,"lastSequence":-1,"lastTimestamp":-1,
                   "coordinatorEpoch":-1,"currentTxnStartOffset":-1}]},
               {"partitionIndex":7,"errorCode":3,"errorMessage":"there is none","activeProducers":[]}]}]}""", """
            {"throttleTimeMs":0,"topics":[]}"""),
        new Sample("ListGroups", "Request", 5, """
            {"statesFilter":["Stable",""],"typesFilter":["classic","consumer"]}""", """
            {"statesFilter":[],"typesFilter":[]}"""),
        new Sample("ListGroups", "Response", 5, """
            {"throttleTimeMs":4,"errorCode":0,"groups":[
              {"groupId":"group-1","protocolType":"consumer","groupState":"Stable","groupType":"classic"},
              {"groupId":"group-2","protocolType":"","groupState":"","groupType":""}]}""", """
            {"throttleTimeMs":0,"errorCode":15,"groups":[]}"""),
        new Sample("DescribeGroups", "Request", 6, """
            {"groups":["group-1",""],"includeAuthorizedOperations":true}""", """
            {"groups":[],"includeAuthorizedOperations":false}"""),
        new Sample("DescribeGroups", "Response", 6, """
            {"throttleTimeMs":4,"groups":[{"errorCode":0,"errorMessage":null,"groupId":"group-1",
               "groupState":"Stable","protocolType":"consumer","protocolData":"range","members":[
                 {"memberId":"m-1","groupInstanceId":"i-1","clientId":"c-1","clientHost":"/10.0.0.9",
                  "memberMetadata":"RECORDS","memberAssignment":""},
                 {"memberId":"m-2","groupInstanceId":null,"clientId":"","clientHost":"","memberMetadata":"",
                  "memberAssignment":"RECORDS"}],
               "authorizedOperations":328}]}""", """
            {"throttleTimeMs":0,"groups":[{"errorCode":69,"errorMessage":"there is none","groupId":"group-2",
               "groupState":"Dead","protocolType":"","protocolData":"","members":[],
               "authorizedOperations":-2147483648}]}""", """
            {"throttleTimeMs":0,"groups":[]}"""),
        new Sample("DescribeAcls", "Request", 3, """
            {"resourceTypeFilter":2,"resourceNameFilter":"orders","patternTypeFilter":3,
             "principalFilter":"User:alice","hostFilter":"10.0.0.9","operation":4,"permissionType":3}""", """
            {"resourceTypeFilter":1,"resourceNameFilter":null,"patternTypeFilter":3,
             "principalFilter":null,"hostFilter":null,"operation":1,"permissionType":1}""", """
            {"resourceTypeFilter":7,"resourceNameFilter":"","patternTypeFilter":4,
             "principalFilter":"","hostFilter":"*","operation":2,"permissionType":2}"""),
        new Sample("DescribeAcls", "Response", 3, """
            {"throttleTimeMs":4,"errorCode":0,"errorMessage":null,"resources":[
              {"resourceType":2,"resourceName":"orders","patternType":3,"acls":[
                 {"principal":"User:alice","host":"*","operation":4,"permissionType":3},
                 {"principal":"User:bob","host":"10.0.0.9","operation":3,"permissionType":2}]},
              {"resourceType":4,"resourceName":"kafka-cluster","patternType":3,"acls":[]}]}""", """
            {"throttleTimeMs":0,"errorCode":54,"errorMessage":"there is no authoriser","resources":[]}"""),
        new Sample("ListPartitionReassignments", "Request", 0, """
            {"timeoutMs":30000,"topics":[{"name":"orders","partitionIndexes":[0,7]},
              {"name":"b","partitionIndexes":[]}]}""", """
            {"timeoutMs":60000,"topics":null}""", """
            {"timeoutMs":60000,"topics":[]}"""),
        new Sample("ListPartitionReassignments", "Response", 0, """
            {"throttleTimeMs":4,"errorCode":0,"errorMessage":null,"topics":[{"name":"orders","partitions":[
               {"partitionIndex":0,"replicas":[1,2,3],"addingReplicas":[3],"removingReplicas":[1,2]},
               {"partitionIndex":7,"replicas":[],"addingReplicas":[],"removingReplicas":[]}]}]}""", """
            {"throttleTimeMs":0,"errorCode":31,"errorMessage":"no","topics":[]}"""),
        new Sample("DescribeClientQuotas", "Request", 1, """
            {"components":[{"entityType":"user","matchType":0,"match":"alice"},
              {"entityType":"client-id","matchType":1,"match":null},
              {"entityType":"ip","matchType":2,"match":""}],"strict":true}""", """
            {"components":[],"strict":false}"""),
        new Sample("DescribeClientQuotas", "Response", 1, """
            {"throttleTimeMs":4,"errorCode":0,"errorMessage":null,"entries":[
              {"entity":[{"entityType":"user","entityName":"alice"},{"entityType":"client-id","entityName":null}],
               "values":[{"key":"producer_byte_rate","value":1048576.5},{"key":"x","value":-0.25}]},
              {"entity":[],"values":[]}]}""", """
            {"throttleTimeMs":0,"errorCode":42,"errorMessage":"no","entries":null}""", """
            {"throttleTimeMs":0,"errorCode":0,"errorMessage":null,"entries":[]}"""),
        new Sample("DescribeUserScramCredentials", "Request", 0, """
            {"users":[{"name":"alice"},{"name":""}]}""", """
            {"users":null}""", """
            {"users":[]}"""),
        new Sample("DescribeUserScramCredentials", "Response", 0, """
            {"throttleTimeMs":4,"errorCode":0,"errorMessage":null,"results":[
              {"user":"alice","errorCode":0,"errorMessage":null,"credentialInfos":[
                 {"mechanism":1,"iterations":4096},{"mechanism":2,"iterations":8192}]},
              {"user":"bob","errorCode":91,"errorMessage":"there is none","credentialInfos":[]}]}""", """
            {"throttleTimeMs":0,"errorCode":31,"errorMessage":"no","results":[]}"""),
        new Sample("ListTransactions", "Request", 2, """
            {"stateFilters":["Ongoing",""],"producerIdFilters":[4000,9007199254740993],"durationFilter":60000,
             "transactionalIdPattern":"tx-.*"}""", """
            {"stateFilters":[],"producerIdFilters":[],"durationFilter":-1,"transactionalIdPattern":null}"""),
        new Sample("ListTransactions", "Response", 2, """
            {"throttleTimeMs":4,"errorCode":0,"unknownStateFilters":["Asleep"],"transactionStates":[
              {"transactionalId":"tx-1","producerId":9007199254740993,"transactionState":"Ongoing"},
              {"transactionalId":"","producerId":-1,"transactionState":""}]}""", """
            {"throttleTimeMs":0,"errorCode":14,"unknownStateFilters":[],"transactionStates":[]}"""),
        new Sample("ListConfigResources", "Request", 1, """
            {"resourceTypes":[2,4,16,32]}""", """
            {"resourceTypes":[]}"""),
        new Sample("ListConfigResources", "Response", 1, """
            {"throttleTimeMs":4,"errorCode":0,"configResources":[
              {"resourceName":"orders","resourceType":2},{"resourceName":"","resourceType":32}]}""", """
            {"throttleTimeMs":0,"errorCode":31,"configResources":[]}"""),
        new Sample("DeleteRecords", "Request", 2, """
            {"topics":[{"name":"orders","partitions":[{"partitionIndex":0,"offset":9007199254740993},
               {"partitionIndex":7,"offset":-1}]},{"name":"b","partitions":[]}],"timeoutMs":30000}""", """
            {"topics":[],"timeoutMs":0}"""),
        new Sample("DeleteRecords", "Response", 2, """
            {"throttleTimeMs":4,"topics":[{"name":"orders","partitions":[
               {"partitionIndex":0,"lowWatermark":9007199254740993,"errorCode":0},
               {"partitionIndex":7,"lowWatermark":-1,"errorCode":44}]}]}""", """
            {"throttleTimeMs":0,"topics":[]}"""),
    };

    /* "timeoutMs" -> "timeout_ms" */
    static String snake(String camel) {
        return camel.replaceAll("([A-Z])", "_$1").toLowerCase();
    }

    static void word(StringBuilder out, String text) {
        if (out.length() > 0 && out.charAt(out.length() - 1) != '{')
            out.append(' ');
        out.append(text);
    }

    static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes)
            text.append(String.format("%02x", b));
        return text.toString();
    }

    static String uuidHex(String base64) {
        Uuid id = Uuid.fromString(base64);
        return hex(ByteBuffer.allocate(16).putLong(id.getMostSignificantBits())
            .putLong(id.getLeastSignificantBits()).array());
    }

    static void print(StringBuilder out, String key, JsonNode value) {
        String name = snake(key);
        if (key.equals("records") || key.equals("recordsSizeInBytes"))
            word(out, "records=" + (value.isNull() ? "null" : "\"" + RECORDS + "\""));
        else if (key.equals("memberMetadata") || key.equals("memberAssignment"))
            word(out, name + "=\"" + (value.asText().isEmpty() ? "" : RECORDS) + "\"");
        else if (key.equals("topicId"))
            word(out, name + "=0x" + uuidHex(value.asText()));
        else if (value.isArray())
            value.forEach(element -> print(out, key, element));
        else if (value.isObject())
            printStruct(out, name, value);
        else
            word(out, name + "=" + (value.isTextual() ? "\"" + value.asText() + "\"" : value.asText()));
    }

    static void printStruct(StringBuilder out, String name, JsonNode struct) {
        word(out, name + "{");
        printFields(out, struct);
        out.append('}');
    }

    /* On the wire the tagged fields stand last; in Kafka's JSON they stand where the schema lists them. */
    static void printFields(StringBuilder out, JsonNode struct) {
        List<Map.Entry<String, JsonNode>> tagged = new ArrayList<>();
        List<String> known = struct.has("maxWaitMs") || struct.has("highWatermark")
            ? List.of("clusterId", "divergingEpoch", "currentLeader", "snapshotId")
            : List.of("topicConfigErrorCode");
        for (Iterator<Map.Entry<String, JsonNode>> it = struct.fields(); it.hasNext();) {
            Map.Entry<String, JsonNode> field = it.next();
            if (known.contains(field.getKey()))
                tagged.add(field);
            else
                print(out, field.getKey(), field.getValue());
        }
        tagged.forEach(field -> print(out, field.getKey(), field.getValue()));
    }

    static byte[] frame(Message header, short headerVersion, Message body, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        int size = header.size(cache, headerVersion) + body.size(cache, version);
        ByteBuffer buffer = ByteBuffer.allocate(4 + size);
        buffer.putInt(size);
        header.write(new ByteBufferAccessor(buffer), cache, headerVersion);
        body.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining())
            throw new IllegalStateException("size and write disagree");
        return buffer.array();
    }

    /* Takes `field` out where it stands nearest to the top. */
    static boolean prune(JsonNode top, String field) {
        boolean pruned = false;
        for (List<JsonNode> level = List.of(top); !pruned && !level.isEmpty();) {
            List<JsonNode> below = new ArrayList<>();
            for (JsonNode node : level) {
                if (node.isObject() && ((ObjectNode) node).remove(field) != null)
                    pruned = true;
                node.forEach(below::add);
            }
            level = below;
        }
        return pruned;
    }

    /* The field that Kafka's complaint is about; of arrays and structs it names the type only. */
    static String absent(String complaint) {
        String[] pairs = {
            "SupportedFeatureKey", "supportedFeatures", "FinalizedFeatureKey", "finalizedFeatures",
            "BatchIndexAndErrorMessage", "recordErrors", "ForgottenTopic", "forgottenTopicsData",
            "AbortedTransaction", "abortedTransactions", "EpochEndOffset", "divergingEpoch",
            "LeaderIdAndEpoch", "currentLeader", "SnapshotId", "snapshotId",
            "NodeEndpoint", "nodeEndpoints", "Coordinator", "coordinators",
            "CreatableTopicConfigs", "configs", "DeleteTopicState", "topics",
            "DescribeConfigsSynonym", "synonyms"};
        Map<String, String> fields = new HashMap<>();
        for (int k = 0; k < pairs.length; k += 2)
            fields.put(pairs[k], pairs[k + 1]);
        Matcher value = Pattern.compile("non-default (\\w+) at version").matcher(complaint);
        Matcher type = Pattern.compile("Can't read version \\d+ of (\\w+)").matcher(complaint);
        if (value.find())
            return value.group(1);
        return type.find() ? fields.getOrDefault(type.group(1), "") : "";
    }

    /* One body serves all versions: what Kafka says does not exist in this one is left out. Null: it does
     * not fit at all, a null topic name before v10 for example. */
    static String fitted(ApiKeys api, boolean request, short version, int index, String json)
        throws Exception {
        JsonNode node = JSON.readTree(json.replace("\"ID\"", "\"" + ID + "\"")
            .replace("\"RECORDS\"", "\"" + RECORDS64 + "\""));
        while (true) {
            try {
                return vector(api, request, version, index, node);
            } catch (InvocationTargetException | UnsupportedVersionException | NullPointerException e) {
                Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
                if (!prune(node, absent(String.valueOf(cause.getMessage())))) {
                    System.err.println(api.name + " v" + version + " body " + index + ": " + cause);
                    return null;
                }
            }
        }
    }

    static String vector(ApiKeys api, boolean request, short version, int index, JsonNode node)
        throws Exception {
        String type = "org.apache.kafka.common.message." + api.name + (request ? "Request" : "Response")
            + "Data";
        Class<?> data = Class.forName(type);
        Class<?> converter = Class.forName(type + "JsonConverter");
        ApiMessage body =
            (ApiMessage) converter.getMethod("read", JsonNode.class, short.class).invoke(null, node, version);
        JsonNode shown =
            (JsonNode) converter.getMethod("write", data, short.class).invoke(null, body, version);
        int correlationId = 0x01020304 + index;
        Message header = request
            ? new RequestHeaderData().setRequestApiKey(api.id).setRequestApiVersion(version)
                .setCorrelationId(correlationId).setClientId(index == 0 ? "vectors" : null)
            : new ResponseHeaderData().setCorrelationId(correlationId);
        short headerVersion =
            request ? api.requestHeaderVersion(version) : api.responseHeaderVersion(version);
        StringBuilder text = new StringBuilder();
        printFields(text, shown);
        String bytes = hex(frame(header, headerVersion, body, version));
        StringBuilder lines = new StringBuilder("= " + text + "\n");
        for (int at = 0; at < bytes.length(); at += 96)
            lines.append(bytes, at, Math.min(bytes.length(), at + 96)).append('\n');
        return lines.toString();
    }

    static void write(Sample message, String jar, Path directory) throws Exception {
        ApiKeys api = null;
        for (ApiKeys key : ApiKeys.values()) {
            if (key.name.equals(message.name))
                api = key;
        }
        if (api == null) {
            System.err.println(message.name + ": not known to " + jar);
            return;
        }
        Class<?> data = Class.forName(
            "org.apache.kafka.common.message." + message.name + message.direction + "Data");
        int lowest = data.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
        int highest = data.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
        for (int v = lowest; v <= Math.min(highest, message.maxVersion); v++) {
            StringBuilder file = new StringBuilder("# " + message.name + " v" + v + " "
                + message.direction.toLowerCase() + ", written by kafka-clients " + jar + "\n");
            int written = 0;
            for (int i = 0; i < message.bodies.length; i++) {
                String vector =
                    fitted(api, message.direction.equals("Request"), (short) v, i, message.bodies[i]);
                if (vector != null) {
                    file.append(vector);
                    written++;
                }
            }
            if (written == 0)
                throw new IllegalStateException(message.name + " v" + v + ": no body fits");
            Files.writeString(directory.resolve(
                snake(message.name).substring(1) + "-v" + v + "-" + message.direction.toLowerCase() + ".hex"),
                file.toString());
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[1]);
        for (Sample message : MESSAGES)
            write(message, arguments[0], directory);
        StringBuilder errors = new StringBuilder("# Error codes of kafka-clients " + arguments[0] + "\n");
        for (Errors error : Errors.values())
            errors.append(error.code()).append(' ').append(error.name()).append('\n');
        Files.writeString(directory.resolve("errors.txt"), errors.toString());
    }
}
