//! `anabranch tail`: the records of a stream as they come, across splits and merges.

mod fan_out;
mod from;
mod poll;
mod print;
mod reader;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use base::ByteString;
use clap::Args;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::fan_out::Consumer;
use self::from::Beginning;
use self::print::{Printer, RecordFormat};
use self::reader::{News, Position, Reader};
use crate::connect::{ConnectFlags, Session};
use crate::failure::{Failure, SUCCESS};
use crate::lineage::{self, Lineage};
use crate::stop::Stop;

/// Batches that wait for the printer; readers pause when it is slower than they are.
const NEWS_QUEUE: usize = 8;

/// Print the records of a stream as they come
///
/// Follows every shard, and the children of shards that are split or merged once their parents have been read to the
/// end: the records of a partition key come in the order in which they were written. Ctrl-C ends it with success.
#[derive(Debug, Args)]
pub struct Tail {
    /// Name of the stream
    stream: String,
    /// Where to begin: horizon (the oldest record), latest, a time such as 2026-01-31T12:00:00Z, or how long ago, such as 15m
    #[arg(long, value_name = "WHERE", default_value = "latest")]
    from: Beginning,
    /// Read as this fan-out consumer, pushed by the server; it is registered when it does not exist, and then removed at the end
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// Stop when every record that is there has been printed
    #[arg(long, visible_alias = "until-caught-up")]
    no_follow: bool,
    /// Stop after so many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Pause between two reads of a shard, in milliseconds; AWS allows five reads a second to all readers together
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    interval: u64,
    /// How to print a record: its data as a line, or an object with its key, number, shard and time
    #[arg(long, value_enum, default_value_t = RecordFormat::Text, value_name = "FORMAT")]
    output: RecordFormat,
    #[command(flatten)]
    connect: ConnectFlags,
}

pub async fn run(tail: Tail) -> Result<ExitCode, Failure> {
    let session = Arc::new(tail.connect.open()?);
    let mut stop = Stop::new()?;
    let consumer = match &tail.consumer {
        Some(name) => tokio::select! {
            consumer = Consumer::open(&session, &tail.stream, name) => Some(consumer?),
            () = stop.wait() => return Ok(SUCCESS),
        },
        None => None,
    };
    let result = tokio::select! {
        result = read(&tail, &session, consumer.as_ref()) => result,
        // To stop is what one does with a tail.
        () = stop.wait() => Ok(()),
    };
    if let Some(consumer) = consumer {
        tokio::select! {
            () = consumer.close(&session) => {}
            () = stop.wait() => {}
        }
    }
    result.map(|()| SUCCESS)
}

async fn read(tail: &Tail, session: &Arc<Session>, consumer: Option<&Consumer>) -> Result<(), Failure> {
    if let Some(consumer) = consumer {
        consumer.wait(session).await?;
    }
    Follower::new(tail, session, consumer).run().await
}

/// Starts readers of shards and prints what they bring.
struct Follower<'a> {
    tail: &'a Tail,
    session: &'a Arc<Session>,
    consumer: Option<&'a Consumer>,
    lineage: Lineage,
    /// Open shards whose reader has seen the newest record.
    caught_up: BTreeSet<ByteString>,
    running: BTreeSet<ByteString>,
    tasks: JoinSet<()>,
    sender: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
}

impl<'a> Follower<'a> {
    fn new(tail: &'a Tail, session: &'a Arc<Session>, consumer: Option<&'a Consumer>) -> Self {
        let (sender, news) = mpsc::channel(NEWS_QUEUE);
        Self {
            tail,
            session,
            consumer,
            lineage: Lineage::default(),
            caught_up: BTreeSet::new(),
            running: BTreeSet::new(),
            tasks: JoinSet::new(),
            sender,
            news,
        }
    }

    async fn run(mut self) -> Result<(), Failure> {
        let mut printer = Printer::new(self.tail.output, self.tail.limit);
        let shards = self.list().await?;
        self.lineage.add(&shards);
        if self.tail.from == Beginning::Latest {
            // What is closed has nothing newer than now.
            for shard in shards.iter().filter(|shard| !lineage::is_open(shard)) {
                self.lineage.finish(&shard.shard_id);
            }
        }
        self.start(&self.tail.from.position());
        while !self.is_done() && !printer.is_full() {
            let Some(news) = self.news.recv().await else { break };
            match news {
                News::Records { shard, records, is_caught_up } => {
                    if printer.print(&shard, &records)?.is_break() {
                        break;
                    }
                    if is_caught_up {
                        self.caught_up.insert(shard);
                    } else if !records.is_empty() {
                        self.caught_up.remove(&shard);
                    }
                }
                News::Ended { shard } => {
                    self.running.remove(&shard);
                    self.caught_up.remove(&shard);
                    let shards = self.list().await?;
                    self.lineage.add(&shards);
                    self.lineage.finish(&shard);
                    self.start(&Position::Horizon);
                }
                News::Failed(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<api::kinesis::Shard>, Failure> {
        lineage::list(self.session, &self.tail.stream).await.map_err(|error| self.session.explain(&error))
    }

    /// Starts a reader for every shard that may be read now. Children of shards that were read begin at their own
    /// beginning, unless reading begins at a time: then nothing older is wanted of them either.
    fn start(&mut self, start: &Position) {
        let start = match self.tail.from.position() {
            at_time @ Position::Time(_) => at_time,
            _ => start.clone(),
        };
        for shard in self.lineage.start() {
            self.running.insert(shard.clone());
            let reader = Reader {
                session: Arc::clone(self.session),
                stream: ByteString::from(self.tail.stream.as_str()),
                shard,
                news: self.sender.clone(),
            };
            let start = start.clone();
            match self.consumer {
                None => self.tasks.spawn(poll::follow(reader, start, Duration::from_millis(self.tail.interval))),
                Some(consumer) => self.tasks.spawn(fan_out::follow(reader, start, consumer.arn.clone())),
            };
        }
    }

    fn is_done(&self) -> bool {
        let is_caught_up =
            || !self.lineage.is_waiting() && self.running.iter().all(|shard| self.caught_up.contains(shard));
        self.running.is_empty() || (self.tail.no_follow && is_caught_up())
    }
}
