//! How many user records a second one process puts and reads, on the machine that the server runs on too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::Bytes;
use client::consumer::{Batch, Checkpointer, InitialPosition, RecordProcessor};
use client::producer::{PutError, Receipt, UserRecord};
use client::{Consumer, Producer};

use super::session::{Session, wait_for};
use crate::server::Server;

const STREAM: &str = "rate";
const RECORDS: u64 = 10_000_000;
const RECORD_BYTES: usize = 100;
const KEYS: u64 = 10_000;
/// Receipts that are waited for together.
const WINDOW: usize = 100_000;

/// Counts the records that it is given.
struct Counting(Arc<AtomicU64>);

impl RecordProcessor for Counting {
    async fn process(&mut self, batch: Batch, _: &Checkpointer) {
        self.0.fetch_add(batch.records.len() as u64, Ordering::Relaxed);
    }
}

pub(crate) async fn run() -> (usize, usize) {
    match measure().await {
        Ok(()) => (1, 0),
        Err(message) => {
            println!("FAILED {message}");
            (0, 1)
        }
    }
}

async fn measure() -> Result<(), String> {
    let server = Server::start();
    let session = Session::open(&server);
    session.make_stream(STREAM, 4).await;
    let producer = Producer::builder(session.kinesis.clone(), STREAM).start().await.map_err(|e| e.to_string())?;
    let started = Instant::now();
    put(&producer).await.map_err(|error| error.to_string())?;
    show("stored", started.elapsed());
    println!("{:?}", producer.metrics());

    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let started = Instant::now();
    let consumer = Consumer::builder(session.kinesis.clone(), session.dynamodb.clone(), "application", STREAM)
        .initial_position(InitialPosition::TrimHorizon)
        .start(move |_| Counting(Arc::clone(&counted)))
        .await
        .map_err(|error| error.to_string())?;
    wait_for("end of the records", async || count.load(Ordering::Relaxed) >= RECORDS).await?;
    show("read", started.elapsed());
    consumer.stop().await;
    Ok(())
}

/// Puts all records; each window is acknowledged before the one after the next begins.
async fn put(producer: &Producer) -> Result<(), PutError> {
    let data = Bytes::from(vec![b'x'; RECORD_BYTES]);
    let keys: Vec<_> = (0..KEYS).map(|key| base::ByteString::from(format!("key-{key}"))).collect();
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

fn show(what: &str, took: Duration) {
    let rate = RECORDS as f64 / took.as_secs_f64();
    println!("{RECORDS} user records of {RECORD_BYTES} B {what} in {:.2} s: {rate:.0} per second", took.as_secs_f64());
}
