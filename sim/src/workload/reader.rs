//! Reads shards from all kinds of places, for a while.

use api::kinesis::*;
use base::ByteString;
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use base::time::{Clock as _, Timestamp};

use super::{Program, named, seen};
use crate::ledger::{Ledger, Run, Start};
use crate::random::Random;
use crate::world::caller;

pub(super) async fn run(mut program: Program) {
    while program.world.may_ask() {
        let stream = program.stream();
        let shards = program.shards(stream).await;
        let Ok(shards) = program.noted(&format!("shards of {stream}"), shards) else {
            program.pause().await;
            continue;
        };
        for _ in 0..program.random.range(1..=4) {
            let shard = program.random.pick(&shards).shard_id.clone();
            read_some(&mut program, stream, &shard).await;
        }
    }
}

/// Reads a part of a shard and enters it into the ledger.
async fn read_some(program: &mut Program, stream: &'static str, shard: &ByteString) {
    let index: ShardIndex = shard.parse().expect("shards have ids");
    let now = program.world.clock.now();
    let (start, begun) = {
        let random = &mut program.random;
        program.world.ledger(stream, |ledger| (draw_start(random, ledger, index, now), ledger.tick()))
    };
    let Ok(iterator) = iterator(program, stream, shard, start).await else { return };
    let placed = program.world.ledger(stream, Ledger::tick);
    let mut run = Run { shard: index, start, begun, placed, records: Vec::new(), at_end: None };
    follow(program, stream, &mut run, iterator).await;
    program.world.ledger(stream, |ledger| ledger.runs.push(run));
}

/// A place to begin at in a shard.
pub(super) fn draw_start(random: &mut Random, ledger: &Ledger, shard: ShardIndex, now: Timestamp) -> Start {
    let kind = random.below(5);
    if kind < 2 {
        let of_shard = |sequence: &SequenceNumber| sequence.shard == shard;
        let known: Vec<SequenceNumber> =
            ledger.puts.iter().filter_map(|put| put.acknowledged.map(|(at, _)| at)).filter(of_shard).collect();
        if !known.is_empty() {
            let sequence = *random.pick(&known);
            return if kind == 0 { Start::At(sequence) } else { Start::After(sequence) };
        }
    }
    match kind {
        2 => Start::Latest,
        3 => Start::AtTimestamp(now.minus(random.millis(0..=20_000))),
        _ => Start::TrimHorizon,
    }
}

async fn iterator(
    program: &Program,
    stream: &'static str,
    shard: &ByteString,
    start: Start,
) -> Result<ByteString, KinesisError> {
    let (shard_iterator_type, starting_sequence_number, timestamp) = position(start);
    let input = GetShardIteratorInput {
        stream_name: named(stream),
        shard_id: shard.clone(),
        shard_iterator_type,
        starting_sequence_number,
        timestamp,
        ..GetShardIteratorInput::default()
    };
    let answer = program.client.get_shard_iterator(&caller(), input).await;
    let output = program.noted(&format!("iterator of {stream} {shard} {}", describe(start)), answer)?;
    Ok(output.shard_iterator.expect("an iterator"))
}

async fn follow(program: &mut Program, stream: &'static str, run: &mut Run, mut iterator: ByteString) {
    for _ in 0..program.random.range(1..=6) {
        if !program.world.may_ask() {
            return;
        }
        let limit = *program.random.pick(&[1, 3, 10, 10_000]);
        let asked = program.world.ledger(stream, Ledger::tick);
        let input = GetRecordsInput { shard_iterator: iterator, limit: Some(limit), ..GetRecordsInput::default() };
        let answer = program.client.get_records(&caller(), input).await;
        let shard = run.shard;
        let Ok(output) = program.noted(&format!("records of {stream} {shard}"), answer) else { return };
        run.records.extend(output.records.into_iter().map(seen));
        let last = run.records.last().map(|record| record.sequence.index);
        program.note(format_args!("{} records of {stream} {shard}, to {last:?}", run.records.len()));
        run.at_end = (output.millis_behind_latest == Some(0)).then_some(asked);
        let Some(next) = output.next_shard_iterator else { return };
        iterator = next;
        program.pause().await;
    }
}

/// The members of requests that name a place.
pub(super) fn position(start: Start) -> (ShardIteratorType, Option<ByteString>, Option<Timestamp>) {
    match start {
        Start::TrimHorizon => (ShardIteratorType::TrimHorizon, None, None),
        Start::Latest => (ShardIteratorType::Latest, None, None),
        Start::At(at) => (ShardIteratorType::AtSequenceNumber, Some(at.to_string().into()), None),
        Start::After(at) => (ShardIteratorType::AfterSequenceNumber, Some(at.to_string().into()), None),
        Start::AtTimestamp(at) => (ShardIteratorType::AtTimestamp, None, Some(at)),
    }
}

/// A place in few words.
pub(super) fn describe(start: Start) -> String {
    match start {
        Start::TrimHorizon => "from the beginning".to_owned(),
        Start::Latest => "from the end".to_owned(),
        Start::At(at) => format!("from {}", at.index),
        Start::After(at) => format!("after {}", at.index),
        Start::AtTimestamp(at) => format!("from time {at}"),
    }
}
