/*
 * Writes record batches with Kafka's own client library, as tests/vectors/record_batch/java-*.hex:
 *
 *     = batch codec=1 transactional=0 base_timestamp=... max_timestamp=... producer=... ...
 *     = 0 timestamp=1700000000000 key=6b30 value=null headers=6831:7631,6832:null
 *     00000000 ...                                                     the whole batch, in hex
 *
 * Keys, values and headers are in hex. Batches of many records have instead of all these lines
 *
 *     = lines=301 crc32c=0a1b2c3d                    of the lines as above, each with its newline
 *
 * How to run (Java 17; jars from Maven Central: kafka-clients 3.9.2, slf4j-api, snappy-java, lz4-java,
 * zstd-jni):
 *
 *     java -cp 'jars/*' tests/vectors/generate/RecordBatches.java 3.9.2 tests/vectors/record_batch
 */
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.compress.ZstdCompression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;

public class RecordBatches {
    static final long TIME = 1700000000000L;
    static final int MANY = 300;
    static String version;
    static Path folder;

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static SimpleRecord record(long timestamp, String key, String value, String... headers) {
        Header[] list = new Header[headers.length / 2];
        for (int i = 0; i < list.length; i++)
            list[i] = new RecordHeader(headers[2 * i], bytes(headers[2 * i + 1]));
        return new SimpleRecord(timestamp, bytes(key), bytes(value), list);
    }

    static SimpleRecord[] mixed() {
        return new SimpleRecord[] {
            record(TIME, "k0", "v0", "h1", "v1", "h2", null),
            record(TIME + 1, null, "no key"),
            record(TIME - 5000, "tombstone, and earlier than the first", null),
            record(TIME + 100, "", "", "", ""),
            record(TIME + 86400000L * 365, "schl\u00fcssel", "\u20ac \ud83d\ude00", "\u00fc", "x", "\u00fc", "y"),
        };
    }

    static SimpleRecord[] many() {
        SimpleRecord[] records = new SimpleRecord[MANY];
        for (int i = 0; i < MANY; i++)
            records[i] = record(TIME + i / 10, i % 3 == 0 ? null : "key-" + i % 7,
                                ("record " + i + " ").repeat(i % 70));
        return records;
    }

    static String hex(byte[] data) {
        if (data == null)
            return "null";
        StringBuilder text = new StringBuilder();
        for (byte b : data)
            text.append(String.format("%02x", b));
        return text.toString();
    }

    static byte[] array(ByteBuffer buffer) {
        if (buffer == null)
            return null;
        byte[] data = new byte[buffer.remaining()];
        buffer.duplicate().get(data);
        return data;
    }

    static List<String> describe(int codec, SimpleRecord[] records, long producer, short epoch,
                                 int sequence, boolean transactional) {
        List<String> lines = new ArrayList<>();
        long max = Long.MIN_VALUE;
        for (SimpleRecord record : records)
            max = Math.max(max, record.timestamp());
        lines.add(String.format("batch codec=%d transactional=%d base_timestamp=%d max_timestamp=%d"
                                + " producer=%d epoch=%d sequence=%d count=%d",
                                codec, transactional ? 1 : 0, records[0].timestamp(), max, producer,
                                epoch, sequence, records.length));
        for (int i = 0; i < records.length; i++) {
            List<String> headers = new ArrayList<>();
            for (Header header : records[i].headers())
                headers.add(hex(bytes(header.key())) + ":" + hex(header.value()));
            lines.add(String.format("%d timestamp=%d key=%s value=%s headers=%s", i, records[i].timestamp(),
                                    hex(array(records[i].key())), hex(array(records[i].value())),
                                    String.join(",", headers)));
        }
        return lines;
    }

    static void write(String name, List<String> lines, MemoryRecords records) throws Exception {
        StringBuilder text = new StringBuilder("# written by kafka-clients " + version + "\n");
        if (lines.size() > 20) {
            CRC32C crc = new CRC32C();
            for (String line : lines)
                crc.update(bytes(line + "\n"));
            lines = List.of(String.format("lines=%d crc32c=%08x", lines.size(), crc.getValue()));
        }
        for (String line : lines)
            text.append("= ").append(line).append('\n');
        String hex = hex(array(records.buffer()));
        for (int i = 0; i < hex.length(); i += 96)
            text.append(hex, i, Math.min(i + 96, hex.length())).append('\n');
        Files.writeString(folder.resolve("java-" + name + ".hex"), text);
    }

    static void batch(String name, Compression compression, SimpleRecord[] records, long producer, int epoch,
                      int sequence, boolean transactional) throws Exception {
        write(name,
              describe(compression.type().id, records, producer, (short) epoch, sequence, transactional),
              MemoryRecords.withRecords((byte) 2, 0L, compression, TimestampType.CREATE_TIME, producer,
                                        (short) epoch, sequence, -1, transactional, records));
    }

    public static void main(String[] args) throws Exception {
        version = args[0];
        folder = Path.of(args[1]);
        for (CompressionType type : CompressionType.values()) {
            Compression compression = Compression.of(type).build();
            batch(type.name, compression, mixed(), -1, -1, -1, false);
            if (type != CompressionType.NONE)
                batch(type.name + "-many", compression, many(), 4711, 3, Integer.MAX_VALUE - 1, false);
        }
        batch("idempotent", Compression.NONE, mixed(), 4711, 3, Integer.MAX_VALUE - 1, false);
        batch("transactional", Compression.NONE, mixed(), Long.MAX_VALUE, Short.MAX_VALUE, 0, true);
        SimpleRecord[] far = {record(0, "epoch", ""), record(Long.MAX_VALUE, "end of time", "")};
        batch("far-timestamps", Compression.NONE, far, -1, -1, -1, false);
        /* Level 22 declares a window of 128 MiB. */
        for (int level : new int[] {1, 22}) {
            ZstdCompression compression = Compression.zstd().level(level).build();
            batch("zstd-level-" + level, compression, mixed(), -1, -1, -1, false);
        }
    }
}
