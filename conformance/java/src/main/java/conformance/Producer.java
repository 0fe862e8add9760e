package conformance;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/**
 * Puts user records with the KPL: record i has key {@code key-(i mod KEYS)} and data {@code i:} and as many bytes of
 * padding as i has in its last two decimal digits. Puts PACE of them in a second. Prints how many were acknowledged
 * after every tenth of them.
 */
public final class Producer {
    private Producer() {}

    public static void main(String[] arguments) throws Exception {
        int count = Settings.number("COUNT");
        int keys = Settings.number("KEYS");
        int pace = Settings.number("PACE");
        String stream = Settings.text("STREAM");
        KinesisProducerConfiguration configuration = new KinesisProducerConfiguration()
                .setRegion("us-east-1")
                .setKinesisEndpoint("localhost")
                .setKinesisPort(Settings.number("TLS_PORT"))
                .setCloudwatchEndpoint("localhost")
                .setCloudwatchPort(Settings.number("TLS_PORT"))
                .setVerifyCertificate(true)
                .setCaCertFile(Settings.text("CA_FILE"))
                .setMetricsUploadDelay(2_000)
                .setRateLimit(10_000)
                .setRecordTtl(120_000)
                .setTempDirectory(Settings.text("SCRATCH"));
        KinesisProducer producer = new KinesisProducer(configuration);
        AtomicInteger acknowledged = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        long began = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long due = began + i * 1_000_000_000L / pace;
            while (System.nanoTime() < due || producer.getOutstandingRecordsCount() > 20_000) {
                Thread.sleep(1);
            }
            ByteBuffer data = ByteBuffer.wrap(data(i).getBytes(StandardCharsets.US_ASCII));
            var done = producer.addUserRecord(stream, "key-" + i % keys, data);
            done.addListener(() -> note(done, acknowledged, failed, count), Runnable::run);
        }
        producer.flushSync();
        // The daemon uploads its metrics at intervals.
        Thread.sleep(5_000);
        producer.destroy();
        System.out.println("failed " + failed.get());
        System.out.println("done " + acknowledged.get());
    }

    private static void note(
            java.util.concurrent.Future<UserRecordResult> done, AtomicInteger acknowledged, AtomicInteger failed, int count) {
        try {
            if (done.get().isSuccessful()) {
                int now = acknowledged.incrementAndGet();
                if (now % (count / 10) == 0) {
                    System.out.println("acknowledged " + now);
                }
                return;
            }
        } catch (Exception error) {
            System.err.println(error);
        }
        failed.incrementAndGet();
    }

    static String data(int i) {
        return i + ":" + "x".repeat(i % 100);
    }
}
