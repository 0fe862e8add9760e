package conformance;

import java.io.FileInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.retry.RetryPolicy;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.ProtocolNegotiation;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClientBuilder;
import software.amazon.awssdk.services.kinesis.model.ChildShard;
import software.amazon.awssdk.services.kinesis.model.ConsumerStatus;
import software.amazon.awssdk.services.kinesis.model.InvalidArgumentException;
import software.amazon.awssdk.services.kinesis.model.KinesisException;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.Record;
import software.amazon.awssdk.services.kinesis.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

/**
 * The asynchronous client of the SDK v2 with its default protocol, CBOR. CHECK names the check, TRANSPORT how the
 * server is reached: {@code h2c} is HTTP/2 with prior knowledge, {@code h2} HTTP/2 over TLS as negotiated, {@code h1}
 * HTTP/1.1. Ends with an exception when the check does not hold.
 */
public final class Sdk {
    private static final String FIRST = "shardId-000000000000";
    private final KinesisAsyncClient kinesis = connect("conformance/secret+key");
    private final String stream = "java-" + Settings.text("CHECK") + "-" + Settings.text("TRANSPORT");

    private Sdk() {}

    public static void main(String[] arguments) throws Exception {
        Sdk sdk = new Sdk();
        sdk.kinesis.createStream(r -> r.streamName(sdk.stream).shardCount(1)).get();
        sdk.waitActive();
        switch (Settings.text("CHECK")) {
            case "put-get" -> sdk.putAndGet();
            case "subscribe" -> sdk.subscribe();
            case "reshard" -> sdk.reshard();
            case "errors" -> sdk.errors();
            default -> throw new IllegalArgumentException(Settings.text("CHECK"));
        }
        sdk.kinesis.deleteStream(r -> r.streamName(sdk.stream).enforceConsumerDeletion(true)).get();
        System.out.println("holds");
        System.exit(0);
    }

    private static KinesisAsyncClient connect(String secret) {
        String transport = Settings.text("TRANSPORT");
        var http = NettyNioAsyncHttpClient.builder().protocol(transport.equals("h1") ? Protocol.HTTP1_1 : Protocol.HTTP2);
        KinesisAsyncClientBuilder builder = KinesisAsyncClient.builder()
                .region(Region.US_EAST_1)
                .endpointOverride(Settings.endpoint())
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIACONFORMANCE0001", secret)))
                .overrideConfiguration(o -> o.retryPolicy(RetryPolicy.none()).apiCallTimeout(Duration.ofSeconds(60)));
        if (transport.equals("h2")) {
            http.protocolNegotiation(ProtocolNegotiation.ALPN).tlsTrustManagersProvider(Sdk::authority);
            builder.endpointOverride(Settings.tlsEndpoint());
        }
        return builder.httpClientBuilder(http).build();
    }

