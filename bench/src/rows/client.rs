//! How many user records a second this project's own producer puts and its consumer reads, in one process on the machine
//! that the server runs on too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::ids::Region;
use base::{ByteString, Bytes};
use client::consumer::{Batch, Checkpointer, InitialPosition, RecordProcessor};
use client::producer::{PutError, Receipt, UserRecord};
use client::{Consumer, Credentials, DynamoDbClient, Endpoint, KinesisClient, Producer};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::Options;
use crate::process::CpuTime;
use crate::report::Figures;
use crate::server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Server};

use super::{grouped, median};

const STREAM: &str = "bench";
const SHARDS: u32 = 4;
const RECORDS: u64 = 5_000_000;
const RECORD_BYTES: usize = 100;
const KEYS: u64 = 10_000;
/// Receipts that are waited for together.
const WINDOW: usize = 100_000;
/// What reading all records may take.
const READ_TIME_MAX: Duration = Duration::from_secs(120);

pub(super) fn producer(options: &Options) -> Result<Figures, String> {
    figures(options, async || Ok(Loaded::load(options).await?.stored))
}

pub(super) fn consumer(options: &Options) -> Result<Figures, String> {
    figures(options, async || Loaded::load(options).await?.read().await)
}

/// One direction of one run.
struct Part {
    took: Duration,
    /// CPU time of the server meanwhile, user and system.
    server: Duration,
}

impl Part {
    fn rate(&self) -> f64 {
        RECORDS as f64 / self.took.as_secs_f64()
    }
}

fn figures(options: &Options, run: impl AsyncFn() -> Result<Part, String>) -> Result<Figures, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("runtime: {error}"))?;
    let mut parts = Vec::new();
    for _ in 0..options.runs {
        let part = runtime.block_on(run())?;
        println!("  {} a second", grouped(part.rate()));
        parts.push(part);
    }
    let middle = median(parts, Part::rate)?;
    Ok(Figures {
        value: grouped(middle.rate()),
        number: middle.rate(),
        floor: String::new(),
        details: format!(
            "{} user records, {} per server CPU-second",
            grouped(RECORDS as f64),
            grouped(RECORDS as f64 / middle.server.as_secs_f64())
        ),
    })
}

/// A server that has all records.
struct Loaded {
    server: Server,
    kinesis: Arc<KinesisClient>,
    dynamodb: Arc<DynamoDbClient>,
    stored: Part,
}

impl Loaded {
    async fn load(options: &Options) -> Result<Self, String> {
        let server = Server::start(options, &[])?;
        server.api().create_stream(STREAM, SHARDS)?;
        let (kinesis, dynamodb) = clients(&server)?;
        let producer = Producer::builder(kinesis.clone(), STREAM).start().await.map_err(text)?;
        let (stored, ()) = timed(&server, async { put(&producer).await.map_err(text) }).await?;
        Ok(Self { server, kinesis, dynamodb, stored })
    }

    async fn read(self) -> Result<Part, String> {
        let Self { server, kinesis, dynamodb, .. } = self;
        let counted = Arc::new(Counted::default());
        let reading = timed(&server, async {
            let counting = Arc::clone(&counted);
            let consumer = Consumer::builder(kinesis, dynamodb, "bench", STREAM)
                .initial_position(InitialPosition::TrimHorizon)
                .start(move |_| Counting(Arc::clone(&counting)))
                .await
                .map_err(text)?;
            timeout(READ_TIME_MAX, counted.all.notified()).await.map_err(|_| "not all records were read".to_owned())?;
            Ok(consumer)
        });
        let (read, consumer) = reading.await?;
        consumer.stop().await;
        Ok(read)
    }
}

async fn timed<T>(server: &Server, work: impl Future<Output = Result<T, String>>) -> Result<(Part, T), String> {
    let (cpu, started) = (CpuTime::of(server.pid()), Instant::now());
    let done = work.await?;
    let took = started.elapsed();
    Ok((Part { took, server: CpuTime::of(server.pid()).since(cpu).used }, done))
}

fn clients(server: &Server) -> Result<(Arc<KinesisClient>, Arc<DynamoDbClient>), String> {
    let endpoint: Endpoint = format!("http://{}", server.address()).parse().map_err(text)?;
    let region = Region::new("us-east-1").map_err(text)?;
    let credentials = Credentials {
        access_key_id: ACCESS_KEY_ID.to_owned(),
        secret_access_key: SECRET_ACCESS_KEY.to_owned(),
        session_token: None,
    };
    let kinesis = KinesisClient::builder(endpoint.clone(), region.clone(), credentials.clone()).cbor().build();
    let dynamodb = DynamoDbClient::builder(endpoint, region, credentials).build();
    Ok((Arc::new(kinesis.map_err(text)?), Arc::new(dynamodb.map_err(text)?)))
}

/// Puts all records; each window is acknowledged before the one after the next begins.
async fn put(producer: &Producer) -> Result<(), PutError> {
    let data = Bytes::from(vec![b'x'; RECORD_BYTES]);
    let keys: Vec<_> = (0..KEYS).map(|key| ByteString::from(format!("key-{key}"))).collect();
    let (mut before, mut window): (Vec<Receipt>, Vec<Receipt>) = (Vec::new(), Vec::with_capacity(WINDOW));
    for number in 0..RECORDS {
        let partition_key = keys[(number % KEYS) as usize].clone();
        window.push(producer.send(UserRecord { partition_key, explicit_hash_key: None, data: data.clone() }).await?);
        if window.len() == WINDOW {
            for receipt in before.drain(..) {
                receipt.await?;
            }
            std::mem::swap(&mut before, &mut window);
        }
    }
    producer.flush().await;
    for receipt in before.into_iter().chain(window) {
        receipt.await?;
    }
    Ok(())
}

#[derive(Default)]
struct Counted {
    records: AtomicU64,
    all: Notify,
}

struct Counting(Arc<Counted>);

impl RecordProcessor for Counting {
    async fn process(&mut self, batch: Batch, _: &Checkpointer) {
        let records = batch.records.len() as u64;
        if self.0.records.fetch_add(records, Ordering::Relaxed) + records >= RECORDS {
            self.0.all.notify_one();
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
