//! A writer: puts requests of 1 to 20 records, one after the other, and notes what is acknowledged.

use base::{ByteString, Bytes};
use testkit::history::Attempt;

use super::{Plan, Recorder, Worker};
use crate::client::Client;
use crate::random::Random;

const RECORDS_MAX: u64 = 20;
const KEYS: u64 = 997;
/// Length of most records at most.
const SMALL_BYTES_MAX: u64 = 64;

pub(super) async fn run(mut worker: Worker) {
    while !worker.is_stopped() {
        put(&worker.client, &worker.recorder, &worker.plan, &mut worker.random).await;
        worker.pause().await;
    }
}

/// Sends one request; how many of its records were acknowledged.
pub(super) async fn put(client: &Client, recorder: &Recorder, plan: &Plan, random: &mut Random) -> usize {
    let count = random.between(1, RECORDS_MAX);
    let first = recorder.numbers(count);
    let records: Vec<(ByteString, Bytes)> =
        (first..first + count).map(|number| record(number, plan.record_bytes_max, random)).collect();
    let attempts: Vec<Attempt> = {
        let history = &mut recorder.lock().history;
        records.iter().map(|(key, data)| history.invoke(key.clone(), data.clone())).collect()
    };
    // An error leaves the outcome of all records open.
    let Ok(numbers) = client.put(&records).await else { return 0 };
    let history = &mut recorder.lock().history;
    let mut acknowledged = 0;
    for (attempt, sequence) in attempts.into_iter().zip(numbers) {
        if let Some(sequence) = sequence {
            history.acknowledge(attempt, sequence);
            acknowledged += 1;
        }
    }
    acknowledged
}

/// A record that no other record equals: its number, and bytes that follow from it.
fn record(number: u64, bytes_max: usize, random: &mut Random) -> (ByteString, Bytes) {
    let large = random.chance(6) && bytes_max as u64 > SMALL_BYTES_MAX;
    let bytes = if large { random.between(SMALL_BYTES_MAX, bytes_max as u64) } else { random.below(SMALL_BYTES_MAX) };
    let mut data = format!("record-{number}-").into_bytes();
    let mut fill = Random::new(number);
    while data.len() < usize::try_from(bytes).expect("records are small") {
        data.extend_from_slice(&fill.next().to_le_bytes());
    }
    (format!("key-{}", number % KEYS).into(), data.into())
}
