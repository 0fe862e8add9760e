package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

const firstShard = "shardId-000000000000"

var (
	server  *Server
	client  *kinesis.Client
	streams int
)

func TestMain(m *testing.M) {
	var err error
	if server, err = StartServer(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client = connect(server.Endpoint(), secretKey, nil)
	code := m.Run()
	server.Remove()
	os.Exit(code)
}

func connect(endpoint, secret string, transport aws.HTTPClient) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region:           region,
		BaseEndpoint:     aws.String(endpoint),
		Credentials:      credentials.NewStaticCredentialsProvider(accessKey, secret, ""),
		RetryMaxAttempts: 1,
		HTTPClient:       transport,
	})
}

// overTLS trusts the server's own authority and prefers HTTP/2.
func overTLS(t *testing.T) *kinesis.Client {
	t.Helper()
	pem, err := os.ReadFile(server.Authority())
	must(t, err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in the authority's file")
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	return connect(server.TLSEndpoint(), secretKey, &http.Client{Transport: transport})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func makeStream(t *testing.T, shards int32) *string {
	t.Helper()
	streams++
	name := aws.String(fmt.Sprintf("go-%d", streams))
	_, err := client.CreateStream(limited(t), &kinesis.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(shards)})
	must(t, err)
	waitActive(t, name)
	return name
}

func waitActive(t *testing.T, name *string) {
	t.Helper()
	waiter := kinesis.NewStreamExistsWaiter(client, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	must(t, waiter.Wait(limited(t), &kinesis.DescribeStreamInput{StreamName: name}, time.Minute))
}

func makeConsumer(t *testing.T, client *kinesis.Client, name *string) *string {
	t.Helper()
	ctx := limited(t)
	found, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: name})
	must(t, err)
	made, err := client.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{
		StreamARN: found.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("reader"),
	})
	must(t, err)
	arn := made.Consumer.ConsumerARN
	for {
		now, err := client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
		must(t, err)
		if now.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive {
			return arn
		}
	}
}

func put(t *testing.T, client *kinesis.Client, name *string, text string) *kinesis.PutRecordOutput {
	t.Helper()
	answer, err := client.PutRecord(limited(t), &kinesis.PutRecordInput{
		StreamName: name, Data: []byte(text), PartitionKey: aws.String("clé"),
	})
	must(t, err)
	return answer
}

// read returns every record of one shard, up to its tip or end.
func read(t *testing.T, client *kinesis.Client, name *string, shard string) []types.Record {
	t.Helper()
	ctx := limited(t)
	start, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: name, ShardId: aws.String(shard), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	must(t, err)
	var records []types.Record
	for position := start.ShardIterator; position != nil; {
		answer, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: position})
		must(t, err)
		records = append(records, answer.Records...)
		if len(answer.Records) == 0 && aws.ToInt64(answer.MillisBehindLatest) == 0 {
			break
		}
		position = answer.NextShardIterator
	}
	return records
}

func subscribe(t *testing.T, client *kinesis.Client, consumer *string) *kinesis.SubscribeToShardEventStream {
	t.Helper()
	answer, err := client.SubscribeToShard(limited(t), &kinesis.SubscribeToShardInput{
		ConsumerARN: consumer, ShardId: aws.String(firstShard),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
	})
	must(t, err)
	t.Cleanup(func() { answer.GetStream().Close() })
	return answer.GetStream()
}

func texts(records []types.Record) []string {
	found := make([]string, 0, len(records))
	for _, record := range records {
		found = append(found, string(record.Data))
	}
	return found
}

func same(t *testing.T, found, wanted []string) {
	t.Helper()
	if !slices.Equal(found, wanted) {
		t.Fatalf("found %q, wanted %q", found, wanted)
	}
}

func TestPutAndGet(t *testing.T) {
	for name, client := range map[string]*kinesis.Client{"plain": client, "tls": overTLS(t)} {
		t.Run(name, func(t *testing.T) {
			stream := makeStream(t, 1)
			first := put(t, client, stream, "first")
			entries, wanted := []types.PutRecordsRequestEntry{}, []string{"first"}
			for i := range 500 {
				text := fmt.Sprint(i)
				wanted = append(wanted, text)
				entries = append(entries, types.PutRecordsRequestEntry{Data: []byte(text), PartitionKey: aws.String("k" + text)})
			}
			answer, err := client.PutRecords(limited(t), &kinesis.PutRecordsInput{StreamName: stream, Records: entries})
			must(t, err)
			if aws.ToInt32(answer.FailedRecordCount) != 0 || len(answer.Records) != 500 {
				t.Fatalf("%d of %d failed", aws.ToInt32(answer.FailedRecordCount), len(answer.Records))
			}
			found := read(t, client, stream, firstShard)
			same(t, texts(found), wanted)
			if *found[0].SequenceNumber != *first.SequenceNumber || *found[0].PartitionKey != "clé" {
				t.Fatalf("the first record is %v", found[0])
			}
		})
	}
}

