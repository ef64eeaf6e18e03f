// The admin client of Java kafka-clients 0.11 to 2.x: a topic's life with the calls that it has. Arguments: bootstrap,
// topic. Prints a line per answer, "name value"; an error as "name error CLASS message".

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.config.ConfigResource;

public class OldAdminActs {
    static AdminClient admin;
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

    static Object create(boolean validate) throws Exception {
        Map<String, String> settings = new HashMap<>();
        settings.put("retention.ms", "3600000");
        NewTopic wanted = new NewTopic(topic, 2, (short) 1).configs(settings);
        admin.createTopics(Collections.singleton(wanted), new CreateTopicsOptions().validateOnly(validate)).all().get();
        return "done";
    }

    static ConfigResource resource() {
        return new ConfigResource(ConfigResource.Type.TOPIC, topic);
    }

    static Object setting(String name) throws Exception {
        ConfigEntry entry =
            admin.describeConfigs(Collections.singleton(resource())).all().get().get(resource()).get(name);
        return entry.value() + " default " + entry.isDefault();
    }

    static Object replace(String name, String value) throws Exception {
        Config only = new Config(Collections.singleton(new ConfigEntry(name, value)));
        admin.alterConfigs(Collections.singletonMap(resource(), only)).all().get();
        return "done";
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        topic = arguments[1];
        admin = AdminClient.create(settings);
        say("validated", () -> create(true));
        say("created", () -> create(false));
        say("created_again", () -> create(false));
        say("cluster", () -> admin.describeCluster().nodes().get().size() + " nodes, controller "
            + (admin.describeCluster().controller().get() != null) + ", id "
            + (admin.describeCluster().clusterId().get() != null));
        say("listed", () -> admin.listTopics().names().get().contains(topic));
        say("described", () -> {
            TopicDescription described =
                admin.describeTopics(Collections.singleton(topic)).all().get().get(topic);
            return described.partitions().size() + " partitions";
        });
        say("retention.ms", () -> setting("retention.ms"));
        say("replaced", () -> replace("max.message.bytes", "100000"));
        say("retention.ms", () -> setting("retention.ms"));
        say("max.message.bytes", () -> setting("max.message.bytes"));
        say("replaced_nothing", () -> replace("no.such.setting", "1"));
        say("deleted", () -> admin.deleteTopics(Collections.singleton(topic)).all().get());
        say("deleted_again", () -> admin.deleteTopics(Collections.singleton(topic)).all().get());
        say("gone", () -> !admin.listTopics().names().get().contains(topic));
        admin.close();
    }
}
