// The JavaScript SDK v3 with its default handler, which speaks HTTP/2 with prior knowledge for every call.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  SubscribeToShardCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import { save, watch } from "./record.mjs";
import { credentials, region, Server } from "./server.mjs";

const SHARD = "shardId-000000000000";
const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);

let server;
let kinesis;
let streams = 0;

before(async () => {
  server = await Server.start();
  kinesis = connect();
});

after(async () => {
  kinesis.destroy();
  save();
  await server.remove();
});

function connect(options = {}) {
  return watch(new KinesisClient({ endpoint: server.endpoint, region, credentials, maxAttempts: 1, ...options }));
}

async function makeStream(ShardCount = 1, client = kinesis) {
  const StreamName = `javascript-${(streams += 1)}`;
  await client.send(new CreateStreamCommand({ StreamName, ShardCount }));
  await waitUntilStreamExists({ client, maxWaitTime: 10, minDelay: 1 }, { StreamName });
  return StreamName;
}

async function read(StreamName, ShardId = SHARD, client = kinesis) {
  const start = new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" });
  let { ShardIterator } = await client.send(start);
  const records = [];
  while (ShardIterator) {
    const answer = await client.send(new GetRecordsCommand({ ShardIterator }));
    records.push(...answer.Records);
    if (answer.Records.length === 0 && answer.MillisBehindLatest === 0) break;
    ShardIterator = answer.NextShardIterator;
  }
  return records;
}

async function makeConsumer(StreamName, client = kinesis) {
  const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
  const StreamARN = summary.StreamDescriptionSummary.StreamARN;
  const made = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "reader" }));
  const { ConsumerARN } = made.Consumer;
  for (;;) {
    const found = await client.send(new DescribeStreamConsumerCommand({ ConsumerARN }));
    if (found.ConsumerDescription.ConsumerStatus === "ACTIVE") return ConsumerARN;
  }
}

async function subscribe(ConsumerARN, client = kinesis, StartingPosition = { Type: "TRIM_HORIZON" }) {
  const answer = await client.send(new SubscribeToShardCommand({ ConsumerARN, ShardId: SHARD, StartingPosition }));
  return answer.EventStream;
}

/** The first `count` records of a subscription. */
async function collect(events, count) {
  const records = [];
  for await (const event of events) {
    records.push(...event.SubscribeToShardEvent.Records);
    if (records.length >= count) break;
  }
  return records;
}

test("put and get", async () => {
  const StreamName = await makeStream();
  const first = await kinesis.send(new PutRecordCommand({ StreamName, Data: bytes("a"), PartitionKey: "clé" }));
  const Records = Array.from({ length: 500 }, (_, i) => ({ Data: bytes(String(i)), PartitionKey: `k${i}` }));
  const answer = await kinesis.send(new PutRecordsCommand({ StreamName, Records }));
  assert.equal(answer.FailedRecordCount, 0);
  assert.equal(answer.Records.length, 500);
  const found = await read(StreamName);
  assert.deepEqual(found.map((record) => text(record.Data)), ["a", ...Records.map((record) => text(record.Data))]);
  assert.equal(found[0].SequenceNumber, first.SequenceNumber);
  assert.equal(found[0].PartitionKey, "clé");
  assert.ok(found[0].ApproximateArrivalTimestamp instanceof Date);
  await kinesis.send(new DeleteStreamCommand({ StreamName }));
});

test("a large record", async () => {
  const StreamName = await makeStream();
  const Data = new Uint8Array(1024 * 1024 - 1).fill(7);
  await kinesis.send(new PutRecordCommand({ StreamName, Data, PartitionKey: "k" }));
  assert.deepEqual((await read(StreamName))[0].Data, Data);
});

test("records are pushed over HTTP/2", async () => {
  const StreamName = await makeStream();
  const consumer = await makeConsumer(StreamName);
  await kinesis.send(new PutRecordCommand({ StreamName, Data: bytes("before"), PartitionKey: "k" }));
  const events = await subscribe(consumer);
  setTimeout(() => kinesis.send(new PutRecordCommand({ StreamName, Data: bytes("after"), PartitionKey: "k" })), 200);
  assert.deepEqual((await collect(events, 2)).map((record) => text(record.Data)), ["before", "after"]);
  await kinesis.send(new DeregisterStreamConsumerCommand({ ConsumerARN: consumer }));
});

test("a second subscription is refused", async () => {
  const StreamName = await makeStream();
  const consumer = await makeConsumer(StreamName);
  const events = await subscribe(consumer);
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await assert.rejects(subscribe(consumer), { name: "ResourceInUseException" });
  await iterator.return();
});

test("shard end names the children", async () => {
  const StreamName = await makeStream();
  const consumer = await makeConsumer(StreamName);
  await kinesis.send(new PutRecordCommand({ StreamName, Data: bytes("x"), PartitionKey: "k" }));
  const NewStartingHashKey = String(2n ** 127n);
  await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: SHARD, NewStartingHashKey }));
  await waitUntilStreamExists({ client: kinesis, maxWaitTime: 10, minDelay: 1 }, { StreamName });
  let last;
  for await (const event of await subscribe(consumer)) last = event.SubscribeToShardEvent;
  assert.deepEqual(last.ChildShards.map((child) => child.ShardId).sort(), [
    "shardId-000000000001",
    "shardId-000000000002",
  ]);
  const pair = { ShardToMerge: "shardId-000000000001", AdjacentShardToMerge: "shardId-000000000002" };
  await kinesis.send(new MergeShardsCommand({ StreamName, ...pair }));
  assert.equal((await kinesis.send(new ListShardsCommand({ StreamName }))).Shards.length, 4);
});

test("errors have their types and texts", async () => {
  await assert.rejects(kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "nowhere" })), {
    name: "ResourceNotFoundException",
    message: "Stream nowhere under account 000000000000 not found.",
  });
  await assert.rejects(kinesis.send(new GetRecordsCommand({ ShardIterator: "AAAA" })), {
    name: "InvalidArgumentException",
    message: "Invalid ShardIterator.",
  });
  const StreamName = await makeStream();
  const empty = new PutRecordCommand({ StreamName, Data: bytes("x"), PartitionKey: "" });
  await assert.rejects(kinesis.send(empty), { name: "ValidationException" });
  const wrong = connect({ credentials: { ...credentials, secretAccessKey: "wrong" } });
  await assert.rejects(wrong.send(new ListStreamsCommand({})), { name: "InvalidSignatureException" });
  wrong.destroy();
});

test("many calls at once on one connection", async () => {
  const client = connect({ requestHandler: { disableConcurrentStreams: false } });
  const StreamName = await makeStream(2, client);
  const puts = Array.from({ length: 200 }, (_, i) =>
    client.send(new PutRecordCommand({ StreamName, Data: bytes(String(i)), PartitionKey: String(i) })),
  );
  await Promise.all(puts);
  const found = [...(await read(StreamName)), ...(await read(StreamName, "shardId-000000000001"))];
  assert.equal(new Set(found.map((record) => text(record.Data))).size, 200);
  client.destroy();
});

test("records survive kill -9", async () => {
  const StreamName = await makeStream();
  await kinesis.send(new PutRecordCommand({ StreamName, Data: bytes("kept"), PartitionKey: "k" }));
  await server.kill();
  await server.restart();
  const again = connect();
  assert.deepEqual((await read(StreamName, SHARD, again)).map((record) => text(record.Data)), ["kept"]);
  again.destroy();
});
