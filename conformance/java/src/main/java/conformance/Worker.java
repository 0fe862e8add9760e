package conformance;

import java.io.FileWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.KinesisClientUtil;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.fanout.FanOutConfig;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * A KCL worker. Writes a line for each user record into FILE, before its checkpoint: {@code nanoseconds shard
 * sequence-number sub-sequence-number key data}; and {@code END shard} for each shard that it ends. Stops gracefully on
 * SIGTERM.
 */
public final class Worker {
    private Worker() {}

    public static void main(String[] arguments) throws Exception {
        String stream = Settings.text("STREAM");
        String application = Settings.text("APPLICATION");
        Region region = Region.US_EAST_1;
        KinesisAsyncClient kinesis = KinesisClientUtil.createKinesisAsyncClient(
                KinesisAsyncClient.builder().region(region).endpointOverride(Settings.endpoint()));
        DynamoDbAsyncClient tables =
                DynamoDbAsyncClient.builder().region(region).endpointOverride(Settings.endpoint()).build();
        CloudWatchAsyncClient metrics =
                CloudWatchAsyncClient.builder().region(region).endpointOverride(Settings.endpoint()).build();
        Output output = new Output(Settings.text("FILE"));
        var start = InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON);
        ConfigsBuilder configs = new ConfigsBuilder(
                new SingleStreamTracker(stream, start), application, kinesis, tables, metrics,
                Settings.text("WORKER"), () -> new Processor(output));
        boolean fanOut = Settings.text("MODE").equals("FANOUT");
        var retrieval = configs.retrievalConfig().retrievalSpecificConfig(fanOut
                ? new FanOutConfig(kinesis).streamName(stream).applicationName(application)
                : new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(200));
        // Faster than the defaults, so that a take-over does not last for minutes.
        var leases = configs.leaseManagementConfig().failoverTimeMillis(6_000).shardSyncIntervalMillis(5_000);
        leases.leasesRecoveryAuditorExecutionFrequencyMillis(5_000);
        var coordinator = configs.coordinatorConfig().parentShardPollIntervalMillis(500);
        coordinator.shardConsumerDispatchPollIntervalMillis(200);
        Scheduler scheduler = new Scheduler(
                configs.checkpointConfig(), coordinator, leases, configs.lifecycleConfig(),
                configs.metricsConfig().metricsBufferTimeMillis(2_000), configs.processorConfig(), retrieval);
        Thread running = new Thread(scheduler, "scheduler");
        running.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                scheduler.startGracefulShutdown().get(60, TimeUnit.SECONDS);
            } catch (Exception error) {
                System.err.println("no graceful shutdown: " + error);
            }
        }));
        running.join();
    }

    /** The file that all shards of the worker write to. */
    private static final class Output {
        private final Writer writer;

        Output(String path) throws IOException {
            writer = new FileWriter(path, StandardCharsets.UTF_8, true);
        }

        synchronized void write(String lines) {
            try {
                writer.write(lines);
                writer.flush();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }

    private static final class Processor implements ShardRecordProcessor {
        private final Output output;
        private String shard;

        Processor(Output output) {
            this.output = output;
        }

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            StringBuilder lines = new StringBuilder();
            for (var record : input.records()) {
                lines.append(nanoseconds()).append(' ');
                lines.append(shard).append(' ').append(record.sequenceNumber()).append(' ');
                lines.append(record.subSequenceNumber()).append(' ').append(record.partitionKey()).append(' ');
                lines.append(StandardCharsets.US_ASCII.decode(record.data())).append('\n');
            }
            output.write(lines.toString());
            checkpoint(input.checkpointer());
        }

        @Override
        public void leaseLost(LeaseLostInput input) {}

        @Override
        public void shardEnded(ShardEndedInput input) {
            output.write("END " + shard + "\n");
            checkpoint(input.checkpointer());
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            checkpoint(input.checkpointer());
        }

        /** Since the epoch, comparable between processes. */
        private static long nanoseconds() {
            java.time.Instant now = java.time.Instant.now();
            return now.getEpochSecond() * 1_000_000_000 + now.getNano();
        }

        private static void checkpoint(RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (ShutdownException lost) {
                // Another worker has the lease: it will process what comes next.
            } catch (InvalidStateException error) {
                throw new IllegalStateException(error);
            }
        }
    }
}
