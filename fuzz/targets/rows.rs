//! Rows of the catalog: a service starts on them or refuses them, and so do the access keys.
//!
//! An input is rows: `key length u8 | key | value length u16, little endian | value`.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::*;
use auth::AccessKeys;
use futures_util::FutureExt as _;
use fuzz::directory::PlainKey;
use fuzz::world::World;
use store::catalog::{Catalog as _, Transaction};
use store::memory::MemoryCatalog;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let catalog = Arc::new(MemoryCatalog::new());
    catalog.commit(rows(input)).now_or_never().expect("memory does not wait").expect("no expectations");
    let keys = AccessKeys::new(catalog.clone(), Arc::new(PlainKey));
    let _ = keys.reload().now_or_never();
    let Ok(world) = World::start(catalog) else { return };
    world.runtime.block_on(async {
        look_around(&world).await;
        // Changes that the rows say are under way become due.
        world.clock.advance(Duration::from_secs(3600));
        world.streams.run_jobs().await;
        look_around(&world).await;
    });
});

fn rows(mut input: &[u8]) -> Transaction {
    let mut transaction = Transaction::new();
    while let Some((key, rest)) = input.split_first().and_then(|(len, rest)| rest.split_at_checked(usize::from(*len))) {
        let Some((len, rest)) = rest.split_first_chunk() else { break };
        let (value, rest) = rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()));
        transaction = transaction.put(String::from_utf8_lossy(key), value.to_vec());
        input = rest;
    }
    transaction
}

/// Asks for everything that can be read of every stream.
async fn look_around(world: &World) {
    let World { streams, caller, .. } = world;
    let listed = streams.list_streams(caller, ListStreamsInput::default()).await.expect("a list");
    for name in listed.stream_names {
        let stream_name = Some(name);
        let input = DescribeStreamInput { stream_name: stream_name.clone(), ..DescribeStreamInput::default() };
        let _ = streams.describe_stream(caller, input).await;
        let input = DescribeStreamSummaryInput { stream_name: stream_name.clone(), ..Default::default() };
        let summary = streams.describe_stream_summary(caller, input).await.expect("the stream is listed");
        let arn = summary.stream_description_summary.stream_arn;
        let input = ListTagsForStreamInput { stream_name: stream_name.clone(), ..ListTagsForStreamInput::default() };
        let _ = streams.list_tags_for_stream(caller, input).await;
        let input = GetResourcePolicyInput { resource_arn: arn.clone(), ..GetResourcePolicyInput::default() };
        let _ = streams.get_resource_policy(caller, input).await;
        let input = ListStreamConsumersInput { stream_arn: arn, ..ListStreamConsumersInput::default() };
        let _ = streams.list_stream_consumers(caller, input).await;
        let input = ListShardsInput { stream_name: stream_name.clone(), ..ListShardsInput::default() };
        let Ok(shards) = streams.list_shards(caller, input).await else { continue };
        for shard in shards.shards.unwrap_or_default() {
            let input = GetShardIteratorInput {
                stream_name: stream_name.clone(),
                shard_id: shard.shard_id,
                shard_iterator_type: ShardIteratorType::TrimHorizon,
                ..GetShardIteratorInput::default()
            };
            let Ok(iterator) = streams.get_shard_iterator(caller, input).await else { continue };
            let shard_iterator = iterator.shard_iterator.expect("an iterator");
            let _ = streams.get_records(caller, GetRecordsInput { shard_iterator, ..Default::default() }).await;
        }
    }
    let _ = streams.describe_account_settings(caller, DescribeAccountSettingsInput::default()).await;
}
