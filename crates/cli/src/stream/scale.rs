//! `anabranch stream scale`

use api::kinesis::{Kinesis as _, ScalingType, UpdateShardCountInput};
use clap::Args;

use super::{Common, named, show_after};
use crate::failure::Failure;

/// Change the number of open shards to a new one, of equal width
#[derive(Debug, Args)]
pub struct Scale {
    /// Name of the stream
    name: String,
    /// Number of open shards to have: between half of and twice what there are
    #[arg(value_parser = clap::value_parser!(i32).range(1..=10_000), value_name = "N")]
    shards: i32,
    /// Wait until the stream is active again
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run(scale: Scale) -> Result<(), Failure> {
    let session = scale.common.connect.open()?;
    let input = UpdateShardCountInput {
        stream_name: named(&scale.name),
        target_shard_count: scale.shards,
        scaling_type: ScalingType::UniformScaling,
        ..Default::default()
    };
    session.kinesis.update_shard_count(&session.caller, input).await.map_err(|error| session.explain(&error))?;
    show_after(&session, &scale.name, scale.wait, scale.common.output).await
}
