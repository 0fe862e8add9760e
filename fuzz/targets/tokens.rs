//! Shard iterators and page tokens whose seal is right and whose content may be anything.
//!
//! An input is a byte that says what the token is for, and its content; from 128 on, the text of the token itself.

#![no_main]

use std::sync::Arc;

use api::ModeledError as _;
use api::kinesis::*;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base::ByteString;
use futures_util::FutureExt as _;
use fuzz::world::{STREAM_ARN, World};
use store::catalog::{Catalog as _, Transaction};
use store::memory::MemoryCatalog;

const KEY: [u8; 32] = [7; 32];
/// What is authenticated with each kind of token (docs/format/streams.md).
const KINDS: [&str; 4] = ["shard iterator", "shard page", "consumer page", "stream page"];

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((kind, content)) = input.split_first() else { return };
    let place = usize::from(*kind) % KINDS.len();
    let token = if *kind < 128 { seal(KINDS[place], content) } else { String::from_utf8_lossy(content).into_owned() };
    let token = ByteString::from(token);
    let catalog = Arc::new(MemoryCatalog::new());
    let row = Transaction::new().put("streams/token-key", [&[1], &KEY[..]].concat());
    catalog.commit(row).now_or_never().expect("memory does not wait").expect("no expectations");
    let world = World::with_stream(catalog);
    world.runtime.block_on(present(&world, place, token));
});

fn seal(kind: &str, content: &[u8]) -> String {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &KEY).expect("a key of 32 bytes"));
    let nonce = [3; 12];
    let mut sealed = content.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kind), &mut sealed).expect("short");
    base64_simd::STANDARD.encode_to_string([&nonce, &sealed[..]].concat())
}

/// Uses the token where its kind belongs. What comes back goes on the same way.
async fn present(world: &World, place: usize, token: ByteString) {
    let World { streams, caller, .. } = world;
    let next = Some(token.clone());
    let error = match place {
        0 => {
            let input = GetRecordsInput { shard_iterator: token, ..GetRecordsInput::default() };
            streams.get_records(caller, input).await.err()
        }
        1 => {
            let input = ListShardsInput { next_token: next, max_results: Some(1), ..ListShardsInput::default() };
            streams.list_shards(caller, input).await.err()
        }
        2 => {
            let stream_arn = STREAM_ARN.into();
            let input =
                ListStreamConsumersInput { stream_arn, next_token: next, ..ListStreamConsumersInput::default() };
            streams.list_stream_consumers(caller, input).await.err()
        }
        _ => {
            let input = ListStreamsInput { next_token: next, ..ListStreamsInput::default() };
            streams.list_streams(caller, input).await.err()
        }
    };
    let code = error.as_ref().map_or("", |error| error.code());
    assert_ne!(code, "InternalFailureException", "engines in memory do not fail: {error:?}");
}
