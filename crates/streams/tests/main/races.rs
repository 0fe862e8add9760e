//! Requests that overtake each other.

use api::kinesis::*;
use base::ByteString;
use store::shard_log::{LogId, ShardLog as _};

use crate::engines::{Engines, create, put};
use crate::world::{caller, entry, text_of};

const ACCOUNT: &str = "000000000000";
/// The log of the first shard that is ever created.
const FIRST_LOG: LogId = LogId(1);

fn arn() -> ByteString {
    format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s").into()
}

fn delete() -> DeleteStreamInput {
    DeleteStreamInput { stream_name: Some("s".into()), ..Default::default() }
}

fn not_found() -> String {
    format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found.")
}

#[tokio::test]
async fn a_put_that_a_deletion_overtakes_finds_no_stream() {
    let engines = Engines::new();
    let (streams, caller) = (engines.start().await, caller(ACCOUNT, "us-east-1"));
    create(&streams, &caller, 1).await;
    // As at the beginning of a split: records wait for the children.
    engines.log.close(FIRST_LOG).await.expect("closed");
    let many = PutRecordsInput {
        stream_name: Some("s".into()),
        records: [entry("a", b"late")].into_iter().collect(),
        ..Default::default()
    };
    let (one, many, deleted) = tokio::join!(
        streams.put_record(&caller, put("late")),
        streams.put_records(&caller, many),
        streams.delete_stream(&caller, delete()),
    );
    deleted.expect("deleted");
    assert_eq!(text_of(one), not_found());
    assert_eq!(text_of(many), not_found());
}

#[tokio::test]
async fn a_reading_that_a_deletion_overtakes_finds_no_stream() {
    let engines = Engines::new();
    let (streams, caller) = (engines.start().await, caller(ACCOUNT, "us-east-1"));
    create(&streams, &caller, 1).await;
    let iterator = GetShardIteratorInput {
        stream_name: Some("s".into()),
        shard_id: "0".into(),
        shard_iterator_type: ShardIteratorType::TrimHorizon,
        ..Default::default()
    };
    let iterator = streams.get_shard_iterator(&caller, iterator).await.expect("an iterator").shard_iterator;
    let input = GetRecordsInput { shard_iterator: iterator.expect("an iterator"), ..Default::default() };
    let held = engines.log.held.write().await;
    let (read, ()) = tokio::join!(streams.get_records(&caller, input), async {
        streams.delete_stream(&caller, delete()).await.expect("deleted");
        drop(held);
    });
    assert_eq!(text_of(read), not_found());
}

#[tokio::test]
async fn what_is_attached_to_a_consumer_goes_with_it() {
    let engines = Engines::new();
    let (streams, caller) = (engines.start().await, caller(ACCOUNT, "us-east-1"));
    create(&streams, &caller, 1).await;
    let register = RegisterStreamConsumerInput { stream_arn: arn(), consumer_name: "c".into(), ..Default::default() };
    let registered = streams.register_stream_consumer(&caller, register.clone()).await.expect("a consumer");
    let consumer = registered.consumer.consumer_arn;
    let deregister = DeregisterStreamConsumerInput { consumer_arn: Some(consumer.clone()), ..Default::default() };
    let tag = TagResourceInput {
        resource_arn: consumer.clone(),
        tags: [("k".into(), "v".into())].into(),
        ..Default::default()
    };
    let policy = PutResourcePolicyInput {
        resource_arn: consumer.clone(),
        policy: r#"{"Statement":[]}"#.into(),
        ..Default::default()
    };
    let held = engines.catalog.held.write().await;
    let (deregistered, tagged, attached, ()) = tokio::join!(
        streams.deregister_stream_consumer(&caller, deregister),
        streams.tag_resource(&caller, tag),
        streams.put_resource_policy(&caller, policy),
        async { drop(held) },
    );
    deregistered.expect("deregistered");
    let gone = format!("ResourceNotFoundException: Consumer c under stream s not found for account {ACCOUNT}.");
    assert_eq!(text_of(tagged), gone);
    assert_eq!(text_of(attached), gone);
    // The same name, and in the same second the same ARN, is another consumer.
    streams.register_stream_consumer(&caller, register).await.expect("a consumer");
    let list = ListTagsForResourceInput { resource_arn: consumer, ..Default::default() };
    assert_eq!(streams.list_tags_for_resource(&caller, list).await.expect("tags").tags, Some(Vec::new()));
}
