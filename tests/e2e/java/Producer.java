// Kafka's own Java client with its defaults but for what the arguments say. The contract is in producers.py.

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Producer {
    static byte[] blob(String text) {
        return text.equals("-") ? null : Base64.getDecoder().decode(text);
    }

    static List<Header> headers(String text) {
        List<Header> headers = new ArrayList<>();
        for (String pair : text.isEmpty() ? new String[0] : text.split(",")) {
            String[] parts = pair.split(":", -1);
            headers.add(new RecordHeader(new String(blob(parts[0]), StandardCharsets.UTF_8), blob(parts[1])));
        }
        return headers;
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        for (int i = 3; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        List<Future<RecordMetadata>> answers = new ArrayList<>();
        boolean failed = false;
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String line : Files.readAllLines(Path.of(arguments[2]))) {
                String[] parts = line.split("\t", -1);
                answers.add(producer.send(new ProducerRecord<>(arguments[1], Integer.valueOf(parts[0]), Long.valueOf(parts[1]),
                        blob(parts[2]), blob(parts[3]), headers(parts[4]))));
            }
            producer.flush();
            for (int i = 0; i < answers.size(); i++) {
                try {
                    RecordMetadata answer = answers.get(i).get();
                    System.out.println(i + "\t" + answer.partition() + "\t" + answer.offset());
                } catch (ExecutionException error) {
                    failed = true;
                    System.out.println(i + "\terror\t" + error.getCause());
                }
            }
        }
        System.exit(failed ? 1 : 0);
    }
}
