// A producer of Kafka's own client with its default settings, which include idempotence: sends the lines "key:value" of
// standard input and prints where the broker says they are. Runs as it is: java -cp JARS Producer.java BOOTSTRAP TOPIC

import java.util.Map;
import java.util.Scanner;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class Producer {
    public static void main(String[] arguments) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0]);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
             var lines = new Scanner(System.in)) {
            while (lines.hasNextLine()) {
                String[] pair = lines.nextLine().split(":", 2);
                var answer = producer.send(new ProducerRecord<>(arguments[1], pair[0], pair[1])).get();
                System.out.printf("  %s:%s is at %s%n", pair[0], pair[1], answer);
            }
        }
    }
}
