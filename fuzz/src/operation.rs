//! One request as the gateway handles it behind authentication: front door, typed input, operation, answer.
//!
//! An input is the name of an operation, a line feed, and a body.

use std::sync::Arc;

use api::kinesis::KinesisService;
use api::service::{Answer, CallError, OperationModel, Reply, Service as _};
use base::caller::Caller;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use store::memory::MemoryCatalog;
use wire::Protocol;
use wire::error_body::ErrorBody;
use wire::event_stream;
use wire::front_door::{Admitted, Head, TargetKind, admit};

use crate::world::{World, caller};

/// Events of one subscription that are looked at.
const EVENTS_MAX: usize = 2;

thread_local! {
    /// Reads bodies; no operation is ever run on it.
    static READER: World = World::start(Arc::new(MemoryCatalog::new())).expect("the service starts");
}

/// Cuts an input at its first line feed: a name, and what follows.
#[must_use]
pub fn named(input: &[u8]) -> (&str, Bytes) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let name = std::str::from_utf8(&input[..end]).unwrap_or_default();
    (name, Bytes::copy_from_slice(input.get(end + 1..).unwrap_or_default()))
}

/// Answers one request.
pub fn run(protocol: Protocol, input: &[u8]) {
    let (name, body) = named(input);
    READER.with(|reader| {
        let reader = KinesisService(reader.streams.clone());
        let model = reader.model();
        let target = format!("{}.{name}", model.target_prefix);
        let head = Head {
            method: "POST",
            content_type: Some(protocol.content_type()),
            target: Some(&target),
            body_is_empty: body.is_empty(),
        };
        let find = |prefix: &str, operation: &str| {
            let known = prefix == model.target_prefix && model.operation(operation).is_some();
            if known { TargetKind::Known } else { TargetKind::Unknown }
        };
        let Ok(Admitted { operation, .. }) = admit(&head, find) else { return };
        let operation = model.operation(operation).expect("admitted requests name a known operation");
        match call(&reader, &caller(), operation, protocol, body.clone()) {
            // Only what can be read is worth a service of its own.
            Ok(_) => serve(operation, protocol, body),
            Err(CallError::Malformed(error)) => {
                drop(
                    ErrorBody { code: "SerializationException", message: error.message.as_deref() }.to_bytes(protocol),
                );
            }
            Err(CallError::Invalid(message)) => {
                drop(ErrorBody { code: "ValidationException", message: Some(&message) }.to_bytes(protocol));
            }
        }
    });
}

fn call<'a>(
    service: &'a KinesisService,
    caller: &'a Caller,
    operation: &'static OperationModel,
    protocol: Protocol,
    body: Bytes,
) -> Result<Answer<'a>, CallError> {
    let answer = protocol.read(body, |reader| service.call(caller, operation, reader));
    answer.map_err(CallError::Malformed)?
}

fn serve(operation: &'static OperationModel, protocol: Protocol, body: Bytes) {
    let world = World::with_stream(Arc::new(MemoryCatalog::new()));
    let service = KinesisService(world.streams.clone());
    world.runtime.block_on(async {
        let answer = call(&service, &world.caller, operation, protocol, body).expect("the body was read before");
        match answer.await {
            Ok(Reply::Empty) => {}
            Ok(Reply::Output(output)) => {
                let mut out = Vec::new();
                protocol.encode(&*output, &mut out);
                check_well_formed(protocol, &out);
            }
            Ok(Reply::Events(mut events)) => {
                let mut out = Vec::new();
                for _ in 0..EVENTS_MAX {
                    let Some(Some(Ok(event))) = events.next().now_or_never() else { break };
                    event_stream::encode_event(&mut out, protocol, event.event_type(), &*event);
                }
            }
            Err(failure) => {
                assert_ne!(failure.code(), "InternalFailureException", "engines in memory do not fail: {failure}");
                let error = ErrorBody { code: failure.code(), message: failure.message() };
                check_well_formed(protocol, &error.to_bytes(protocol));
            }
        }
    });
}

/// Clients must be able to read what the server writes.
fn check_well_formed(protocol: Protocol, body: &[u8]) {
    match protocol {
        Protocol::Json10 | Protocol::Json11 => {
            serde_json::from_slice::<serde_json::Value>(body).expect("answers are JSON");
        }
        Protocol::Cbor | Protocol::RpcV2Cbor => {
            let mut decoder = minicbor::Decoder::new(body);
            decoder.skip().expect("answers are CBOR");
            assert_eq!(decoder.position(), body.len(), "an answer is one value");
        }
    }
}
