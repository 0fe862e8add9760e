//! A writer: puts requests of 1 to 20 records, one after the other, and notes what is acknowledged.

use base::{ByteString, Bytes};
use testkit::history::Attempt;

use super::{Recorder, Worker};
use crate::client::{Answer, Client};
use crate::random::Random;

const RECORDS_MAX: u64 = 20;
const KEYS: u64 = 997;
/// Length of most records at most.
const SMALL_BYTES_MAX: u64 = 64;

pub(super) async fn run(mut worker: Worker) {
    while !worker.is_stopped() {
        // What an error left open is noted; the next request is sent all the same.
        let _ = put(&worker.client, &worker.recorder, worker.plan.record_bytes_max, &mut worker.random).await;
        worker.pause().await;
    }
}

/// Sends one request of 1 to 20 records; how many were acknowledged.
pub(crate) async fn put(
    client: &Client,
    recorder: &Recorder,
    record_bytes_max: usize,
    random: &mut Random,
) -> Answer<usize> {
    let count = random.between(1, RECORDS_MAX);
    let first = recorder.numbers(count);
    let records = (first..first + count).map(|number| record(number, record_bytes_max, random)).collect();
    recorder.put(client, records).await
}

impl Recorder {
    /// Puts records that differ from all others; how many were acknowledged. Each can be refused by itself.
    pub(crate) async fn put(&self, client: &Client, records: Vec<(ByteString, Bytes)>) -> Answer<usize> {
        let attempts: Vec<Attempt> = {
            let history = &mut self.lock().history;
            records.iter().map(|(key, data)| history.invoke(key.clone(), data.clone())).collect()
        };
        // An error leaves the outcome of all records open.
        let numbers = client.put(&records).await?;
        let history = &mut self.lock().history;
        let mut acknowledged = 0;
        for (attempt, sequence) in attempts.into_iter().zip(numbers) {
            if let Some(sequence) = sequence {
                history.acknowledge(attempt, sequence);
                acknowledged += 1;
            }
        }
        Ok(acknowledged)
    }
}

fn record(number: u64, bytes_max: usize, random: &mut Random) -> (ByteString, Bytes) {
    let large = random.chance(6) && bytes_max as u64 > SMALL_BYTES_MAX;
    let bytes = if large { random.between(SMALL_BYTES_MAX, bytes_max as u64) } else { random.below(SMALL_BYTES_MAX) };
    record_of(number, usize::try_from(bytes).expect("records are small"))
}

/// A record that no other record equals: its number, and about so many bytes that follow from it.
pub(crate) fn record_of(number: u64, bytes: usize) -> (ByteString, Bytes) {
    let mut data = format!("record-{number}-").into_bytes();
    let mut fill = Random::new(number);
    while data.len() < bytes {
        data.extend_from_slice(&fill.next().to_le_bytes());
    }
    (format!("key-{}", number % KEYS).into(), data.into())
}
