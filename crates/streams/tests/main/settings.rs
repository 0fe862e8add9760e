//! Modes, sizes, retention, monitoring and encryption of a stream.

use std::time::Duration;

use api::kinesis::*;

use crate::world::{ACCOUNT, World, text_of};

fn mode(world: &World, mode: StreamMode, warm: Option<i32>) -> UpdateStreamModeInput {
    UpdateStreamModeInput {
        stream_arn: world.arn("s"),
        stream_mode_details: StreamModeDetails { stream_mode: mode },
        warm_throughput_mibps: warm,
        ..Default::default()
    }
}

#[tokio::test]
async fn modes_switch_twice_a_day() {
    let world = World::new().await;
    world.create("s", 3).await;
    let switch = |to, warm| world.streams.update_stream_mode(&world.caller, mode(&world, to, warm));
    assert!(text_of(switch(StreamMode::Provisioned, None).await).starts_with("ResourceInUseException: "));
    assert_eq!(
        text_of(switch(StreamMode::Provisioned, Some(4)).await),
        "ValidationException: WarmThroughputMiBps is only supported for streams in ON_DEMAND mode."
    );
    switch(StreamMode::OnDemand, Some(6)).await.expect("switched");
    assert_eq!(world.open_shards("s").await.len(), 6);
    switch(StreamMode::Provisioned, None).await.expect("switched");
    let summary = world.summary("s").await.expect("a stream");
    assert_eq!((summary.open_shard_count, summary.warm_throughput), (6, None));
    assert_eq!(
        text_of(switch(StreamMode::OnDemand, None).await),
        format!(
            "LimitExceededException: Stream s under account {ACCOUNT} cannot switch its mode more than 2 times in a \
             rolling 24-hour period."
        )
    );
    world.advance(Duration::from_secs(24 * 3600));
    switch(StreamMode::OnDemand, None).await.expect("switched");
    assert_eq!(world.open_shards("s").await.len(), 6);
}

#[tokio::test]
async fn warm_throughput_splits_ahead() {
    let world = World::new().await;
    world.create("p", 1).await;
    world.create_on_demand("s").await;
    let warm = |stream: &str, mibps| {
        let input = UpdateStreamWarmThroughputInput {
            stream_name: Some(stream.into()),
            warm_throughput_mibps: mibps,
            ..Default::default()
        };
        world.streams.update_stream_warm_throughput(&world.caller, input)
    };
    let output = warm("s", 10).await.expect("changed");
    assert_eq!(output.warm_throughput, Some(WarmThroughputObject { target_mibps: Some(10), current_mibps: Some(10) }));
    assert_eq!((output.stream_name, output.stream_arn), (Some("s".into()), Some(world.arn("s"))));
    assert_eq!(world.open_shards("s").await.len(), 10);
    warm("s", 2).await.expect("changed");
    assert_eq!(world.open_shards("s").await.len(), 10, "shards are not merged again");
    assert!(text_of(warm("s", 10_241).await).starts_with("InvalidArgumentException: WarmThroughputMiBps must be"));
    assert_eq!(
        text_of(warm("p", 2).await),
        "ValidationException: WarmThroughputMiBps is only supported for streams in ON_DEMAND mode."
    );
}

