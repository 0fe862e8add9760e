//! `anabranch stream list`

use api::kinesis::{Kinesis as _, ListStreamsInput, StreamSummary};
use clap::Args;
use serde_json::json;

use super::Common;
use crate::connect::Session;
use crate::failure::Failure;
use crate::output::{self, Format};

/// Pages that are read at most.
const PAGES_MAX: usize = 10_000;

/// List the streams of a region and account
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    common: Common,
}

pub async fn run(list: List) -> Result<(), Failure> {
    let session = list.common.connect.open()?;
    let streams = streams(&session).await?;
    let mode = |stream: &StreamSummary| stream.stream_mode_details.as_ref().map(|mode| mode.stream_mode.to_string());
    let created = |stream: &StreamSummary| stream.stream_creation_timestamp.map(output::time);
    if list.common.output == Format::Json {
        let streams = streams.iter().map(|stream| {
            json!({
                "StreamName": &*stream.stream_name,
                "StreamARN": &*stream.stream_arn,
                "StreamStatus": stream.stream_status.as_str(),
                "StreamMode": mode(stream),
                "StreamCreationTimestamp": created(stream),
            })
        });
        return output::print_json(&streams.collect());
    }
    let mut table = output::table(&["stream", "status", "mode", "created"]);
    for stream in &streams {
        table.add_row([
            stream.stream_name.to_string(),
            stream.stream_status.to_string(),
            mode(stream).unwrap_or_default(),
            created(stream).unwrap_or_default(),
        ]);
    }
    output::print_table(&table)
}

async fn streams(session: &Session) -> Result<Vec<StreamSummary>, Failure> {
    let mut streams: Vec<StreamSummary> = Vec::new();
    let mut input = ListStreamsInput::default();
    for _ in 0..PAGES_MAX {
        let page =
            session.kinesis.list_streams(&session.caller, input).await.map_err(|error| session.explain(&error))?;
        match page.stream_summaries.filter(|summaries| summaries.len() == page.stream_names.len()) {
            Some(summaries) => streams.extend(summaries),
            // Older servers send names alone.
            None => {
                for name in page.stream_names {
                    streams.push(StreamSummary { stream_name: name, ..Default::default() });
                }
            }
        }
        input = match (page.has_more_streams, page.next_token, streams.last()) {
            (true, Some(token), _) => ListStreamsInput { next_token: Some(token), ..Default::default() },
            (true, None, Some(last)) => {
                let after = Some(last.stream_name.clone());
                ListStreamsInput { exclusive_start_stream_name: after, ..Default::default() }
            }
            _ => break,
        };
    }
    Ok(streams)
}