func TestLargeRecord(t *testing.T) {
	stream, large := makeStream(t, 1), bytes.Repeat([]byte{7}, 1<<20-2)
	_, err := client.PutRecord(limited(t), &kinesis.PutRecordInput{StreamName: stream, Data: large, PartitionKey: aws.String("k")})
	must(t, err)
	if found := read(t, client, stream, firstShard); !bytes.Equal(found[0].Data, large) {
		t.Fatal("another record came back")
	}
}

// Over HTTP/1.1 without TLS, and over HTTP/2 with it.
func TestSubscribe(t *testing.T) {
	for name, client := range map[string]*kinesis.Client{"plain": client, "tls": overTLS(t)} {
		t.Run(name, func(t *testing.T) {
			stream := makeStream(t, 1)
			consumer := makeConsumer(t, client, stream)
			put(t, client, stream, "before")
			var records []types.Record
			for event := range subscribe(t, client, consumer).Events() {
				pushed := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.Records
				if len(records) == 0 && len(pushed) > 0 {
					put(t, client, stream, "after")
				}
				if records = append(records, pushed...); len(records) >= 2 {
					break
				}
			}
			same(t, texts(records), []string{"before", "after"})
		})
	}
}

func TestReshard(t *testing.T) {
	ctx, stream := limited(t), makeStream(t, 1)
	consumer := makeConsumer(t, client, stream)
	put(t, client, stream, "parent")
	_, err := client.SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: stream, ShardToSplit: aws.String(firstShard),
		NewStartingHashKey: aws.String("170141183460469231731687303715884105728"),
	})
	must(t, err)
	waitActive(t, stream)
	var children []string
	for event := range subscribe(t, client, consumer).Events() {
		for _, child := range event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.ChildShards {
			children = append(children, *child.ShardId)
		}
	}
	slices.Sort(children)
	same(t, children, []string{"shardId-000000000001", "shardId-000000000002"})
	same(t, texts(read(t, client, stream, firstShard)), []string{"parent"})
	_, err = client.MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamName: stream, ShardToMerge: &children[0], AdjacentShardToMerge: &children[1],
	})
	must(t, err)
	waitActive(t, stream)
	_, err = client.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
		StreamName: stream, TargetShardCount: aws.Int32(2), ScalingType: types.ScalingTypeUniformScaling,
	})
	must(t, err)
	waitActive(t, stream)
	listed, err := client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: stream})
	must(t, err)
	open := 0
	for _, shard := range listed.Shards {
		if shard.SequenceNumberRange.EndingSequenceNumber == nil {
			open++
		}
	}
	if len(listed.Shards) != 6 || open != 2 {
		t.Fatalf("%d of %d shards are open", open, len(listed.Shards))
	}
}

func TestErrors(t *testing.T) {
	ctx, stream := limited(t), makeStream(t, 1)
	nowhere := aws.String("nowhere")
	_, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: nowhere})
	refused[*types.ResourceNotFoundException](t, err, "Stream nowhere under account 000000000000 not found.")
	_, err = client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAA")})
	refused[*types.InvalidArgumentException](t, err, "Invalid ShardIterator.")
	_, err = client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(1)})
	refused[*types.ResourceInUseException](t, err, "")
	_, err = client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: stream, Data: []byte("x"), PartitionKey: aws.String("")})
	refusedWith(t, err, "ValidationException")
	wrong := connect(server.Endpoint(), "wrong", nil)
	_, err = wrong.ListStreams(ctx, &kinesis.ListStreamsInput{})
	refusedWith(t, err, "InvalidSignatureException")
}

// refused checks the modelled type of an error and, unless it is empty, its text.
func refused[E smithy.APIError](t *testing.T, err error, text string) {
	t.Helper()
	var found E
	if !errors.As(err, &found) {
		t.Fatalf("another error: %v", err)
	}
	if text != "" && found.ErrorMessage() != text {
		t.Fatalf("another text: %s", found.ErrorMessage())
	}
}

func refusedWith(t *testing.T, err error, code string) {
	t.Helper()
	var found smithy.APIError
	if !errors.As(err, &found) || found.ErrorCode() != code {
		t.Fatalf("wanted %s: %v", code, err)
	}
}

func TestRecordsSurviveKill9(t *testing.T) {
	stream := makeStream(t, 1)
	put(t, client, stream, "kept")
	server.Kill()
	must(t, server.start())
	same(t, texts(read(t, client, stream, firstShard)), []string{"kept"})
}
