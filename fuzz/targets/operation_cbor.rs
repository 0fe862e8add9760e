//! A request in CBOR, from its target to its answer.

#![no_main]

use wire::Protocol;

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::operation::run(Protocol::Cbor, input));