    /** Trusts the server's own certificate authority alone. */
    private static TrustManager[] authority() {
        try (FileInputStream file = new FileInputStream(Settings.text("CA_FILE"))) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            return factory.getTrustManagers();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private void putAndGet() throws Exception {
        var first = put("first");
        List<PutRecordsRequestEntry> entries = new ArrayList<>();
        List<String> wanted = new ArrayList<>(List.of("first"));
        for (int i = 0; i < 500; i++) {
            String text = Integer.toString(i);
            wanted.add(text);
            entries.add(PutRecordsRequestEntry.builder().data(SdkBytes.fromUtf8String(text)).partitionKey("k" + i).build());
        }
        var answer = kinesis.putRecords(r -> r.streamName(stream).records(entries)).get();
        expect(0, answer.failedRecordCount());
        List<Record> found = read(FIRST);
        expect(wanted, texts(found));
        expect(first, found.get(0).sequenceNumber());
        expect("clé", found.get(0).partitionKey());
        byte[] large = new byte[1024 * 1024 - 1];
        kinesis.putRecord(r -> r.streamName(stream).partitionKey("k").data(SdkBytes.fromByteArray(large))).get();
        expect(SdkBytes.fromByteArray(large), read(FIRST).get(501).data());
    }

    private void subscribe() throws Exception {
        String consumer = makeConsumer();
        put("before");
        List<String> found = new ArrayList<>();
        CompletableFuture<Void> both = new CompletableFuture<>();
        var running = listen(consumer, event -> {
            if (found.isEmpty() && event.hasRecords() && !event.records().isEmpty()) {
                kinesis.putRecord(r -> r.streamName(stream).partitionKey("k").data(SdkBytes.fromUtf8String("after")));
            }
            found.addAll(texts(event.records()));
            if (found.size() == 2) {
                both.complete(null);
            }
        });
        both.get(60, TimeUnit.SECONDS);
        expect(List.of("before", "after"), found);
        running.cancel(true);
    }

    private void reshard() throws Exception {
        String consumer = makeConsumer();
        put("parent");
        String middle = BigInteger.TWO.pow(127).toString();
        kinesis.splitShard(r -> r.streamName(stream).shardToSplit(FIRST).newStartingHashKey(middle)).get();
        waitActive();
        List<String> children = new ArrayList<>();
        listen(consumer, event -> event.childShards().stream().map(ChildShard::shardId).forEach(children::add))
                .get(60, TimeUnit.SECONDS);
        expect(List.of("shardId-000000000001", "shardId-000000000002"), children.stream().sorted().toList());
        expect(List.of("parent"), texts(read(FIRST)));
        kinesis.mergeShards(r -> r.streamName(stream).shardToMerge(children.get(0)).adjacentShardToMerge(children.get(1)))
                .get();
        waitActive();
        expect(4, kinesis.listShards(r -> r.streamName(stream)).get().shards().size());
    }

    private void errors() {
        var nowhere = refused(ResourceNotFoundException.class, kinesis.describeStreamSummary(r -> r.streamName("nowhere")));
        expect("Stream nowhere under account 000000000000 not found.", nowhere.awsErrorDetails().errorMessage());
        var broken = refused(InvalidArgumentException.class, kinesis.getRecords(r -> r.shardIterator("AAAA")));
        expect("Invalid ShardIterator.", broken.awsErrorDetails().errorMessage());
        refused(ResourceInUseException.class, kinesis.createStream(r -> r.streamName(stream).shardCount(1)));
        var empty = kinesis.putRecord(r -> r.streamName(stream).partitionKey("").data(SdkBytes.fromUtf8String("x")));
        expect("ValidationException", refused(KinesisException.class, empty).awsErrorDetails().errorCode());
        try (KinesisAsyncClient wrong = connect("wrong")) {
            var unsigned = refused(KinesisException.class, wrong.listStreams());
            expect("InvalidSignatureException", unsigned.awsErrorDetails().errorCode());
        }
    }

    private static <E extends KinesisException> E refused(Class<E> type, CompletableFuture<?> call) {
        try {
            call.join();
        } catch (CompletionException error) {
            return type.cast(error.getCause());
        }
        throw new IllegalStateException("the call was not refused");
    }

    private static void expect(Object wanted, Object found) {
        if (!wanted.equals(found)) {
            throw new IllegalStateException("wanted " + wanted + ", found " + found);
        }
    }

    private String put(String text) throws Exception {
        return kinesis.putRecord(r -> r.streamName(stream).partitionKey("clé").data(SdkBytes.fromUtf8String(text)))
                .get().sequenceNumber();
    }

    private List<Record> read(String shard) throws Exception {
        String position = kinesis.getShardIterator(
                r -> r.streamName(stream).shardId(shard).shardIteratorType(ShardIteratorType.TRIM_HORIZON))
                .get().shardIterator();
        List<Record> records = new ArrayList<>();
        while (position != null) {
            String now = position;
            var answer = kinesis.getRecords(r -> r.shardIterator(now)).get();
            records.addAll(answer.records());
            boolean tip = answer.records().isEmpty() && answer.millisBehindLatest() == 0;
            position = tip ? null : answer.nextShardIterator();
        }
        return records;
    }

    private static List<String> texts(List<Record> records) {
        return records.stream().map(r -> r.data().asString(StandardCharsets.UTF_8)).toList();
    }

    private void waitActive() {
        kinesis.waiter().waitUntilStreamExists(r -> r.streamName(stream)).join();
    }

    private String makeConsumer() throws Exception {
        String arn = kinesis.describeStreamSummary(r -> r.streamName(stream)).get().streamDescriptionSummary().streamARN();
        String consumer = kinesis.registerStreamConsumer(r -> r.streamARN(arn).consumerName("reader")).get()
                .consumer().consumerARN();
        while (kinesis.describeStreamConsumer(r -> r.consumerARN(consumer)).get()
                .consumerDescription().consumerStatus() != ConsumerStatus.ACTIVE) {
            Thread.sleep(10);
        }
        return consumer;
    }

    private CompletableFuture<Void> listen(String consumer, Consumer<SubscribeToShardEvent> each) {
        var handler = SubscribeToShardResponseHandler.builder()
                .subscriber(SubscribeToShardResponseHandler.Visitor.builder().onSubscribeToShardEvent(each).build())
                .build();
        return kinesis.subscribeToShard(
                r -> r.consumerARN(consumer).shardId(FIRST).startingPosition(p -> p.type(ShardIteratorType.TRIM_HORIZON)),
                handler);
    }
}