#[tokio::test]
async fn retention_goes_up_and_down() {
    let world = World::new().await;
    world.create("s", 1).await;
    let increase = |hours| {
        let input = IncreaseStreamRetentionPeriodInput {
            stream_name: Some("s".into()),
            retention_period_hours: hours,
            ..Default::default()
        };
        world.streams.increase_stream_retention_period(&world.caller, input)
    };
    let decrease = |hours| {
        let input = DecreaseStreamRetentionPeriodInput {
            stream_name: Some("s".into()),
            retention_period_hours: hours,
            ..Default::default()
        };
        world.streams.decrease_stream_retention_period(&world.caller, input)
    };
    increase(8760).await.expect("changed");
    increase(8760).await.expect("the same is no error");
    assert_eq!(world.summary("s").await.expect("a stream").retention_period_hours, 8760);
    decrease(48).await.expect("changed");
    assert_eq!(world.summary("s").await.expect("a stream").retention_period_hours, 48);
    for (refused, text) in [
        (
            text_of(increase(23).await),
            "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.",
        ),
        (
            text_of(increase(8761).await),
            "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.",
        ),
        (
            text_of(increase(47).await),
            "Requested retention period (47 hours) for stream s can not be shorter than existing retention period (48 \
             hours). Use DecreaseRetentionPeriod API.",
        ),
        (
            text_of(decrease(49).await),
            "Requested retention period (49 hours) for stream s can not be longer than existing retention period (48 \
             hours). Use IncreaseRetentionPeriod API.",
        ),
    ] {
        assert_eq!(refused, format!("InvalidArgumentException: {text}"));
    }
}

#[tokio::test]
async fn monitoring_flags_are_kept() {
    let world = World::new().await;
    world.create("s", 1).await;
    let enable = EnableEnhancedMonitoringInput {
        stream_name: Some("s".into()),
        shard_level_metrics: vec![MetricsName::All],
        ..Default::default()
    };
    let output = world.streams.enable_enhanced_monitoring(&world.caller, enable).await.expect("changed");
    assert_eq!(output.current_shard_level_metrics, Some(Vec::new()));
    assert_eq!(output.desired_shard_level_metrics.as_ref().map(Vec::len), Some(7));
    let disable = DisableEnhancedMonitoringInput {
        stream_arn: Some(world.arn("s")),
        shard_level_metrics: vec![MetricsName::OutgoingBytes, MetricsName::OutgoingRecords],
        ..Default::default()
    };
    let output = world.streams.disable_enhanced_monitoring(&world.caller, disable).await.expect("changed");
    assert_eq!(output.current_shard_level_metrics.map(|names| names.len()), Some(7));
    let kept = output.desired_shard_level_metrics.expect("names");
    assert_eq!(kept.len(), 5);
    let world = world.restart().await;
    let shown = world.summary("s").await.expect("a stream").enhanced_monitoring;
    assert_eq!(shown, [EnhancedMetrics { shard_level_metrics: Some(kept) }]);
}

#[tokio::test]
async fn encryption_wants_a_key() {
    let world = World::new().await;
    world.create("s", 1).await;
    let start = |encryption_type, key: &str| {
        let input = StartStreamEncryptionInput {
            stream_name: Some("s".into()),
            encryption_type,
            key_id: key.into(),
            ..Default::default()
        };
        world.streams.start_stream_encryption(&world.caller, input)
    };
    assert_eq!(
        text_of(start(EncryptionType::None, "alias/k").await),
        "InvalidArgumentException: EncryptionType must be KMS. Specified value was NONE"
    );
    assert_eq!(
        text_of(start(EncryptionType::Kms, "arn:aws:sns:a:b:c").await),
        "KMSNotFoundException: Invalid keyId arn:aws:sns:a:b:c"
    );
    let stop = StopStreamEncryptionInput {
        stream_name: Some("s".into()),
        encryption_type: EncryptionType::Kms,
        key_id: "arn:aws:sns:a:b:c".into(),
        ..Default::default()
    };
    assert_eq!(
        text_of(world.streams.stop_stream_encryption(&world.caller, stop).await),
        "InvalidArgumentException: Invalid keyId arn:aws:sns:a:b:c"
    );
    for _ in 0..25 {
        start(EncryptionType::Kms, "alias/k").await.expect("changed");
    }
    assert_eq!(
        text_of(start(EncryptionType::Kms, "alias/k").await),
        format!(
            "LimitExceededException: StartStreamEncryption cannot be called more than 25 times in a rolling 24-hour \
             period for stream s under account {ACCOUNT}."
        )
    );
    let world = world.restart().await;
    assert_eq!(world.summary("s").await.expect("a stream").encryption_type, Some(EncryptionType::Kms));
}
