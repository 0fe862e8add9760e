//! Clients of one server, and the calls that the cases make beside producer and consumer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::dynamodb::{DynamoDB as _, ScanInput};
use api::kinesis::{
    CreateStreamInput, DescribeStreamSummaryInput, Kinesis as _, ListShardsInput, MergeShardsInput, ScalingType, Shard,
    SplitShardInput, StreamStatus, UpdateShardCountInput,
};
use base::ByteString;
use base::caller::Caller;
use base::hash_key::HashKey;
use base::ids::{AccountId, Region};
use client::{Credentials, DynamoDbClient, Endpoint, KinesisClient};

use crate::server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Server};

const WAIT_MAX: Duration = Duration::from_secs(120);

pub(super) struct Session {
    pub kinesis: Arc<KinesisClient>,
    pub dynamodb: Arc<DynamoDbClient>,
    caller: Caller,
}

impl Session {
    pub(super) fn open(server: &Server) -> Self {
        let endpoint: Endpoint = server.endpoint().parse().expect("an endpoint");
        let region = Region::new("us-east-1").expect("a region");
        let credentials = Credentials {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            session_token: None,
        };
        let kinesis = KinesisClient::builder(endpoint.clone(), region.clone(), credentials.clone()).cbor().build();
        let dynamodb = DynamoDbClient::builder(endpoint, region.clone(), credentials).build();
        Self {
            kinesis: Arc::new(kinesis.expect("no TLS")),
            dynamodb: Arc::new(dynamodb.expect("no TLS")),
            caller: Caller { account: AccountId::zero(), region, access_key_id: None },
        }
    }

    pub(super) async fn make_stream(&self, name: &'static str, shards: i32) {
        let input = CreateStreamInput { stream_name: name.into(), shard_count: Some(shards), ..Default::default() };
        self.kinesis.create_stream(&self.caller, input).await.expect("a stream is created");
        self.wait_active(name).await;
    }

    async fn wait_active(&self, name: &'static str) {
        wait_for("an ACTIVE stream", async || {
            let input = DescribeStreamSummaryInput { stream_name: Some(name.into()), ..Default::default() };
            let found = self.kinesis.describe_stream_summary(&self.caller, input).await.expect("the stream exists");
            found.stream_description_summary.stream_status == StreamStatus::Active
        })
        .await
        .expect("streams become ACTIVE");
    }

    /// The open shards, by the beginning of their range.
    pub(super) async fn open_shards(&self, name: &'static str) -> Vec<Shard> {
        let input = ListShardsInput { stream_name: Some(name.into()), ..Default::default() };
        let mut shards =
            self.kinesis.list_shards(&self.caller, input).await.expect("shards").shards.expect("some shards");
        shards.retain(|shard| shard.sequence_number_range.ending_sequence_number.is_none());
        shards.sort_by_key(|shard| range(shard).0);
        shards
    }

    pub(super) async fn split_first(&self, name: &'static str) {
        let shards = self.open_shards(name).await;
        let (start, end) = range(&shards[0]);
        let middle = start.0 + (end.0 - start.0) / 2;
        let input = SplitShardInput {
            stream_name: Some(name.into()),
            shard_to_split: shards[0].shard_id.clone(),
            new_starting_hash_key: middle.to_string().into(),
            ..Default::default()
        };
        self.kinesis.split_shard(&self.caller, input).await.expect("a shard is split");
        self.wait_active(name).await;
    }

    pub(super) async fn merge_last(&self, name: &'static str) {
        let shards = self.open_shards(name).await;
        let [.., first, second] = &shards[..] else { panic!("there are two shards") };
        let input = MergeShardsInput {
            stream_name: Some(name.into()),
            shard_to_merge: first.shard_id.clone(),
            adjacent_shard_to_merge: second.shard_id.clone(),
            ..Default::default()
        };
        self.kinesis.merge_shards(&self.caller, input).await.expect("shards are merged");
        self.wait_active(name).await;
    }

    pub(super) async fn resize(&self, name: &'static str, shards: i32) {
        let input = UpdateShardCountInput {
            stream_name: Some(name.into()),
            target_shard_count: shards,
            scaling_type: ScalingType::UniformScaling,
            ..Default::default()
        };
        self.kinesis.update_shard_count(&self.caller, input).await.expect("a stream is resized");
        self.wait_active(name).await;
    }

    /// The owner of each lease whose shard is not finished.
    pub(super) async fn owners(&self, application: &'static str) -> BTreeMap<ByteString, Option<ByteString>> {
        let input = ScanInput { table_name: application.into(), consistent_read: Some(true), ..Default::default() };
        let found = self.dynamodb.scan(&self.caller, input).await.expect("the table exists");
        let rows = found.items.unwrap_or_default().into_iter();
        rows.filter_map(|mut row| {
            let mut text = |name: &str| row.remove(name).and_then(|value| value.s);
            let checkpoint = text("checkpoint")?;
            (checkpoint != "SHARD_END").then(|| (text("leaseKey").expect("every row has its key"), text("leaseOwner")))
        })
        .collect()
    }
}

fn range(shard: &Shard) -> (HashKey, HashKey) {
    let range = &shard.hash_key_range;
    (range.starting_hash_key.parse().expect("a hash key"), range.ending_hash_key.parse().expect("a hash key"))
}

/// Looks again and again until it is so.
pub(super) async fn wait_for(what: &str, is_so: impl AsyncFn() -> bool) -> Result<(), String> {
    let started = Instant::now();
    while !is_so().await {
        if started.elapsed() > WAIT_MAX {
            return Err(format!("no {what} within {} s", WAIT_MAX.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
