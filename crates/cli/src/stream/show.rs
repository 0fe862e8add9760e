//! `anabranch stream show`

use api::kinesis::{Consumer, Kinesis as _, KinesisError, ListStreamConsumersInput, Shard, StreamDescriptionSummary};
use base::ByteString;
use clap::Args;
use serde_json::{Value, json};

use super::Common;
use crate::connect::Session;
use crate::failure::Failure;
use crate::lineage;
use crate::output::{self, Format};

/// Pages of consumers that are read at most.
const PAGES_MAX: usize = 100;

/// Show a stream, its shards and its consumers
#[derive(Debug, Args)]
pub struct Show {
    /// Name of the stream
    name: String,
    #[command(flatten)]
    common: Common,
}

pub async fn run(show: Show) -> Result<(), Failure> {
    let session = show.common.connect.open()?;
    print(&session, &show.name, show.common.output).await
}

pub async fn print(session: &Session, name: &str, output: Format) -> Result<(), Failure> {
    let explain = |error: KinesisError| session.explain(&error);
    let summary = session.summary(name).await.map_err(explain)?;
    // A stream in transition may have neither yet.
    let shards = unless_in_use(lineage::list(session, name).await).map_err(explain)?;
    let consumers = unless_in_use(consumers(session, &summary.stream_arn).await).map_err(explain)?;
    if output == Format::Json {
        return output::print_json(&json(&summary, &shards, &consumers));
    }
    output::print_table(&output::facts(facts(&summary, &shards)))?;
    if !shards.is_empty() {
        output::print("")?;
        output::print_table(&shard_table(&shards))?;
    }
    if !consumers.is_empty() {
        let mut table = output::table(&["consumer", "status", "created"]);
        for consumer in &consumers {
            let created = output::time(consumer.consumer_creation_timestamp);
            table.add_row([consumer.consumer_name.to_string(), consumer.consumer_status.to_string(), created]);
        }
        output::print("")?;
        output::print_table(&table)?;
    }
    Ok(())
}

fn unless_in_use<T: Default>(result: Result<T, KinesisError>) -> Result<T, KinesisError> {
    match result {
        Err(KinesisError::ResourceInUseException(_)) => Ok(T::default()),
        other => other,
    }
}

async fn consumers(session: &Session, stream_arn: &ByteString) -> Result<Vec<Consumer>, KinesisError> {
    let mut consumers = Vec::new();
    let mut next_token = None;
    for _ in 0..PAGES_MAX {
        let input = ListStreamConsumersInput { stream_arn: stream_arn.clone(), next_token, ..Default::default() };
        let output = session.kinesis.list_stream_consumers(&session.caller, input).await?;
        consumers.extend(output.consumers.unwrap_or_default());
        next_token = output.next_token;
        if next_token.is_none() {
            break;
        }
    }
    Ok(consumers)
}

fn mode(summary: &StreamDescriptionSummary) -> Option<String> {
    summary.stream_mode_details.as_ref().map(|mode| mode.stream_mode.to_string())
}

fn facts(summary: &StreamDescriptionSummary, shards: &[Shard]) -> Vec<(&'static str, String)> {
    let open = shards.iter().filter(|shard| lineage::is_open(shard)).count();
    let encryption = match (&summary.encryption_type, &summary.key_id) {
        (Some(kind), Some(key)) => format!("{kind} {key}"),
        (Some(kind), None) => kind.to_string(),
        (None, _) => "NONE".to_owned(),
    };
    vec![
        ("Stream", summary.stream_name.to_string()),
        ("ARN", summary.stream_arn.to_string()),
        ("Status", summary.stream_status.to_string()),
        ("Mode", mode(summary).unwrap_or_else(|| "PROVISIONED".to_owned())),
        ("Shards", format!("{open} open, {} closed", shards.len() - open)),
        ("Retention", format!("{} h", summary.retention_period_hours)),
        ("Encryption", encryption),
        ("Created", output::time(summary.stream_creation_timestamp)),
    ]
}

fn shard_table(shards: &[Shard]) -> comfy_table::Table {
    let mut table = output::table(&["shard", "state", "hash keys from", "to", "share", "parents"]);
    for shard in shards {
        let state = if lineage::is_open(shard) { "OPEN" } else { "CLOSED" };
        let (from, to, share) = match lineage::range(shard) {
            Some(range) => {
                let share = (range.end.0 - range.start.0) as f64 / u128::MAX as f64 * 100.0;
                (format!("{:032x}", range.start.0), format!("{:032x}", range.end.0), format!("{share:.2} %"))
            }
            None => Default::default(),
        };
        let parents: Vec<&str> = lineage::parents(shard).map(|parent| &**parent).collect();
        table.add_row([shard.shard_id.to_string(), state.to_owned(), from, to, share, parents.join(" ")]);
    }
    table
}

fn json(summary: &StreamDescriptionSummary, shards: &[Shard], consumers: &[Consumer]) -> Value {
    json!({
        "StreamName": &*summary.stream_name,
        "StreamARN": &*summary.stream_arn,
        "StreamStatus": summary.stream_status.as_str(),
        "StreamMode": mode(summary),
        "OpenShardCount": summary.open_shard_count,
        "RetentionPeriodHours": summary.retention_period_hours,
        "EncryptionType": summary.encryption_type.as_ref().map(|kind| kind.as_str()),
        "KeyId": summary.key_id.as_deref(),
        "StreamCreationTimestamp": output::time(summary.stream_creation_timestamp),
        "Shards": shards.iter().map(shard_json).collect::<Value>(),
        "Consumers": consumers.iter().map(|consumer| json!({
            "ConsumerName": &*consumer.consumer_name,
            "ConsumerARN": &*consumer.consumer_arn,
            "ConsumerStatus": consumer.consumer_status.as_str(),
            "ConsumerCreationTimestamp": output::time(consumer.consumer_creation_timestamp),
        })).collect::<Value>(),
    })
}

fn shard_json(shard: &Shard) -> Value {
    json!({
        "ShardId": &*shard.shard_id,
        "ParentShardId": shard.parent_shard_id.as_deref(),
        "AdjacentParentShardId": shard.adjacent_parent_shard_id.as_deref(),
        "HashKeyRange": {
            "StartingHashKey": &*shard.hash_key_range.starting_hash_key,
            "EndingHashKey": &*shard.hash_key_range.ending_hash_key,
        },
        "SequenceNumberRange": {
            "StartingSequenceNumber": &*shard.sequence_number_range.starting_sequence_number,
            "EndingSequenceNumber": shard.sequence_number_range.ending_sequence_number.as_deref(),
        },
    })
}
