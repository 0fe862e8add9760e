use std::time::Duration;

use api::kinesis::*;
use base::time::Timestamp;

use crate::world::{ACCOUNT, World, text_of};

fn list(world: &World, input: ListShardsInput) -> impl Future<Output = Result<ListShardsOutput, KinesisError>> + '_ {
    world.streams.list_shards(&world.caller, input)
}

fn named() -> ListShardsInput {
    ListShardsInput { stream_name: Some("s".into()), ..ListShardsInput::default() }
}

fn ids(shards: &[Shard]) -> Vec<u32> {
    shards.iter().map(|shard| shard.shard_id.parse::<base::ids::ShardIndex>().expect("a shard id").0).collect()
}

#[tokio::test]
async fn shards_come_in_pages() {
    let world = World::new().await;
    world.create("s", 5).await;
    let first = list(&world, ListShardsInput { max_results: Some(2), ..named() }).await.expect("a page");
    assert_eq!(ids(&first.shards.expect("shards")), [0, 1]);
    let token = first.next_token.expect("more");
    let next =
        |token, max_results| ListShardsInput { next_token: Some(token), max_results, ..ListShardsInput::default() };
    let world = world.restart().await;
    let second = list(&world, next(token.clone(), Some(2))).await.expect("a page");
    assert_eq!(ids(&second.shards.expect("shards")), [2, 3]);
    let last = list(&world, next(second.next_token.expect("more"), None)).await.expect("a page");
    assert_eq!((ids(&last.shards.expect("shards")), last.next_token), (vec![4], None));
    let after = ListShardsInput { exclusive_start_shard_id: Some("shardId-000000000002".into()), ..named() };
    assert_eq!(ids(&list(&world, after).await.expect("a page").shards.expect("shards")), [3, 4]);

    world.advance(Duration::from_secs(301));
    let expired = text_of(list(&world, next(token, None)).await);
    assert!(expired.starts_with("ExpiredNextTokenException: NextToken expired."), "{expired}");
    assert_eq!(
        text_of(list(&world, next("nonsense".into(), None)).await),
        "InvalidArgumentException: Invalid NextToken."
    );
}

#[tokio::test]
async fn tokens_stand_alone() {
    let world = World::new().await;
    world.create("s", 1).await;
    let both = ListShardsInput { next_token: Some("t".into()), ..named() };
    assert_eq!(
        text_of(list(&world, both).await),
        "InvalidArgumentException: NextToken and StreamName cannot be provided together."
    );
    assert_eq!(
        text_of(list(&world, ListShardsInput::default()).await),
        "InvalidArgumentException: Either NextToken or StreamName should be provided."
    );
    let created = world.now();
    let other = |at| ListShardsInput { stream_creation_timestamp: Some(at), ..named() };
    assert!(list(&world, other(Timestamp::from_millis(created.seconds() * 1000))).await.is_ok());
    assert_eq!(
        text_of(list(&world, other(Timestamp::from_millis(1000))).await),
        format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found.")
    );
}

