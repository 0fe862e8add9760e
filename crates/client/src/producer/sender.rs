//! The task that stores what the buffer holds.

use std::sync::Arc;

use api::kinesis::{
    KinesisError, PutRecordsInput, PutRecordsOutput, PutRecordsRequestEntryList, PutRecordsResultEntry,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::Core;
use super::buffer::{Failure, Sent, Step};
use super::error::is_passing;
use super::receipt::Placed;
use super::shard_map::ShardMap;
use crate::failure::{Retry, is_throttle};
use crate::retry;

type Results = Vec<(Sent, Result<Placed, Failure>)>;

/// Runs until the producer is closed and everything that it has accepted is resolved.
pub(super) async fn run(core: Arc<Core>) {
    let mut requests: JoinSet<Results> = JoinSet::new();
    let mut refreshes_failed = 0;
    loop {
        let step = core.buffer().step(Instant::now(), requests.len());
        match step {
            Step::Send(batch) => {
                requests.spawn(request(Arc::clone(&core), batch));
            }
            Step::Refresh => {
                core.counters.shard_map_refreshes.add(1);
                match ShardMap::fetch(&*core.kinesis, &core.caller, &core.stream).await {
                    Ok(map) => {
                        core.buffer().reroute(map);
                        refreshes_failed = 0;
                    }
                    Err(_) => {
                        // What waits meanwhile is given up when its time has passed.
                        refreshes_failed += 1;
                        sleep(retry::delay(Retry::Transient, refreshes_failed)).await;
                    }
                }
            }
            Step::Wait(until) => {
                let due = async {
                    match until {
                        Some(until) => sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = core.news.notified() => {}
                    () = due => {}
                    Some(results) = requests.join_next() => {
                        let results = results.expect("a request neither panics nor is aborted");
                        core.buffer().settle(results, Instant::now());
                    }
                }
            }
            Step::Done => return,
        }
    }
}

async fn request(core: Arc<Core>, mut batch: Vec<Sent>) -> Results {
    core.counters.requests.add(1);
    let mut records = PutRecordsRequestEntryList::new();
    batch.iter_mut().for_each(|sent| sent.parcel.pack(&mut records));
    let input = PutRecordsInput { records, stream_name: Some(core.stream.clone()), ..Default::default() };
    let answer = core.kinesis.put_records(&core.caller, input).await;
    let results: Vec<_> = match answer {
        Ok(PutRecordsOutput { records, .. }) if records.len() == batch.len() => records.iter().map(of_record).collect(),
        Ok(PutRecordsOutput { records, .. }) => {
            let text = format!("{} results for {} records", records.len(), batch.len());
            batch.iter().map(|_| Err(Failure::Passing { kind: Retry::Transient, text: text.clone() })).collect()
        }
        Err(error) => batch.iter().map(|_| Err(of_request(&error))).collect(),
    };
    batch.into_iter().zip(results).collect()
}

fn of_record(entry: PutRecordsResultEntry<'_>) -> Result<Placed, Failure> {
    match (entry.sequence_number, entry.shard_id) {
        (Some(sequence_number), Some(shard_id)) => {
            Ok(Placed { shard_id: shard_id.into(), sequence_number: sequence_number.into(), sub_sequence_number: 0 })
        }
        _ => {
            let code = entry.error_code.unwrap_or_default();
            let kind = if is_throttle(code) { Retry::Throttled } else { Retry::Transient };
            Err(Failure::Passing { kind, text: format!("{code}: {}", entry.error_message.unwrap_or_default()) })
        }
    }
}

fn of_request(error: &KinesisError) -> Failure {
    if !is_passing(error) {
        return Failure::Lasting(error.clone());
    }
    let kind = if is_throttle(api::ModeledError::code(error)) { Retry::Throttled } else { Retry::Transient };
    Failure::Passing { kind, text: error.to_string() }
}
