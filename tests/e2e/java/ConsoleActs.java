// What web consoles ask a cluster when they are opened (Kafbat and kafka-ui, AKHQ, Kafdrop), with the calls of Kafka's own
// clients that they make. Arguments: bootstrap, topic (it has records). Prints a line per answer, "name value"; an error
// as "name error CLASS message".

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class ConsoleActs {
    static Admin admin;
    static String topic;

    static void say(String name, Callable<Object> question) {
        try {
            System.out.println(name + " " + question.call());
        } catch (ExecutionException e) {
            System.out.println(name + " error " + e.getCause().getClass().getSimpleName() + " "
                + e.getCause().getMessage());
        } catch (Exception e) {
            System.out.println(name + " error " + e.getClass().getSimpleName() + " " + e.getMessage());
        }
    }

    static String broker() throws Exception {
        return admin.describeCluster().controller().get().idString();
    }

    static Object brokerConfigs() throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, broker());
        return admin.describeConfigs(List.of(resource), new DescribeConfigsOptions().includeSynonyms(true)
            .includeDocumentation(true)).all().get().get(resource).entries().size() > 5;
    }

    static Object topics() throws Exception {
        Set<String> names = admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get();
        Map<String, TopicDescription> all = admin.describeTopics(names).allTopicNames().get();
        return all.keySet().equals(names) && all.get(topic).partitions().get(0).isr().size() == 1;
    }

    static Object logDirs() throws Exception {
        Map<String, LogDirDescription> dirs =
            admin.describeLogDirs(Set.of(Integer.parseInt(broker()))).allDescriptions().get().values().iterator().next();
        return dirs.size() + " directories, " + dirs.values().iterator().next().replicaInfos().size() + " replicas, "
            + dirs.keySet().iterator().next();
    }

    /** Kafdrop and AKHQ show the ends of a topic, and its messages, with a consumer of no group. */
    static void consume(String address) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(),
                 new ByteArrayDeserializer())) {
            Collection<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(p -> new TopicPartition(topic, p.partition())).toList();
            say("begins", () -> new TreeSet<>(consumer.beginningOffsets(partitions).values()));
            say("ends", () -> new TreeSet<>(consumer.endOffsets(partitions).values()));
            say("consumer_topics", () -> consumer.listTopics().containsKey(topic));
            say("messages", () -> {
                consumer.assign(partitions);
                consumer.seekToBeginning(partitions);
                return consumer.poll(Duration.ofSeconds(20)).count();
            });
        }
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        topic = arguments[1];
        admin = AdminClient.create(settings);
        say("cluster", () -> admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true))
            .nodes().get().stream().map(Node::port).toList());
        say("features", () -> admin.describeFeatures().featureMetadata().get().finalizedFeatures());
        say("quorum", () -> admin.describeMetadataQuorum().quorumInfo().get());
        say("acls", () -> admin.describeAcls(AclBindingFilter.ANY).values().get());
        say("broker", ConsoleActs::brokerConfigs);
        say("topics", ConsoleActs::topics);
        say("topic", () -> {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            return admin.describeConfigs(List.of(resource)).all().get().get(resource).get("cleanup.policy").value();
        });
        say("log_dirs", ConsoleActs::logDirs);
        say("groups", () -> admin.listConsumerGroups().all().get());
        say("group", () -> admin.listConsumerGroupOffsets("nobody").partitionsToOffsetAndMetadata().get());
        say("reassignments", () -> admin.listPartitionReassignments().reassignments().get());
        say("users", () -> admin.describeUserScramCredentials().all().get());
        say("producers", () -> admin.describeProducers(List.of(new TopicPartition(topic, 0))).all().get().size());
        consume(arguments[0]);
        admin.close();
    }
}
