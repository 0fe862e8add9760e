//! `anabranch stream delete`

use api::kinesis::{DeleteStreamInput, Kinesis as _};
use clap::Args;
use serde_json::json;

use super::{Common, named};
use crate::failure::Failure;
use crate::output::{self, Format};

/// Delete a stream and all of its records
#[derive(Debug, Args)]
pub struct Delete {
    /// Name of the stream
    name: String,
    /// Delete it even when it has consumers
    #[arg(long)]
    force: bool,
    /// Wait until the stream is gone
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run(delete: Delete) -> Result<(), Failure> {
    let session = delete.common.connect.open()?;
    let input = DeleteStreamInput {
        stream_name: named(&delete.name),
        enforce_consumer_deletion: Some(delete.force),
        ..Default::default()
    };
    session.kinesis.delete_stream(&session.caller, input).await.map_err(|error| session.explain(&error))?;
    if delete.wait {
        session.settle(&delete.name).await?;
    }
    match delete.common.output {
        Format::Json => output::print_json(&json!({ "StreamName": delete.name })),
        Format::Table => output::print(&format!("Stream {} deleted", delete.name)),
    }
}
