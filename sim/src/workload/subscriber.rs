//! Follows shards by SubscribeToShard.

use std::time::Duration;

use api::kinesis::*;
use base::ByteString;
use base::ids::ShardIndex;
use base::time::Clock as _;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::reader::{describe, draw_start, position};
use super::{Program, named, seen};
use crate::ledger::{Ledger, Run};
use crate::world::caller;

/// How long one subscription is followed at most.
const FOLLOWED: u64 = 12_000;

pub(super) async fn run(mut program: Program) {
    while program.world.may_ask() {
        let stream = program.stream();
        if follow_one(&mut program, stream).await.is_err() {
            program.pause().await;
        }
    }
}

/// Subscribes to one shard and enters what comes into the ledger.
async fn follow_one(program: &mut Program, stream: &'static str) -> Result<(), KinesisError> {
    let shards = program.noted(&format!("shards of {stream}"), program.shards(stream).await)?;
    let arn = consumer(program, stream).await?;
    let shard = program.random.pick(&shards).shard_id.clone();
    let index: ShardIndex = shard.parse().expect("shards have ids");
    let now = program.world.clock.now();
    let (start, begun) = {
        let random = &mut program.random;
        program.world.ledger(stream, |ledger| (draw_start(random, ledger, index, now), ledger.tick()))
    };
    let (r#type, sequence_number, timestamp) = position(start);
    let input = SubscribeToShardInput {
        consumer_arn: arn,
        shard_id: shard.clone(),
        starting_position: StartingPosition { r#type, sequence_number, timestamp },
        ..SubscribeToShardInput::default()
    };
    let answer = program.client.subscribe_to_shard(&caller(), input).await;
    let what = format!("subscription to {stream} {shard} {}", describe(start));
    let events = program.noted(&what, answer)?;
    let placed = program.world.ledger(stream, Ledger::tick);
    let mut run = Run { shard: index, start, begun, placed, records: Vec::new(), at_end: None };
    let patience = program.random.millis(100..=FOLLOWED);
    // Time passing ends the subscription from this side.
    let _ = timeout(patience, receive(program, stream, &mut run, events)).await;
    // What was said to be the end may have been sent before the request for more; no promise follows from it.
    run.at_end = None;
    program.world.ledger(stream, |ledger| ledger.runs.push(run));
    Ok(())
}

async fn receive(
    program: &Program,
    stream: &'static str,
    run: &mut Run,
    mut events: api::EventStream<SubscribeToShardEvent, KinesisError>,
) {
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                run.records.extend(event.records.into_iter().map(seen));
                let last = run.records.last().map(|record| record.sequence.index);
                program.note(format_args!("event of {stream} {}: to {last:?}", run.shard));
            }
            Err(error) => {
                return program.note(format_args!("subscription to {stream} {}: {}", run.shard, super::text(&error)));
            }
        }
    }
    program.note(format_args!("subscription to {stream} {} has ended", run.shard));
}

/// The ARN of this program's consumer, registered if need be and active.
async fn consumer(program: &Program, stream: &'static str) -> Result<ByteString, KinesisError> {
    let input = DescribeStreamSummaryInput { stream_name: named(stream), ..DescribeStreamSummaryInput::default() };
    let summary = program.client.describe_stream_summary(&caller(), input).await;
    let summary = program.noted(&format!("describe {stream}"), summary)?;
    let stream_arn = summary.stream_description_summary.stream_arn;
    let input = RegisterStreamConsumerInput {
        stream_arn: stream_arn.clone(),
        consumer_name: program.name.clone().into(),
        ..RegisterStreamConsumerInput::default()
    };
    let registered = program.client.register_stream_consumer(&caller(), input).await;
    match program.noted(&format!("register with {stream}"), registered) {
        Ok(_) | Err(KinesisError::ResourceInUseException(_)) => {}
        Err(error) => return Err(error),
    }
    loop {
        let input = DescribeStreamConsumerInput {
            stream_arn: Some(stream_arn.clone()),
            consumer_name: Some(program.name.clone().into()),
            ..DescribeStreamConsumerInput::default()
        };
        let answer = program.client.describe_stream_consumer(&caller(), input).await?.consumer_description;
        if answer.consumer_status == ConsumerStatus::Active || !program.world.may_ask() {
            return Ok(answer.consumer_arn);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
