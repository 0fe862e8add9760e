//! What the SDK must be able to do, one function a check. A check fails by panicking.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType, StartingPosition, SubscribeToShardEvent};
use tokio::task::JoinHandle;

use crate::sdk::{FIRST_SHARD, check_refused, connect, connect_with, make_consumer, make_stream, read, wait_active};
use crate::server::Server;
use crate::tls;

/// Runs every check against one server; how many passed and failed.
pub(crate) async fn run() -> (usize, usize) {
    let server = Arc::new(Server::start());
    let client = connect(&server.endpoint());
    let checks: Vec<(&str, JoinHandle<()>)> = vec![
        ("put and get", tokio::spawn(put_and_get(client.clone()))),
        ("push", tokio::spawn(push(client.clone()))),
        ("shard end", tokio::spawn(shard_end(client.clone()))),
        ("takeover is refused", tokio::spawn(takeover_is_refused(client.clone()))),
        ("listing", tokio::spawn(listing(client.clone()))),
        ("settings", tokio::spawn(settings(client.clone()))),
        ("errors", tokio::spawn(errors(client, server.clone()))),
        ("tls", tokio::spawn(over_tls(server.clone()))),
    ];
    let (mut passed, mut failed) = (0, 0);
    for (name, check) in checks {
        let fine = check.await.is_ok();
        println!("{} {name}", if fine { "ok" } else { "FAILED" });
        *if fine { &mut passed } else { &mut failed } += 1;
    }
    if failed > 0 {
        eprintln!("the server said:\n{}", server.said());
    }
    (passed, failed)
}

async fn put_and_get(client: Client) {
    let stream = "put-and-get";
    make_stream(&client, stream, 1).await;
    let put = client.put_record().stream_name(stream).partition_key("clé").data(Blob::new("first"));
    let first = put.send().await.expect("the record is put");
    let entries = (0..500).map(|i| {
        let entry = PutRecordsRequestEntry::builder().partition_key(format!("k{i}")).data(Blob::new(i.to_string()));
        entry.build().expect("an entry")
    });
    let answer = client.put_records().stream_name(stream).set_records(Some(entries.collect())).send().await;
    assert_eq!(answer.expect("the records are put").failed_record_count(), Some(0));
    let records = read(&client, stream, FIRST_SHARD).await;
    assert_eq!((records.len(), records[0].sequence_number()), (501, first.sequence_number()));
    assert_eq!((records[0].data().as_ref(), records[0].partition_key()), (&b"first"[..], Some("clé")));
    assert_eq!(records[500].data().as_ref(), b"499");
    assert!(records[0].approximate_arrival_timestamp().is_some());
}

async fn subscribe(
    client: &Client,
    consumer: &str,
) -> aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput {
    let position = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build().expect("a position");
    let call = client.subscribe_to_shard().consumer_arn(consumer).shard_id(FIRST_SHARD).starting_position(position);
    call.send().await.expect("the subscription begins")
}

async fn push(client: Client) {
    let stream = "push";
    make_stream(&client, stream, 1).await;
    let consumer = make_consumer(&client, stream, "reader").await;
    let mut events = subscribe(&client, &consumer).await.event_stream;
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            for i in 0..5 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let put = client.put_record().stream_name(stream).partition_key("k").data(Blob::new(i.to_string()));
                put.send().await.expect("the record is put");
            }
        }
    });
    let mut found = Vec::new();
    while found.len() < 5 {
        let event = events.recv().await.expect("events arrive").expect("the stream has not ended");
        let event = event.as_subscribe_to_shard_event().expect("there is no other type of event");
        found.extend(event.records().iter().map(|record| record.data().clone().into_inner()));
    }
    assert_eq!(found, [b"0", b"1", b"2", b"3", b"4"]);
    writer.await.expect("the writer is done");
}