#[tokio::test]
async fn filters_choose_generations() {
    let world = World::new().await;
    world.create("s", 1).await;
    let start = world.now();
    world.advance(Duration::from_secs(100));
    world.split("s", "0", "1000").await.expect("a split");
    let split = world.now();
    world.advance(Duration::from_secs(100));
    let filtered = async |kind, shard: Option<&str>, timestamp| {
        let filter = ShardFilter { r#type: kind, shard_id: shard.map(Into::into), timestamp };
        ids(&world.shards_by("s", Some(filter)).await)
    };
    assert_eq!(filtered(ShardFilterType::AtLatest, None, None).await, [1, 2]);
    assert_eq!(filtered(ShardFilterType::AtTrimHorizon, None, None).await, [0]);
    assert_eq!(filtered(ShardFilterType::FromTrimHorizon, None, None).await, [0, 1, 2]);
    assert_eq!(filtered(ShardFilterType::AfterShardId, Some("0"), None).await, [1, 2]);
    assert_eq!(filtered(ShardFilterType::AtTimestamp, None, Some(start)).await, [0]);
    assert_eq!(filtered(ShardFilterType::AtTimestamp, None, Some(split)).await, [1, 2]);
    assert_eq!(filtered(ShardFilterType::FromTimestamp, None, Some(split)).await, [0, 1, 2]);
    let later = Some(split.plus(Duration::from_millis(1)));
    assert_eq!(filtered(ShardFilterType::FromTimestamp, None, later).await, [1, 2]);
    for (kind, error) in [
        (
            ShardFilterType::AtTimestamp,
            "InvalidArgumentException: Timestamp must be provided in ShardFilter when ShardFilterType is AT_TIMESTAMP.",
        ),
        (
            ShardFilterType::AfterShardId,
            "InvalidArgumentException: ShardId must be provided in ShardFilter when ShardFilterType is AFTER_SHARD_ID.",
        ),
    ] {
        let filter = Some(ShardFilter { r#type: kind, ..ShardFilter::default() });
        assert_eq!(text_of(list(&world, ListShardsInput { shard_filter: filter, ..named() }).await), error);
    }
}

#[tokio::test]
async fn descriptions_come_in_pages() {
    let world = World::new().await;
    world.create("s", 3).await;
    let describe = |limit, after: Option<&str>| {
        let input = DescribeStreamInput {
            stream_name: Some("s".into()),
            limit,
            exclusive_start_shard_id: after.map(Into::into),
            ..DescribeStreamInput::default()
        };
        world.streams.describe_stream(&world.caller, input)
    };
    let page = describe(Some(2), None).await.expect("a stream").stream_description;
    assert_eq!((ids(&page.shards), page.has_more_shards), (vec![0, 1], true));
    let page = describe(None, Some("shardId-000000000001")).await.expect("a stream").stream_description;
    assert_eq!((ids(&page.shards), page.has_more_shards), (vec![2], false));
}

#[tokio::test]
async fn streams_are_listed_by_name() {
    let world = World::new().await;
    for name in ["b", "a", "c"] {
        world.create(name, 1).await;
    }
    let list = |limit, after: Option<&str>, token| {
        let input = ListStreamsInput { limit, exclusive_start_stream_name: after.map(Into::into), next_token: token };
        world.streams.list_streams(&world.caller, input)
    };
    let first = list(Some(2), None, None).await.expect("a page");
    assert_eq!((first.stream_names, first.has_more_streams), (vec!["a".into(), "b".into()], true));
    let summaries = first.stream_summaries.expect("summaries");
    assert_eq!(summaries[0].stream_arn, world.arn("a"));
    assert_eq!(summaries[0].stream_status, StreamStatus::Active);
    let token = first.next_token;
    assert_eq!(list(None, None, token.clone()).await.expect("a page").stream_names, ["c"]);
    let rest = list(None, Some("a"), None).await.expect("a page");
    assert_eq!((rest.stream_names, rest.has_more_streams), (vec!["b".into(), "c".into()], false));
    assert_eq!(
        text_of(list(None, Some("a"), token.clone()).await),
        "InvalidArgumentException: NextToken and ExclusiveStartStreamName cannot be provided together."
    );
    assert_eq!(text_of(list(None, None, Some("x".into())).await), "InvalidArgumentException: Invalid NextToken.");
    world.advance(Duration::from_secs(301));
    assert!(text_of(list(None, None, token).await).starts_with("ExpiredNextTokenException: "));
}

/// Clients may ask for more than a page holds.
#[tokio::test]
async fn pages_have_a_greatest_size() {
    let world = World::new().await;
    world.create("s", 1001).await;
    let shards = list(&world, ListShardsInput { max_results: Some(10_000), ..named() }).await.expect("a page");
    assert_eq!((shards.shards.expect("shards").len(), shards.next_token.is_some()), (1000, true));
    let input = DescribeStreamInput { stream_name: Some("s".into()), limit: Some(10_000), ..Default::default() };
    let page = world.streams.describe_stream(&world.caller, input).await.expect("a stream").stream_description;
    assert_eq!((page.shards.len(), page.has_more_shards), (100, true));
    for i in 0..100 {
        world.create(&format!("t{i}"), 1).await;
    }
    let input = ListStreamsInput { limit: Some(10_000), ..Default::default() };
    let page = world.streams.list_streams(&world.caller, input).await.expect("a page");
    assert_eq!((page.stream_names.len(), page.has_more_streams), (100, true));
}

/// All pages show the shards that were open when the first was asked for, so that together they cover every key.
#[tokio::test]
async fn pages_belong_to_one_moment() {
    let world = World::new().await;
    world.create("s", 4).await;
    let filter = Some(ShardFilter { r#type: ShardFilterType::AtLatest, ..ShardFilter::default() });
    let input = ListShardsInput { max_results: Some(2), shard_filter: filter, ..named() };
    let first = list(&world, input).await.expect("a page");
    assert_eq!(ids(&first.shards.expect("shards")), [0, 1]);
    world.advance(Duration::from_millis(1));
    world.merge("s", "0", "1").await.expect("a merge");
    world.merge("s", "2", "3").await.expect("a merge");
    let next = ListShardsInput { next_token: first.next_token, ..ListShardsInput::default() };
    assert_eq!(ids(&list(&world, next).await.expect("a page").shards.expect("shards")), [2, 3]);
}

#[tokio::test]
async fn a_token_and_an_arn_must_agree() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.create("t", 1).await;
    let first = list(&world, ListShardsInput { max_results: Some(1), ..named() }).await.expect("a page");
    let with = |stream: &str| ListShardsInput {
        next_token: first.next_token.clone(),
        stream_arn: Some(world.arn(stream)),
        ..ListShardsInput::default()
    };
    assert!(list(&world, with("s")).await.is_ok());
    assert_eq!(
        text_of(list(&world, with("t")).await),
        "InvalidArgumentException: StreamARN and NextToken do not name the same stream."
    );
}
