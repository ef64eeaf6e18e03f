// Flink's KafkaSink, at least once, in a cluster of one process. The arguments are those of tests/e2e/producers.py;
// nothing is told, as a sink has nobody to tell.

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

public class FlinkSink {
    static final int CHECKPOINT_MS = 500;

    static byte[] blob(String text) {
        return text.equals("-") ? null : Base64.getDecoder().decode(text);
    }

    static ProducerRecord<byte[], byte[]> record(String topic, String line) {
        String[] parts = line.split("\t", -1);
        List<Header> headers = new ArrayList<>();
        for (String pair : parts[4].isEmpty() ? new String[0] : parts[4].split(",")) {
            String[] header = pair.split(":", -1);
            headers.add(new RecordHeader(new String(blob(header[0]), StandardCharsets.UTF_8), blob(header[1])));
        }
        return new ProducerRecord<>(topic, Integer.valueOf(parts[0]), Long.valueOf(parts[1]), blob(parts[2]), blob(parts[3]), headers);
    }

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1];
        Properties settings = new Properties();
        for (String argument : Arrays.asList(arguments).subList(3, arguments.length)) {
            settings.put(argument.substring(0, argument.indexOf('=')), argument.substring(argument.indexOf('=') + 1));
        }
        KafkaRecordSerializationSchema<String> schema = (line, context, timestamp) -> record(topic, line);
        KafkaSink<String> sink = KafkaSink.<String>builder().setBootstrapServers(arguments[0]).setKafkaProducerConfig(settings)
                .setRecordSerializer(schema).setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE).build();
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
        environment.enableCheckpointing(CHECKPOINT_MS);
        environment.fromData(Files.readAllLines(Path.of(arguments[2]))).sinkTo(sink);
        environment.execute();
    }
}
