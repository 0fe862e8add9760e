use anabranch_wire::Protocol;
use anabranch_wire::event_stream::{
    FrameError, HeaderValue, decode, encode, encode_event, encode_exception, encode_initial_response,
};
use base::codec::{Encode, Writer};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use crate::{unhex, vectors};

#[test]
fn vectors_are_encoded_to_the_byte_and_decoded() {
    for frame in vectors("eventstream_frames.json")["frames"].as_array().expect("a list") {
        let name = &frame["name"];
        let text = |v: &serde_json::Value| v.as_str().expect("text").to_owned();
        let headers: Vec<(String, String)> =
            frame["headers"].as_array().expect("a list").iter().map(|h| (text(&h[0]), text(&h[1]))).collect();
        let borrowed: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        let payload = text(&frame["payload"]);
        let mut out = Vec::new();
        encode(&mut out, &borrowed, |out| out.extend_from_slice(payload.as_bytes()));
        assert_eq!(out[..], unhex(&text(&frame["frame_hex"]))[..], "{name}");

        let mut received = BytesMut::from(&out[..]);
        let message = decode(&mut received).expect("a message").expect("a whole message");
        assert_eq!(message.payload, payload, "{name}");
        assert_eq!(message.headers.len(), headers.len(), "{name}");
        for (name, value) in &headers {
            assert_eq!(message.header(name), Some(&**value));
        }
        assert!(received.is_empty());
    }
}

fn vector(name: &str) -> Vec<u8> {
    let all = vectors("eventstream_frames.json");
    let found =
        all["frames"].as_array().expect("a list").iter().find(|f| f["name"] == name).expect("the vector exists");
    unhex(found["frame_hex"].as_str().expect("text"))
}

#[test]
fn constructors_make_the_vectors() {
    let mut out = Vec::new();
    encode_initial_response(&mut out, Protocol::Json11);
    assert_eq!(out[..], vector("initial-response")[..]);

    out.clear();
    let text = "Another active subscription exists for this consumer";
    encode_exception(&mut out, Protocol::Json11, "ResourceInUseException", text);
    assert_eq!(out[..], vector("exception")[..]);

    struct Empty;
    impl Encode for Empty {
        fn encode(&self, writer: &mut dyn Writer) {
            writer.begin_struct();
            writer.field("ContinuationSequenceNumber");
            writer.string("49590338271490256608559692538361571095921575989136588898");
            writer.field("MillisBehindLatest");
            writer.long(0);
            writer.field("Records");
            writer.begin_list(0);
            writer.end_list();
            writer.end_struct();
        }
    }
    out.clear();
    encode_event(&mut out, Protocol::Json11, "SubscribeToShardEvent", &Empty);
    assert_eq!(out[..], vector("heartbeat-empty-event")[..]);

    out.clear();
    encode_initial_response(&mut out, Protocol::Cbor);
    let message = decode(&mut BytesMut::from(&out[..])).expect("a message").expect("a whole message");
    assert_eq!(message.header(":content-type"), Some("application/x-amz-cbor-1.1"));
    assert_eq!(message.payload, &b"\xbf\xff"[..]);
}

#[test]
fn messages_are_taken_off_a_growing_buffer() {
    let bytes = [vector("event"), vector("error")].concat();
    let mut buffer = BytesMut::new();
    let mut messages = Vec::new();
    for byte in bytes {
        buffer.extend_from_slice(&[byte]);
        messages.extend(decode(&mut buffer).expect("no damage"));
    }
    assert!(buffer.is_empty());
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1].header(":error-code"), Some("InternalFailure"));
}

/// A message with headers given as bytes.
fn message(headers: &[u8]) -> BytesMut {
    let mut out = Vec::new();
    // The payload's place in the checksums does not depend on where headers end, so move the boundary after the fact.
    encode(&mut out, &[], |out| out.extend_from_slice(headers));
    let len = out.len();
    out[4..8].copy_from_slice(&(headers.len() as u32).to_be_bytes());
    let prelude = crc_fast::crc32_iso_hdlc(&out[..8]).to_be_bytes();
    out[8..12].copy_from_slice(&prelude);
    let crc = crc_fast::crc32_iso_hdlc(&out[..len - 4]).to_be_bytes();
    out[len - 4..].copy_from_slice(&crc);
    BytesMut::from(&out[..])
}

#[test]
fn headers_of_every_type_are_read() {
    let cases: [(&str, HeaderValue); 10] = [
        ("00", HeaderValue::Bool(true)),
        ("01", HeaderValue::Bool(false)),
        ("02ff", HeaderValue::Byte(-1)),
        ("03fffe", HeaderValue::Short(-2)),
        ("0400000003", HeaderValue::Integer(3)),
        ("050000000000000004", HeaderValue::Long(4)),
        ("060002abcd", HeaderValue::Bytes(Bytes::from_static(b"\xab\xcd"))),
        ("0700026869", HeaderValue::String("hi".into())),
        ("080000018bcfe5687b", HeaderValue::Timestamp(1_700_000_000_123)),
        ("09000102030405060708090a0b0c0d0e0f", HeaderValue::Uuid(std::array::from_fn(|i| i as u8))),
    ];
    for (hex, value) in cases {
        let headers = [unhex("016e"), unhex(hex)].concat();
        let decoded = decode(&mut message(&headers)).expect("a message").expect("a whole message");
        assert_eq!(decoded.headers, [("n".into(), value)]);
        assert_eq!(decode(&mut message(&headers[..headers.len() - 1])), Err(FrameError::Headers), "{hex}");
    }
    assert_eq!(decode(&mut message(&unhex("016e0a"))), Err(FrameError::Headers));
}

#[test]
fn damage_is_found() {
    let frame = vector("event");
    for at in 0..frame.len() {
        let mut damaged = BytesMut::from(&frame[..]);
        damaged[at] ^= 0x10;
        let expected = if at < 12 { FrameError::PreludeChecksum } else { FrameError::MessageChecksum };
        assert_eq!(decode(&mut damaged), Err(expected), "byte {at}");
    }
}

#[test]
fn lengths_are_limited() {
    for (total, headers) in [(15u32, 0u32), (16, 1), (u32::MAX, 0), (200_000, 140_000), (20_000_000, 0)] {
        let mut prelude = BytesMut::new();
        prelude.extend_from_slice(&total.to_be_bytes());
        prelude.extend_from_slice(&headers.to_be_bytes());
        let crc = crc_fast::crc32_iso_hdlc(&prelude).to_be_bytes();
        prelude.extend_from_slice(&crc);
        let expected = FrameError::Length { total: total as usize, headers: headers as usize };
        assert_eq!(decode(&mut prelude), Err(expected));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_come_back(headers in prop::collection::vec(("[a-z:-]{1,20}", any::<String>()), 0..5), payload in prop::collection::vec(any::<u8>(), 0..2000)) {
        let borrowed: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        let mut out = Vec::new();
        encode(&mut out, &borrowed, |out| out.extend_from_slice(&payload));
        let message = decode(&mut BytesMut::from(&out[..])).expect("a message").expect("a whole message");
        let expected: Vec<_> = headers.iter().map(|(n, v)| (n.as_str().into(), HeaderValue::String(v.as_str().into()))).collect();
        prop_assert_eq!(message.headers, expected);
        prop_assert_eq!(&message.payload[..], &payload[..]);
    }
}
