use std::collections::BTreeMap;

use api::kinesis::*;
use base::ByteString;

use crate::world::{ACCOUNT, World, text_of};

fn tags(range: std::ops::Range<usize>) -> BTreeMap<ByteString, ByteString> {
    range.map(|i| (format!("k{i:02}").into(), format!("v{i}").into())).collect()
}

#[tokio::test]
async fn both_families_see_the_same_tags() {
    let world = World::new().await;
    world.create("s", 1).await;
    let add = AddTagsToStreamInput { stream_name: Some("s".into()), tags: tags(0..3), ..Default::default() };
    world.streams.add_tags_to_stream(&world.caller, add).await.expect("added");
    let arn = world.arn("s");
    let tag = TagResourceInput { resource_arn: arn.clone(), tags: tags(3..5), ..Default::default() };
    world.streams.tag_resource(&world.caller, tag).await.expect("added");
    let untag = UntagResourceInput { resource_arn: arn.clone(), tag_keys: vec!["k01".into()], ..Default::default() };
    world.streams.untag_resource(&world.caller, untag).await.expect("removed");
    let remove = RemoveTagsFromStreamInput {
        stream_arn: Some(arn.clone()),
        tag_keys: vec!["k00".into(), "unknown".into()],
        ..Default::default()
    };
    world.streams.remove_tags_from_stream(&world.caller, remove).await.expect("removed");
    let world = world.restart().await;
    let listed = ListTagsForResourceInput { resource_arn: arn, ..Default::default() };
    let listed = world.streams.list_tags_for_resource(&world.caller, listed).await.expect("tags").tags;
    let keys: Vec<_> = listed.expect("tags").into_iter().map(|tag| tag.key.to_string()).collect();
    assert_eq!(keys, ["k02", "k03", "k04"]);
    let page = |limit, after: Option<&str>| {
        let input = ListTagsForStreamInput {
            stream_name: Some("s".into()),
            limit,
            exclusive_start_tag_key: after.map(Into::into),
            ..Default::default()
        };
        world.streams.list_tags_for_stream(&world.caller, input)
    };
    let first = page(Some(2), None).await.expect("a page");
    assert_eq!((first.tags.len(), first.has_more_tags), (2, true));
    let last = page(None, Some("k03")).await.expect("a page");
    assert_eq!(last.tags, [Tag { key: "k04".into(), value: Some("v4".into()) }]);
    assert!(!last.has_more_tags);
}

#[tokio::test]
async fn fifty_tags_and_no_more() {
    let world = World::new().await;
    world.create("s", 1).await;
    let add = |tags| {
        let input = AddTagsToStreamInput { stream_name: Some("s".into()), tags, ..Default::default() };
        world.streams.add_tags_to_stream(&world.caller, input)
    };
    add(tags(0..50)).await.expect("added");
    add(tags(0..50)).await.expect("replaced");
    assert_eq!(
        text_of(add(tags(50..51)).await),
        "InvalidArgumentException: Failed to add tags: a resource cannot have more than 50 tags, and would have 51."
    );
    let bad = BTreeMap::from([("k;".into(), "v".into())]);
    assert!(text_of(add(bad).await).starts_with("InvalidArgumentException: Some tags contain invalid characters."));
}

#[tokio::test]
async fn resources_must_exist() {
    let world = World::new().await;
    let list = |arn: String| {
        let input = ListTagsForResourceInput { resource_arn: arn.into(), ..Default::default() };
        world.streams.list_tags_for_resource(&world.caller, input)
    };
    assert_eq!(
        text_of(list(world.arn("s").to_string()).await),
        format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found.")
    );
    world.create("s", 1).await;
    assert_eq!(
        text_of(list(format!("{}/consumer/c:1", world.arn("s"))).await),
        format!("ResourceNotFoundException: Consumer c under stream s not found for account {ACCOUNT}.")
    );
    assert_eq!(
        text_of(list("arn:aws:sqs:us-east-1:1:q".to_owned()).await),
        "InvalidArgumentException: Invalid ResourceARN: arn:aws:sqs:us-east-1:1:q"
    );
}

#[tokio::test]
async fn policies_are_kept_as_they_are() {
    let world = World::new().await;
    world.create("s", 1).await;
    let arn = world.arn("s");
    let get = async |world: &World| {
        let input = GetResourcePolicyInput { resource_arn: arn.clone(), ..Default::default() };
        world.streams.get_resource_policy(&world.caller, input).await.expect("a policy").policy.to_string()
    };
    assert_eq!(get(&world).await, "{}");
    let put = |policy: &str| {
        let input = PutResourcePolicyInput { resource_arn: arn.clone(), policy: policy.into(), ..Default::default() };
        world.streams.put_resource_policy(&world.caller, input)
    };
    for malformed in ["", "{", "[]", "{}"] {
        assert_eq!(text_of(put(malformed).await), "InvalidArgumentException: Policy document is malformed.");
    }
    let policy = r#"{ "Version": "2012-10-17", "Statement": [] }"#;
    put(policy).await.expect("stored");
    let world = world.restart().await;
    assert_eq!(get(&world).await, policy);
    let delete = DeleteResourcePolicyInput { resource_arn: arn.clone(), ..Default::default() };
    world.streams.delete_resource_policy(&world.caller, delete).await.expect("deleted");
    assert_eq!(get(&world).await, "{}");
}
