//! Every shape that can be read, from CBOR. An input is the name of a shape, a line feed, and a body.

#![no_main]

use wire::Protocol;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (name, body) = fuzz::operation::named(input);
    fuzz::shapes::round_trip(name, Protocol::Cbor, body);
});
