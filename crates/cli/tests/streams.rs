//! `anabranch stream`

use serde_json::{Value, json};

use crate::harness::Server;

/// Replaces what differs from run to run.
fn steady(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once("20") {
            Some((before, _)) if line.contains("T") && line.trim_end().ends_with('Z') => {
                format!("{before}<time>")
            }
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_stream_is_created_shown_and_listed() {
    let server = Server::start(&[]);
    let show = "\
Stream      orders
ARN         arn:aws:kinesis:us-east-1:000000000000:stream/orders
Status      ACTIVE
Mode        PROVISIONED
Shards      2 open, 0 closed
Retention   24 h
Encryption  NONE
Created     <time>

SHARD                 STATE  HASH KEYS FROM                    TO                                SHARE    PARENTS
shardId-000000000000  OPEN   00000000000000000000000000000000  7fffffffffffffffffffffffffffffff  50.00 %
shardId-000000000001  OPEN   80000000000000000000000000000000  ffffffffffffffffffffffffffffffff  50.00 %";
    assert_eq!(steady(&server.anabranch(&["stream", "create", "orders", "--shards", "2", "--wait"])), show);
    assert_eq!(steady(&server.anabranch(&["stream", "show", "orders"])), show);
    server.anabranch(&["stream", "create", "clicks", "--on-demand", "--wait"]);
    assert_eq!(
        steady(&server.anabranch(&["stream", "list"])),
        "\
STREAM  STATUS  MODE         CREATED
clicks  ACTIVE  ON_DEMAND    <time>
orders  ACTIVE  PROVISIONED  <time>"
    );
    let list = server.anabranch_json(&["stream", "list"]);
    assert_eq!(list[1]["StreamARN"], "arn:aws:kinesis:us-east-1:000000000000:stream/orders");
    assert_eq!(server.anabranch_json(&["stream", "list", "--region", "eu-west-1"]), json!([]));
}

fn shards(show: &Value) -> Vec<(String, bool, Option<String>)> {
    let shards = show["Shards"].as_array().expect("shards");
    shards
        .iter()
        .map(|shard| {
            let is_open = shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
            let parent = shard["ParentShardId"].as_str().map(str::to_owned);
            (shard["HashKeyRange"]["StartingHashKey"].as_str().expect("a key").to_owned(), is_open, parent)
        })
        .collect()
}

#[test]
fn shards_are_split_merged_and_scaled() {
    let server = Server::start(&[]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    let half = (1u128 << 127).to_string();
    let show = server.anabranch_json(&["stream", "split", "s", "shardId-000000000000", "--wait"]);
    let parent = || Some("shardId-000000000000".to_owned());
    assert_eq!(
        shards(&show),
        [("0".to_owned(), false, None), ("0".to_owned(), true, parent()), (half, true, parent())]
    );
    let show = server.anabranch_json(&["stream", "merge", "s", "1", "2", "--wait"]);
    assert_eq!(show["OpenShardCount"], 1);
    let show = server.anabranch_json(&["stream", "split", "s", "3", "--at", "1000", "--wait"]);
    assert_eq!(shards(&show)[5].0, "1000");
    let show = server.anabranch_json(&["stream", "scale", "s", "4", "--wait"]);
    assert_eq!(show["OpenShardCount"], 4);
    let ended = server.run(&["stream", "split", "s", "77"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("`anabranch stream show s` shows its shards"), "{}", ended.err);
}

#[test]
fn a_stream_is_deleted() {
    let server = Server::start(&[]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    assert_eq!(server.anabranch(&["stream", "delete", "s", "--wait"]), "Stream s deleted\n");
    assert_eq!(server.anabranch_json(&["stream", "list"]), json!([]));
    let ended = server.run(&["stream", "delete", "s"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "anabranch: ResourceNotFoundException: Stream s under account 000000000000 not found; `anabranch stream list` \
         shows the streams of this region and account\n"
    );
}

#[test]
fn waiting_outlasts_transitions() {
    let server = Server::start(&["--transition-delay", "300ms"]);
    let created = server.anabranch_json(&["stream", "create", "s"]);
    assert_eq!(created["StreamStatus"], "CREATING");
    let split = server.anabranch_json(&["stream", "create", "t", "--wait"]);
    assert_eq!(split["StreamStatus"], "ACTIVE");
    let split = server.anabranch_json(&["stream", "split", "t", "0", "--wait"]);
    assert_eq!((&split["StreamStatus"], &split["OpenShardCount"]), (&json!("ACTIVE"), &json!(2)));
}
