//! `anabranch top`: who writes and reads how much, now.

mod metrics;
mod rates;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use client::PlainReply;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::metrics::Counts;
use self::rates::{Rates, Row};
use crate::connect::{ConnectFlags, Session};
use crate::failure::{Failure, SUCCESS};
use crate::output::{self, Format};
use crate::stop::Stop;

/// Clears the screen of a terminal and begins at its top.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Show live rates per stream and shard
///
/// Reads the counters that an Anabranch server publishes under /metrics; other servers have none. Ends with Ctrl-C.
#[derive(Debug, Args)]
pub struct Top {
    /// Show this stream alone
    stream: Option<String>,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
    /// Stop after so many looks [default: go on]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Shards to show for each stream at most, the busiest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    shards: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    connect: ConnectFlags,
}

pub async fn run(top: Top) -> Result<ExitCode, Failure> {
    let session = top.connect.open()?;
    let mut stop = Stop::new()?;
    tokio::select! {
        result = watch(&top, &session) => result?,
        () = stop.wait() => {}
    }
    Ok(SUCCESS)
}

async fn watch(top: &Top, session: &Session) -> Result<(), Failure> {
    let interval = Duration::from_secs(top.interval);
    let mut before = (Instant::now(), counts(session).await?);
    if let Some(name) = &top.stream
        && !before.1.keys().any(|arn| arn.ends_with(&format!(":stream/{name}")))
    {
        return Err(Failure::new(format!("{} has no stream {name}", session.kinesis.endpoint())));
    }
    let mut looks = 0;
    while top.count.is_none_or(|count| looks < count) {
        tokio::time::sleep_until(before.0 + interval).await;
        let now = (Instant::now(), counts(session).await?);
        let rates = Rates::between(&before.1, &now.1, now.0 - before.0, top.stream.as_deref(), top.shards);
        print(&rates, top.output)?;
        before = now;
        looks += 1;
    }
    Ok(())
}

async fn counts(session: &Session) -> Result<Counts, Failure> {
    let endpoint = session.kinesis.endpoint();
    match session.kinesis.get("/metrics").await {
        Ok(PlainReply { status: 200, body }) => {
            let text = String::from_utf8_lossy(&body);
            if text.contains(metrics::PREFIX) {
                return Ok(metrics::read(&text));
            }
        }
        Ok(_) => {}
        Err(error) => return Err(session.explain(&error.into())),
    }
    Err(Failure::new(format!("{endpoint} publishes no counters under /metrics: only Anabranch servers do")))
}

fn print(rates: &Rates, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return output::print(&json(rates).to_string());
    }
    let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
    output::print(&format!("{clear}{}\n", table(rates).trim_fmt()))
}

fn table(rates: &Rates) -> Table {
    let mut table =
        output::table(&["stream", "shard", "records/s in", "bytes/s in", "records/s out", "bytes/s out", "refused/s"]);
    for stream in &rates.streams {
        table.add_row(cells(&stream.name, &format!("{} open", stream.open_shards), &stream.total));
        for (shard, row) in &stream.shards {
            table.add_row(cells("", shard, row));
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(stream: &str, shard: &str, row: &Row) -> Vec<String> {
    let mut cells = vec![stream.to_owned(), shard.to_owned()];
    let rates = [row.records_in, row.bytes_in, row.records_out, row.bytes_out, row.refused];
    cells.extend(rates.map(|rate| output::count(rates::whole(rate))));
    cells
}

fn json(rates: &Rates) -> Value {
    let row = |row: &Row| {
        json!({
            "IncomingRecords": row.records_in,
            "IncomingBytes": row.bytes_in,
            "OutgoingRecords": row.records_out,
            "OutgoingBytes": row.bytes_out,
            "Refused": row.refused,
        })
    };
    let streams = rates.streams.iter().map(|stream| {
        let shards: serde_json::Map<String, Value> =
            stream.shards.iter().map(|(shard, rates)| (shard.clone(), row(rates))).collect();
        json!({ "StreamName": stream.name, "OpenShardCount": stream.open_shards, "PerSecond": row(&stream.total), "Shards": shards })
    });
    json!({ "Streams": streams.collect::<Value>() })
}
