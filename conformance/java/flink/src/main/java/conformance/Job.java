package conformance;

import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.kinesis.sink.KinesisStreamsSink;
import org.apache.flink.connector.kinesis.source.KinesisStreamsSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.connectors.kinesis.FlinkKinesisConsumer;
import org.apache.flink.util.Collector;

/**
 * Counts the records of each key, which is the text before a colon, and puts {@code record:count} into another stream.
 * Runs until it has seen a quarter of COUNT records, stops with a savepoint, says so, and goes on from there in another
 * job until it is killed.
 */
public final class Job {
    /** Of both jobs, which run in this process one after the other. */
    private static final AtomicInteger SEEN = new AtomicInteger();

    private Job() {}

    public static void main(String[] arguments) {
        int count = Integer.parseInt(text("COUNT"));
        try {
            JobClient first = start(null);
            wait(first, count / 4);
            String folder = text("SCRATCH") + "/savepoints";
            String savepoint = first.stopWithSavepoint(false, folder, SavepointFormatType.CANONICAL)
                    .get(300, TimeUnit.SECONDS);
            // A job that ends deregisters its consumer, which is the next job's too.
            first.getJobExecutionResult().get(300, TimeUnit.SECONDS);
            System.out.println("stopped after " + SEEN.get());
            wait(start(savepoint), Integer.MAX_VALUE);
        } catch (Exception error) {
            error.printStackTrace();
        }
        // The cluster's threads keep the process, and its shutdown hook may wait for ever.
        Runtime.getRuntime().halt(1);
    }

    private static JobClient start(String savepoint) throws Exception {
        Configuration configuration = new Configuration();
        if (savepoint != null) {
            configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
        }
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
        environment.enableCheckpointing(500);
        source(environment)
                .keyBy(record -> record.substring(0, record.indexOf(':')))
                .process(new Count()).uid("count")
                .sinkTo(sink()).uid("sink");
        return environment.executeAsync();
    }

    /** Until the job has seen enough records. */
    private static void wait(JobClient job, int enough) throws Exception {
        while (SEEN.get() < enough) {
            Thread.sleep(20);
            if (job.getJobStatus().get().isGloballyTerminalState()) {
                job.getJobExecutionResult().get();
                throw new IllegalStateException("the job ended by itself");
            }
        }
    }

    /** SOURCE is NEW for the source of the new interface; or POLLING or EFO for the two readers of the older one. */
    private static DataStream<String> source(StreamExecutionEnvironment environment) {
        Properties properties = access();
        properties.setProperty("flink.stream.initpos", "TRIM_HORIZON");
        String stream = text("STREAM");
        if (text("SOURCE").equals("NEW")) {
            Configuration configuration = new Configuration();
            properties.forEach((name, value) -> configuration.setString((String) name, (String) value));
            var source = KinesisStreamsSource.<String>builder()
                    .setStreamArn("arn:aws:kinesis:us-east-1:000000000000:stream/" + stream)
                    .setSourceConfig(configuration)
                    .setDeserializationSchema(new SimpleStringSchema())
                    .build();
            return environment.fromSource(source, WatermarkStrategy.noWatermarks(), "source", Types.STRING).uid("source");
        }
        properties.setProperty("flink.stream.recordpublisher", text("SOURCE"));
        properties.setProperty("flink.stream.efo.consumername", "flink");
        return environment.addSource(new FlinkKinesisConsumer<>(stream, new SimpleStringSchema(), properties)).uid("source");
    }

    private static KinesisStreamsSink<String> sink() {
        return KinesisStreamsSink.<String>builder()
                .setKinesisClientProperties(access())
                .setSerializationSchema(new SimpleStringSchema())
                .setPartitionKeyGenerator(record -> record.substring(0, record.indexOf(':')))
                .setStreamName(text("OUTPUT"))
                .setFailOnError(true)
                .build();
    }

    private static Properties access() {
        Properties properties = new Properties();
        properties.setProperty("aws.region", "us-east-1");
        properties.setProperty("aws.endpoint", text("ENDPOINT"));
        return properties;
    }

    private static String text(String name) {
        String value = System.getenv(name);
        if (value == null) {
            throw new IllegalStateException(name + " is not set");
        }
        return value;
    }

    private static final class Count extends KeyedProcessFunction<String, String, String> {
        private transient ValueState<Integer> count;

        @Override
        public void open(OpenContext context) {
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Integer.class));
        }

        @Override
        public void processElement(String record, Context context, Collector<String> output) throws Exception {
            int now = count.value() == null ? 1 : count.value() + 1;
            count.update(now);
            output.collect(record + ":" + now);
            SEEN.incrementAndGet();
        }
    }
}
