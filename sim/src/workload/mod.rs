//! The programs that use the server: writers, readers, subscribers, administrators.

pub mod admin;
mod reader;
mod subscriber;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::*;
use api::service::ModeledError as _;
use base::ByteString;
use client::KinesisClient;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::ledger::Seen;
use crate::plan::{CHURNED, LASTING};
use crate::random::Random;
use crate::world::{World, caller, sequence};

/// One program on one of the client machines.
pub struct Program {
    world: Arc<World>,
    name: String,
    random: Random,
    client: KinesisClient,
}

impl Program {
    fn new(world: &Arc<World>, name: String) -> Self {
        Self::with_timeout(world, name, world.plan.attempt_timeout)
    }

    /// A program that changes streams. It waits longer than the network can hold a request back, so that no request
    /// that it has given up is carried out after those that follow.
    fn administrator(world: &Arc<World>, name: &str) -> Self {
        Self::with_timeout(world, name.to_owned(), Duration::from_secs(120))
    }

    fn with_timeout(world: &Arc<World>, name: String, attempt_timeout: Duration) -> Self {
        let mut random = world.random.fork(&name);
        let machine = random.index(world.plan.clients);
        Self { client: world.client(machine, attempt_timeout), world: Arc::clone(world), name, random }
    }

    async fn pause(&mut self) {
        let millis = self.random.millis(0..=self.world.plan.pause_millis_max);
        if !millis.is_zero() {
            sleep(millis).await;
        }
    }

    /// The stream of the next request.
    fn stream(&mut self) -> &'static str {
        if self.world.plan.is_churned && self.random.percent(40) { CHURNED } else { LASTING }
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        self.world.note(&self.name, what);
    }

    /// Notes how a request ended; hands on what it gave.
    fn noted<T>(&self, what: &str, result: Result<T, KinesisError>) -> Result<T, KinesisError> {
        match &result {
            Ok(_) => self.note(format_args!("{what}: ok")),
            Err(error) => self.note(format_args!("{what}: {}", text(error))),
        }
        result
    }

    /// All shards of a stream.
    async fn shards(&self, stream: &'static str) -> Result<Vec<Shard>, KinesisError> {
        list_shards(&self.client, stream).await
    }
}

/// Starts all programs of the plan; they end with the workload.
pub fn start(world: &Arc<World>) -> JoinSet<()> {
    let mut programs = JoinSet::new();
    for i in 0..world.plan.writers {
        programs.spawn(writer::run(Program::new(world, format!("writer{i}"))));
    }
    for i in 0..world.plan.readers {
        programs.spawn(reader::run(Program::new(world, format!("reader{i}"))));
    }
    for i in 0..world.plan.subscribers {
        programs.spawn(subscriber::run(Program::new(world, format!("sub{i}"))));
    }
    if world.plan.is_administered {
        programs.spawn(admin::reshape(Program::administrator(world, "admin"), LASTING));
    }
    if world.plan.is_churned {
        programs.spawn(admin::churn(Program::administrator(world, "churn"), CHURNED));
    }
    programs
}

/// Creates the stream that lasts, however often it takes.
pub async fn create_lasting(world: &Arc<World>) {
    admin::create(&mut Program::administrator(world, "setup"), LASTING).await;
}

/// Waits until nothing about the stream is changing.
pub async fn settle(world: &Arc<World>, stream: &'static str) {
    admin::settle(&Program::administrator(world, "settle"), stream).await;
}

/// All shards of a stream, page after page.
///
/// # Errors
/// Of the first page that fails.
pub async fn list_shards(client: &KinesisClient, stream: &'static str) -> Result<Vec<Shard>, KinesisError> {
    let mut shards = Vec::new();
    let mut input = ListShardsInput { stream_name: Some(stream.into()), ..ListShardsInput::default() };
    loop {
        let page = client.list_shards(&caller(), input).await?;
        shards.extend(page.shards.unwrap_or_default());
        match page.next_token {
            None => return Ok(shards),
            Some(token) => input = ListShardsInput { next_token: Some(token), ..ListShardsInput::default() },
        }
    }
}

/// The record as the checker wants it.
#[must_use]
pub fn seen(record: Record) -> Seen {
    Seen {
        sequence: sequence(&record.sequence_number),
        arrival: record.approximate_arrival_timestamp.expect("every record has a time of arrival"),
        partition_key: record.partition_key.to_string(),
        data: record.data,
    }
}

/// The name of an error, with its text where the name says little.
#[must_use]
pub fn text(error: &KinesisError) -> String {
    match error {
        KinesisError::InternalFailureException(_) => error.to_string(),
        _ => error.code().to_owned(),
    }
}

fn named(stream: &'static str) -> Option<ByteString> {
    Some(ByteString::from_static(stream))
}
