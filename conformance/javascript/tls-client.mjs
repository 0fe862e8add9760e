// Puts a record and has it pushed back, over the endpoint given as argument.

import * as sdk from "@aws-sdk/client-kinesis";
import { credentials, region } from "./server.mjs";

const kinesis = new sdk.KinesisClient({ endpoint: process.argv[2], region, credentials, maxAttempts: 1 });
const StreamName = "tls";
await kinesis.send(new sdk.CreateStreamCommand({ StreamName, ShardCount: 1 }));
await sdk.waitUntilStreamExists({ client: kinesis, maxWaitTime: 10, minDelay: 1 }, { StreamName });
const summary = await kinesis.send(new sdk.DescribeStreamSummaryCommand({ StreamName }));
const StreamARN = summary.StreamDescriptionSummary.StreamARN;
const made = await kinesis.send(new sdk.RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "reader" }));
const { ConsumerARN } = made.Consumer;
for (;;) {
  const found = await kinesis.send(new sdk.DescribeStreamConsumerCommand({ ConsumerARN }));
  if (found.ConsumerDescription.ConsumerStatus === "ACTIVE") break;
}
await kinesis.send(
  new sdk.PutRecordCommand({ StreamName, Data: new TextEncoder().encode("over tls"), PartitionKey: "k" }),
);
const answer = await kinesis.send(
  new sdk.SubscribeToShardCommand({
    ConsumerARN,
    ShardId: "shardId-000000000000",
    StartingPosition: { Type: "TRIM_HORIZON" },
  }),
);
for await (const event of answer.EventStream) {
  const [record] = event.SubscribeToShardEvent.Records;
  if (record) {
    console.log(new TextDecoder().decode(record.Data));
    break;
  }
}
process.exit(0);
