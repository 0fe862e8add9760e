//! `anabranch put`: lines of a file become records of a stream.

mod batch;
mod csv;
mod key;
mod progress;
mod record;
mod report;
mod send;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::kinesis::StreamDescriptionSummary;
use base::limits::{KIB, RECORD_BYTES_DEFAULT_MAX};
use clap::Args;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use self::batch::Batch;
use self::key::KeyFrom;
use self::progress::Progress;
use self::report::Report;
use self::send::Sender;
use self::source::{Input, Source};
use crate::connect::ConnectFlags;
use crate::failure::{FAILED, Failure, INTERRUPTED, SUCCESS};
use crate::output::Format;
use crate::stop::Stop;

/// Batches that are read ahead of those under way.
const BATCHES_AHEAD: usize = 4;

/// Write a file or standard input into a stream, one record a line
///
/// A record is a line without its end, LF or CRLF. In CSV a quoted field may go over several lines, and blank lines are
/// no records; a quote that is not closed is an error. What could not be written is listed by line at the end, and the
/// exit code is then 1. A record whose answer got lost on the way is written again, so it can be in the stream twice.
#[derive(Debug, Args)]
pub struct Put {
    /// Name of the stream
    stream: String,
    /// File to read; - is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Where partition keys come from: random, hash (of the line), csv=COLUMN, json=MEMBER or fixed=KEY
    #[arg(long, value_name = "SOURCE", default_value = "random")]
    key_from: KeyFrom,
    /// The input is CSV: skip its first line and take partition keys from this column; short for --key-from csv=COLUMN
    #[arg(long, value_name = "COLUMN", conflicts_with = "key_from")]
    csv_key: Option<String>,
    /// Requests under way at a time; with more than one, records of a key may change their order
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Give a record up after so many seconds of refusals and failures; those after it are then tried once, until one is written
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    retry_for: u64,
    /// Write the lines that could not be written to this file, below the first line when the input is CSV
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    connect: ConnectFlags,
}

pub async fn run(put: Put) -> Result<ExitCode, Failure> {
    let session = put.connect.open()?;
    // Before the input is touched: does the stream exist, and may we?
    let summary = session.summary(&put.stream).await.map_err(|error| session.explain(&error))?;
    let record_bytes_max = record_bytes_max(&summary);
    let key_from = put.csv_key.map_or(put.key_from, KeyFrom::Csv);
    let input = Input::open(&put.file)?;
    let progress = Progress::new(input.bytes_total);
    let header = Arc::default();
    let mut report = Report::new(put.stream.clone(), put.rejects, Arc::clone(&header))?;
    let source = Source { key_from, record_bytes_max, header };
    let mut stop = Stop::new()?;
    let (batches, incoming) = mpsc::channel(BATCHES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || source.read(input, &batches));

    let started = Instant::now();
    let sender = Sender::new(session, put.stream, Duration::from_secs(put.retry_for));
    let end = tokio::select! {
        result = write_all(incoming, &sender, usize::from(put.concurrency), &mut report, &progress) => match result {
            Ok(()) => End::Whole,
            Err(failure) => End::Failed(failure),
        },
        () = stop.wait() => End::Interrupted,
    };
    progress.finish();
    report.print(started.elapsed(), put.output)?;
    match end {
        End::Interrupted => {
            Failure::new("stopped before the end of the input; what was under way may have been written").report();
            Ok(ExitCode::from(INTERRUPTED))
        }
        End::Failed(failure) => Err(failure.and("the rest of the input was not written")),
        End::Whole => {
            reading.await.map_err(|error| Failure::new(format!("cannot read the input: {error}")))??;
            Ok(if report.rejected() == 0 { SUCCESS } else { ExitCode::from(FAILED) })
        }
    }
}

/// Servers that do not say take what all streams took before it could be set.
fn record_bytes_max(summary: &StreamDescriptionSummary) -> usize {
    let kib = summary.max_record_size_in_kib.and_then(|kib| usize::try_from(kib).ok());
    kib.map_or(RECORD_BYTES_DEFAULT_MAX, |kib| kib.saturating_mul(KIB))
}

/// How writing ended.
enum End {
    /// With the input.
    Whole,
    Failed(Failure),
    Interrupted,
}

async fn write_all(
    mut incoming: mpsc::Receiver<Batch>,
    sender: &Sender,
    concurrency: usize,
    report: &mut Report,
    progress: &Progress,
) -> Result<(), Failure> {
    let batches = futures_util::stream::poll_fn(|context| incoming.poll_recv(context));
    let mut outcomes = batches.map(|batch| sender.send(batch)).buffer_unordered(concurrency);
    while let Some(outcome) = outcomes.next().await {
        let outcome = outcome?;
        report.add(&outcome)?;
        progress.advance(outcome.input_bytes, report.written());
    }
    Ok(())
}
