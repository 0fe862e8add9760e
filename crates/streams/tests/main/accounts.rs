use std::time::Duration;

use api::kinesis::*;

use crate::world::{START, World, caller};

async fn set(
    world: &World,
    status: MinimumThroughputBillingCommitmentInputStatus,
) -> MinimumThroughputBillingCommitmentOutput {
    let input = UpdateAccountSettingsInput {
        minimum_throughput_billing_commitment: MinimumThroughputBillingCommitmentInput { status },
    };
    let output = world.streams.update_account_settings(&world.caller, input).await.expect("changed");
    output.minimum_throughput_billing_commitment.expect("a commitment")
}

async fn get(world: &World) -> MinimumThroughputBillingCommitmentOutput {
    let output = world.streams.describe_account_settings(&world.caller, DescribeAccountSettingsInput {}).await;
    output.expect("settings").minimum_throughput_billing_commitment.expect("a commitment")
}

#[tokio::test]
async fn a_commitment_lasts_a_day() {
    use MinimumThroughputBillingCommitmentInputStatus as Wanted;
    use MinimumThroughputBillingCommitmentOutputStatus as Status;
    let day = Duration::from_secs(24 * 3600);
    let world = World::new().await;
    assert_eq!(get(&world).await.status, Status::Disabled);
    let enabled = set(&world, Wanted::Enabled).await;
    assert_eq!(enabled.status, Status::Enabled);
    assert_eq!((enabled.started_at, enabled.earliest_allowed_end_at), (Some(START), Some(START.plus(day))));
    world.advance(day / 2);
    assert_eq!(set(&world, Wanted::Disabled).await.status, Status::EnabledUntilEarliestAllowedEnd);
    let world = world.restart().await;
    assert_eq!(get(&world).await.status, Status::EnabledUntilEarliestAllowedEnd);
    world.advance(day / 2);
    let ended = get(&world).await;
    assert_eq!((ended.status, ended.ended_at), (Status::Disabled, Some(START.plus(day))));
    assert_eq!(set(&world, Wanted::Enabled).await.started_at, Some(world.now()));
    world.advance(2 * day);
    let ended = set(&world, Wanted::Disabled).await;
    assert_eq!((ended.status, ended.ended_at), (Status::Disabled, Some(world.now())));
}

#[tokio::test]
async fn accounts_see_their_own() {
    let world = World::new().await;
    world.create("s", 1).await;
    let other = caller("999999999999", "us-east-1");
    let streams = world.streams.list_streams(&other, ListStreamsInput::default()).await.expect("a page");
    assert_eq!(streams.stream_names.len(), 0);
    let iterator = world.iterator("s", "0", ShardIteratorType::Latest).await.expect("an iterator");
    let input = GetRecordsInput { shard_iterator: iterator, ..Default::default() };
    let refused = world.streams.get_records(&other, input).await.expect_err("another account");
    assert!(matches!(refused, KinesisError::AccessDeniedException(_)), "{refused:?}");
}