async fn shard_end(client: Client) {
    let stream = "shard-end";
    make_stream(&client, stream, 1).await;
    let consumer = make_consumer(&client, stream, "reader").await;
    let half = (1u128 << 127).to_string();
    let split = client.split_shard().stream_name(stream).shard_to_split(FIRST_SHARD).new_starting_hash_key(half);
    split.send().await.expect("the shard is split");
    wait_active(&client, stream).await;
    let mut events = subscribe(&client, &consumer).await.event_stream;
    let mut last: Option<SubscribeToShardEvent> = None;
    while let Some(event) = events.recv().await.expect("events arrive") {
        last = Some(event.as_subscribe_to_shard_event().expect("there is no other type of event").clone());
    }
    let last = last.expect("there is a last event");
    let mut children: Vec<&str> = last.child_shards().iter().map(|child| child.shard_id()).collect();
    children.sort_unstable();
    assert_eq!(children, ["shardId-000000000001", "shardId-000000000002"]);
    // The SDK shows a missing required string as an empty one.
    assert_eq!(last.continuation_sequence_number(), "");
    let merge = client.merge_shards().stream_name(stream).shard_to_merge(children[0]);
    merge.adjacent_shard_to_merge(children[1]).send().await.expect("the shards are merged");
}

async fn takeover_is_refused(client: Client) {
    let stream = "takeover";
    make_stream(&client, stream, 1).await;
    let consumer = make_consumer(&client, stream, "reader").await;
    let first = subscribe(&client, &consumer).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let position = StartingPosition::builder().r#type(ShardIteratorType::Latest).build().expect("a position");
    let call = client.subscribe_to_shard().consumer_arn(&consumer).shard_id(FIRST_SHARD).starting_position(position);
    let text =
        format!("Another active subscription exists for this consumer: 000000000000:{stream}:{FIRST_SHARD}:reader");
    check_refused("SubscribeToShard", call.send().await, "ResourceInUseException", Some(&text));
    drop(first);
    client.deregister_stream_consumer().consumer_arn(consumer).send().await.expect("the consumer goes");
}

async fn listing(client: Client) {
    let stream = "listing";
    make_stream(&client, stream, 3).await;
    let first = client.list_shards().stream_name(stream).max_results(2).send().await.expect("a first page");
    let second = client.list_shards().next_token(first.next_token().expect("a token")).send().await.expect("a second");
    assert_eq!((first.shards().len(), second.shards().len(), second.next_token()), (2, 1, None));
    let names = client.list_streams().send().await.expect("a list");
    assert!(names.stream_names().iter().any(|name| name == stream));
    let described = client.describe_stream().stream_name(stream).send().await.expect("a description");
    assert_eq!(described.stream_description().expect("a description").shards().len(), 3);
    client.describe_limits().send().await.expect("limits");
}

async fn settings(client: Client) {
    let stream = "settings";
    make_stream(&client, stream, 1).await;
    client.add_tags_to_stream().stream_name(stream).tags("a", "b").send().await.expect("tags are added");
    let tags = client.list_tags_for_stream().stream_name(stream).send().await.expect("tags are listed");
    assert_eq!((tags.tags()[0].key(), tags.tags()[0].value()), ("a", Some("b")));
    let longer = client.increase_stream_retention_period().stream_name(stream).retention_period_hours(48);
    longer.send().await.expect("retention grows");
    client.delete_stream().stream_name(stream).send().await.expect("the stream goes");
}

async fn errors(client: Client, server: Arc<Server>) {
    let missing = client.describe_stream_summary().stream_name("nowhere").send().await;
    let text = "Stream nowhere under account 000000000000 not found.";
    check_refused("DescribeStreamSummary", missing, "ResourceNotFoundException", Some(text));
    let bad = client.get_records().shard_iterator("AAAA").send().await;
    check_refused("GetRecords", bad, "InvalidArgumentException", Some("Invalid ShardIterator."));
    let wrong = connect_with(&server.endpoint(), "wrong").list_streams().send().await;
    check_refused("ListStreams", wrong, "InvalidSignatureException", None);
}

async fn over_tls(server: Arc<Server>) {
    assert!(tls::run_client(&server, true).await, "a client that trusts the authority is served");
    assert!(!tls::run_client(&server, false).await, "a client that trusts nobody is not");
}
