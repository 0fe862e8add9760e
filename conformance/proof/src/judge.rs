//! Reads everything back and compares it with what was recorded.

use api::kinesis::KinesisError;
use testkit::history::{Mark, ReadRecord, ShardDescription, Summary};

use crate::client::{Answer, Client, Start};
use crate::device::{Blocks, Mounted};
use crate::load::Record;
use crate::random::Random;
use crate::server::{Server, Settings, panicked};

/// Violations that a report shows.
const SHOWN_MAX: usize = 12;

/// The state of a stream.
#[derive(Clone)]
pub(crate) struct State {
    pub shards: Vec<ShardDescription>,
    /// Every shard of the list from TRIM_HORIZON to its end, in the same order.
    pub reads: Vec<Vec<ReadRecord>>,
    pub retention: i32,
}

impl State {
    /// Reads the whole stream; `None` when it does not exist.
    pub(crate) async fn read(client: &Client) -> Answer<Option<Self>> {
        let retention = match client.summary().await {
            Err(KinesisError::ResourceNotFoundException(_)) => return Ok(None),
            summary => summary?.retention_period_hours,
        };
        let shards = client.shards().await?;
        let mut reads = Vec::with_capacity(shards.len());
        for shard in &shards {
            reads.push(client.read(shard.shard, Start::Horizon).await?);
        }
        Ok(Some(Self { shards, reads, retention }))
    }

    /// Whether this state is right for a record, everything that was promised until `mark` included.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(self, record: &mut Record, mark: Mark) -> Result<Summary, String> {
        for (shard, reads) in self.shards.iter().zip(self.reads) {
            record.history.read(shard.shard, reads);
        }
        record.history.list(self.shards);
        let possible = record.retention.possible(mark);
        if !possible.contains(&self.retention) {
            return Err(format!("the retention is {} hours, not one of {possible:?}", self.retention));
        }
        record.history.check_until(mark).map_err(|violations| {
            let shown: Vec<String> = violations.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
            format!("{} violations, among them\n  {}", violations.len(), shown.join("\n  "))
        })
    }
}

/// Reads everything back from a server that nobody writes to and compares it with the record. What was promised until
/// `mark` must be there, and what was begun must come to its end.
///
/// # Errors
/// What is wrong, or which request failed.
pub(crate) async fn judge(
    client: &Client,
    record: &mut Record,
    mark: Mark,
    random: &mut Random,
) -> Result<Summary, String> {
    match client.wait_active().await {
        Ok(()) | Err(KinesisError::ResourceNotFoundException(_)) => {}
        Err(error) => return Err(error.to_string()),
    }
    judge_now(client, record, mark, random).await
}

/// The same for a server that cannot finish what it has begun, because its log has failed.
///
/// # Errors
/// What is wrong, or which request failed.
pub(crate) async fn judge_now(
    client: &Client,
    record: &mut Record,
    mark: Mark,
    random: &mut Random,
) -> Result<Summary, String> {
    let state = State::read(client).await.map_err(|error| format!("reading back: {error}"))?;
    let possible = record.created.possible(mark);
    if !possible.contains(&state.is_some()) {
        return Err("the stream was created and is gone".to_owned());
    }
    let Some(state) = state else { return Ok(Summary::default()) };
    check_starts(client, &state, random).await?;
    state.check(record, mark)
}

/// Starts the server on the image of a device and compares what it serves with the record.
///
/// # Errors
/// What is wrong.
pub(crate) async fn judge_image(
    image: Blocks,
    durability: &'static str,
    record: &mut Record,
    mark: Mark,
    random: &mut Random,
) -> Result<Summary, String> {
    let mounted = Mounted::open(image).await?;
    let mut settings = Settings::new(mounted.path().join("data"));
    settings.durability = durability;
    let server = Server::start(&settings).await.map_err(|error| error.to_string())?;
    let judged = judge(&Client::connect(&server), record, mark, random).await;
    let said = server.kill().await;
    mounted.close().await;
    if panicked(&said) {
        return Err(format!("the server panicked:\n{said}"));
    }
    judged.map_err(|message| format!("{message}\nThe server said:\n{said}"))
}

/// Reads from places in the middle of each shard, by number and by time: what comes must be the rest of the shard.
///
/// # Errors
/// What is wrong, or which request failed.
pub(crate) async fn check_starts(client: &Client, state: &State, random: &mut Random) -> Result<(), String> {
    for (shard, records) in state.shards.iter().zip(&state.reads) {
        if records.is_empty() {
            continue;
        }
        let at = random.index(records.len());
        let number = records[at].sequence;
        let found = client.read(shard.shard, Start::After(number)).await.map_err(|error| error.to_string())?;
        if found != records[at + 1..] {
            return Err(format!("{}: reading after record {number} gave other records", shard.shard));
        }
        let Some(time) = records[at].arrival else { continue };
        let first = records.partition_point(|record| record.arrival.is_none_or(|arrival| arrival < time));
        let found = client.read(shard.shard, Start::Time(time)).await.map_err(|error| error.to_string())?;
        if found != records[first..] {
            return Err(format!("{}: reading from time {time} gave other records", shard.shard));
        }
    }
    Ok(())
}
