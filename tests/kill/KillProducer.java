// Kafka's own Java client under the contract of producer.py: KillProducer ADDRESS TOPIC NAME PARTITIONS RATE OUT
// [name=value...]. Its records are those of record.py.

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class KillProducer {
    static final long BASE_MS = 1_700_000_000_000L;
    static final byte[] BLOCK = new byte[512 * 1024];

    static {
        long x = 29120;
        for (int i = 0; i < BLOCK.length; i++) {
            x = (x * 1103515245L + 12345) & 0x7FFFFFFFL;
            BLOCK[i] = (byte) (x >> 16);
        }
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    static long crc(byte[] bytes, int from, int count) {
        CRC32 crc = new CRC32();
        crc.update(bytes, from, count);
        return crc.getValue();
    }

    static int size(String producer, long sequence, long mix) {
        if (producer.endsWith("-x") && sequence % 3000 == 1999) return 350_000;
        long kind = mix % 10000, more = mix / 10000;
        if (producer.endsWith("-b") && kind < 3000) return (int) (20_000 + more % 20_000);
        if (kind < 9700) return (int) (20 + more % 100);
        if (kind < 9950) return (int) (500 + more % 3000);
        return kind < 9990 ? (int) (20_000 + more % 20_000) : 90_000;
    }

    static ProducerRecord<byte[], byte[]> record(String topic, String producer, int partition, long sequence) {
        String name = producer + "|" + partition + "|" + sequence + "|";
        long mix = crc(ascii(name), 0, name.length());
        int size = size(producer, sequence, mix), start = (int) (mix % (BLOCK.length - size));
        byte[] head = ascii(name + String.format("%08x|", crc(BLOCK, start, size)));
        byte[] value = Arrays.copyOf(head, head.length + size);
        System.arraycopy(BLOCK, start, value, head.length, size);
        List<Header> headers = mix % 7 == 0 ? List.of(new RecordHeader("n", ascii("" + sequence))) : List.of();
        return new ProducerRecord<>(topic, partition, BASE_MS + sequence,
                mix % 3 == 0 ? null : ascii("k" + mix % 1000), value, headers);
    }

    static Properties settings(String[] arguments) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("enable.idempotence", "true");
        settings.put("delivery.timeout.ms", "" + Integer.MAX_VALUE);
        settings.put("max.block.ms", "600000");
        settings.put("linger.ms", "5");
        settings.put("max.request.size", "1000000");
        settings.put("reconnect.backoff.ms", "20");
        settings.put("reconnect.backoff.max.ms", "100");
        settings.put("retry.backoff.ms", "20");
        settings.put("retry.backoff.max.ms", "100");
        settings.put("metadata.max.age.ms", "5000");
        for (int i = 6; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        return settings;
    }

    static volatile boolean ended = false;

    static void endWithInput() {
        Thread thread = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException gone) { /* as good as its end */ }
            ended = true;
        });
        thread.setDaemon(true);
        thread.start();
    }

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1], name = arguments[2], out = arguments[5];
        int partitions = Integer.parseInt(arguments[3]);
        double rate = Double.parseDouble(arguments[4]);
        long[] sent = new long[partitions];
        AtomicLong answered = new AtomicLong();
        long index = 0;
        endWithInput();
        try (var acks = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(out + ".acks")));
             var failed = new PrintWriter(out + ".failed");
             var producer = new KafkaProducer<>(settings(arguments), new ByteArraySerializer(), new ByteArraySerializer())) {
            double owed = 0;
            long before = System.nanoTime(), flushed = before;
            while (!ended) {
                long now = System.nanoTime();
                owed = Math.min(owed + (now - before) / 1e9 * rate, rate / 2);
                before = now;
                if (now - flushed > 200_000_000L) {
                    synchronized (acks) { acks.flush(); failed.flush(); }
                    flushed = now;
                }
                if (owed < 1) {
                    Thread.sleep(2);
                    continue;
                }
                int partition = (int) (index % partitions);
                long sequence = sent[partition]++;
                boolean alone = size(name, sequence, 0) == 350_000; // see producer.py
                if (alone) producer.flush();
                producer.send(record(topic, name, partition, sequence), (told, error) -> {
                    synchronized (acks) {
                        answered.incrementAndGet();
                        try {
                            if (error != null) {
                                failed.println(partition + " " + sequence + " " + error.getClass().getSimpleName());
                            } else {
                                acks.writeInt(partition);
                                acks.writeLong(sequence);
                                acks.writeLong(told.offset());
                                acks.writeLong(System.nanoTime());
                            }
                        } catch (java.io.IOException e) {
                            System.exit(3);
                        }
                    }
                });
                if (alone) producer.flush();
                index++;
                owed--;
            }
            producer.flush();
        }
        try (var end = new PrintWriter(out + ".end")) {
            end.printf("{\"sent\": %s, \"unanswered\": %d, \"fatal\": null}%n", Arrays.toString(sent), index - answered.get());
        }
    }
}
