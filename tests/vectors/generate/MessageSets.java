/* The records of message_sets.py, sent by an old kafka-clients. Arguments: bootstrap, magic, codec. */
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

public class MessageSets {
    static final long TIME = 1_700_000_000_000L;

    public static void main(String[] arguments) throws Exception {
        boolean timestamps = arguments[1].equals("1");
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("compression.type", arguments[2]);
        settings.put("linger.ms", "1000");
        settings.put("acks", "1");
        String bytes = "org.apache.kafka.common.serialization.ByteArraySerializer";
        settings.put("key.serializer", bytes);
        settings.put("value.serializer", bytes);
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings);
        long[] times = {TIME, TIME + 1, TIME - 5000, TIME + 100, TIME + 200};
        String[] keys = {"k0", null, "tombstone, and earlier", "empty", "long"};
        String[] values = {"v0", "no key", null, "", "0123456789abcdef".repeat(20)};
        for (int i = 0; i < times.length; i++)
            producer.send(record(timestamps, times[i], blob(keys[i]), blob(values[i])));
        producer.close();
    }

    static byte[] blob(String text) {
        return text == null ? null : text.getBytes();
    }

    /* The constructor with a timestamp came with 0.10. */
    static ProducerRecord<byte[], byte[]> record(boolean timestamps, long time, byte[] key, byte[] value)
        throws Exception {
        if (!timestamps)
            return new ProducerRecord<>("t", 0, key, value);
        return (ProducerRecord<byte[], byte[]>) ProducerRecord.class
            .getConstructor(String.class, Integer.class, Long.class, Object.class, Object.class)
            .newInstance("t", 0, time, key, value);
    }
}
