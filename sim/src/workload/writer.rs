//! Puts records that no other put carries, and remembers what it was told.

use api::kinesis::*;
use base::hash_key::HashKey;
use base::{ByteString, Bytes};

use super::{Program, named};
use crate::world::{caller, sequence};

/// Partition keys in use: few, so that shards get runs of records, enough to hit every shard.
const KEYS: u64 = 40;

pub(super) async fn run(mut program: Program) {
    let mut count = 0;
    while program.world.may_ask() {
        if program.random.percent(60) {
            put_record(&mut program, &mut count).await;
        } else {
            put_records(&mut program, &mut count).await;
        }
        program.pause().await;
    }
}

async fn put_record(program: &mut Program, count: &mut u64) {
    let stream = program.stream();
    let (put, entry) = draw(program, stream, count);
    program.note(format_args!("put {stream} #{put}, {} bytes", entry.data.len()));
    let input = PutRecordInput {
        stream_name: named(stream),
        data: entry.data,
        partition_key: entry.partition_key,
        explicit_hash_key: entry.explicit_hash_key,
        ..PutRecordInput::default()
    };
    let answer = program.client.put_record(&caller(), input).await;
    let what = format!("put {stream} #{put}");
    if let Ok(output) = program.noted(&what, answer) {
        acknowledge(program, stream, put, &output.sequence_number);
    }
}

async fn put_records(program: &mut Program, count: &mut u64) {
    let stream = program.stream();
    let len = program.random.range(1..=8);
    let mut records = PutRecordsRequestEntryList::new();
    let puts: Vec<usize> = (0..len)
        .map(|_| {
            let (put, Drawn { data, partition_key, explicit_hash_key }) = draw(program, stream, count);
            records.push(PutRecordsRequestEntry {
                data: &data,
                partition_key: &partition_key,
                explicit_hash_key: explicit_hash_key.as_deref(),
            });
            put
        })
        .collect();
    let what = format!("put {stream} #{}..={}", puts[0], puts[puts.len() - 1]);
    program.note(format_args!("{what}"));
    let input = PutRecordsInput { stream_name: named(stream), records, ..PutRecordsInput::default() };
    let answer = program.client.put_records(&caller(), input).await;
    let Ok(output) = program.noted(&what, answer) else { return };
    for (put, result) in puts.into_iter().zip(&output.records) {
        match (result.sequence_number, result.error_code) {
            (Some(number), None) => acknowledge(program, stream, put, number),
            (_, Some(code)) => program.note(format_args!("put {stream} #{put}: {code}")),
            (None, None) => panic!("a result is neither a number nor an error"),
        }
    }
}

/// A record to put.
struct Drawn {
    data: Bytes,
    partition_key: ByteString,
    explicit_hash_key: Option<ByteString>,
}

/// The next record, entered into the ledger.
fn draw(program: &mut Program, stream: &'static str, count: &mut u64) -> (usize, Drawn) {
    *count += 1;
    let mut data = format!("{}-{count} ", program.name).into_bytes();
    let bytes = program.random.range(0..=program.world.plan.payload_bytes_max);
    let bytes = usize::try_from(bytes).expect("small");
    data.resize(data.len().max(bytes), b'x');
    let data = Bytes::from(data);
    let partition_key = format!("k{}", program.random.below(KEYS));
    let hash_key = HashKey::of(&partition_key);
    // The same shard, named the other way.
    let explicit_hash_key = program.random.percent(10).then(|| hash_key.to_string().into());
    let put = program.world.ledger(stream, |ledger| ledger.invoke(partition_key.clone(), data.clone()));
    (put, Drawn { data, partition_key: partition_key.into(), explicit_hash_key })
}

fn acknowledge(program: &Program, stream: &'static str, put: usize, number: &str) {
    let sequence = sequence(number);
    program.note(format_args!("put {stream} #{put} is {} at {}", sequence.shard, sequence.index));
    program.world.ledger(stream, |ledger| ledger.acknowledge(put, sequence));
}
