//! Requests that overtake each other.

use api::kinesis::*;
use store::shard_log::{LogId, ShardLog as _};

use crate::engines::{Engines, create, put};
use crate::world::{caller, entry, text_of};

const ACCOUNT: &str = "000000000000";
/// The log of the first shard that is ever created.
const FIRST_LOG: LogId = LogId(1);

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
        records: vec![entry("a", b"late".to_vec())],
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
