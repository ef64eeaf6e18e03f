// Kafka's own Java admin client: makes a topic, changes it, looks at all of it, deletes it. Arguments: bootstrap,
// topic. Prints a line per answer, "name value"; an error as "name error CLASS message".

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaFilter;

public class AdminActs {
    static Admin admin;
    static String topic;

    static void say(String name, Callable<Object> question) {
        try {
            System.out.println(name + " " + question.call());
        } catch (ExecutionException e) {
            System.out.println(name + " error " + e.getCause().getClass().getSimpleName() + " "
                + e.getCause().getMessage());
        } catch (Exception e) {
            System.out.println(name + " error " + e);
        }
    }

    static ConfigResource resource() {
        return new ConfigResource(ConfigResource.Type.TOPIC, topic);
    }

    static Object create(int partitions, Map<String, String> configs, boolean validate) throws Exception {
        NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(configs);
        CreateTopicsResult result = admin.createTopics(List.of(wanted),
            new CreateTopicsOptions().validateOnly(validate));
        result.all().get();
        ConfigEntry entry = result.config(topic).get().get("retention.ms");
        return result.numPartitions(topic).get() + " partitions, " + result.replicationFactor(topic).get()
            + " replicas, retention.ms=" + entry.value() + " from " + entry.source() + ", id "
            + !result.topicId(topic).get().toString().equals("AAAAAAAAAAAAAAAAAAAAAA");
    }

    static Object change(AlterConfigOp.OpType type, String name, String value) throws Exception {
        AlterConfigOp change = new AlterConfigOp(new ConfigEntry(name, value), type);
        admin.incrementalAlterConfigs(Map.of(resource(), List.of(change))).all().get();
        return "done";
    }

    static Object setting(String name) throws Exception {
        ConfigEntry entry = admin.describeConfigs(List.of(resource())).all().get().get(resource()).get(name);
        return entry.value() + " from " + entry.source() + " as " + entry.type();
    }

    static Object described() throws Exception {
        TopicDescription described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
        return described.partitions().size() + " partitions, leaders "
            + described.partitions().stream().map(p -> p.leader() != null).toList();
    }

    static Object offsets(OffsetSpec spec) throws Exception {
        Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
        for (int partition = 0; partition < 2; partition++)
            wanted.put(new TopicPartition(topic, partition), spec);
        Map<Integer, Long> found = new TreeMap<>();
        for (Map.Entry<TopicPartition, ListOffsetsResultInfo> entry : admin.listOffsets(wanted).all().get().entrySet())
            found.put(entry.getKey().partition(), entry.getValue().offset());
        return found;
    }

    static void look() throws Exception {
        say("cluster", () -> admin.describeCluster().nodes().get().size() + " nodes, controller "
            + (admin.describeCluster().controller().get() != null) + ", id "
            + (admin.describeCluster().clusterId().get() != null));
        say("operations", () -> admin.describeCluster(
            new DescribeClusterOptions().includeAuthorizedOperations(true)).authorizedOperations().get() != null);
        say("listed", () -> admin.listTopics().names().get().contains(topic));
        say("described", AdminActs::described);
        say("retention.ms", () -> setting("retention.ms"));
        say("max.message.bytes", () -> setting("max.message.bytes"));
        say("latest", () -> offsets(OffsetSpec.latest()));
        say("earliest", () -> offsets(OffsetSpec.earliest()));
        say("at_2030", () -> offsets(OffsetSpec.forTimestamp(1893456000000L)));
        say("groups", () -> admin.listConsumerGroups().all().get());
        say("reassignments", () -> admin.listPartitionReassignments().reassignments().get());
        say("acls", () -> admin.describeAcls(AclBindingFilter.ANY).values().get());
        say("quotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get());
        say("transactions", () -> admin.listTransactions().all().get());
        say("features", () -> admin.describeFeatures().featureMetadata().get().finalizedFeatures());
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        topic = arguments[1];
        admin = AdminClient.create(settings);
        say("validated", () -> create(2, Map.of(), true));
        say("not_listed", () -> !admin.listTopics().names().get().contains(topic));
        say("created", () -> create(2, Map.of("retention.ms", "3600000"), false));
        say("created_again", () -> create(2, Map.of(), false));
        say("set", () -> change(AlterConfigOp.OpType.SET, "max.message.bytes", "100000"));
        say("set_back", () -> change(AlterConfigOp.OpType.DELETE, "retention.ms", null));
        say("compressed", () -> {
            change(AlterConfigOp.OpType.SET, "compression.type", "lz4");
            return setting("compression.type");
        });
        say("compressed_badly", () -> change(AlterConfigOp.OpType.SET, "compression.type", "best"));
        say("compressed_as_before", () -> {
            change(AlterConfigOp.OpType.DELETE, "compression.type", null);
            return setting("compression.type");
        });
        say("set_nothing", () -> change(AlterConfigOp.OpType.SET, "no.such.setting", "1"));
        look();
        say("grown", () -> {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get();
            return described();
        });
        say("shrunk", () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all().get());
        say("deleted", () -> admin.deleteTopics(List.of(topic)).all().get());
        say("deleted_again", () -> admin.deleteTopics(List.of(topic)).all().get());
        say("gone", () -> !admin.listTopics().names().get().contains(topic));
        admin.close();
    }
}
