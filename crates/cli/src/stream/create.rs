//! `anabranch stream create`

use api::kinesis::{CreateStreamInput, Kinesis as _, StreamMode, StreamModeDetails};
use base::ByteString;
use clap::Args;

use super::{Common, show_after};
use crate::failure::Failure;

/// Create a stream
#[derive(Debug, Args)]
pub struct Create {
    /// Name of the stream: letters, digits, `_`, `.` and `-`
    name: String,
    /// Number of shards
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=10_000), conflicts_with = "on_demand")]
    shards: i32,
    /// Let the server choose the number of shards by the load
    #[arg(long)]
    on_demand: bool,
    /// Wait until the stream can be used
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run(create: Create) -> Result<(), Failure> {
    let session = create.common.connect.open()?;
    let mode = if create.on_demand { StreamMode::OnDemand } else { StreamMode::Provisioned };
    let input = CreateStreamInput {
        stream_name: ByteString::from(create.name.as_str()),
        shard_count: (!create.on_demand).then_some(create.shards),
        stream_mode_details: Some(StreamModeDetails { stream_mode: mode }),
        ..Default::default()
    };
    session.kinesis.create_stream(&session.caller, input).await.map_err(|error| session.explain(&error))?;
    show_after(&session, &create.name, create.wait, create.common.output).await
}
