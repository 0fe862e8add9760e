//! Bytes that mean nothing must never do more than fail.

use anabranch_wire::Protocol;
use anabranch_wire::query::{Call, QueryReader};
use anabranch_wire::sigv4::{SignedRequest, Verifier};
use base::codec::Decode as _;
use base::violations::Violations;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use proptest::prelude::*;

use crate::shapes::{Everything, Nothing, PutRecords};
use crate::sigv4::{KINESIS, Keys};

/// Random bytes, and bytes that look a little like what they should be.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop::sample::select(b"{}[]\",:\\ud8tfn10.e-TextListMapNested/=A ".to_vec()), 0..200),
        prop::collection::vec(
            prop::sample::select(vec![
                0xa1, 0xbf, 0x9f, 0xff, 0x64, b'T', b'e', b'x', b't', 0x7f, 0x5f, 0xf6, 0x81, 0xc1, 0x1b, 0x40
            ]),
            0..200
        ),
        prop::collection::vec(any::<u8>(), 0..60).prop_map(|tail| [b"\xa1\x64Text".to_vec(), tail].concat()),
        prop::collection::vec(any::<u8>(), 0..60)
            .prop_map(|tail| [b"{\"Nested\":{\"Blob\":\"".to_vec(), tail].concat()),
    ]
}

/// Random bytes, and parameters whose names lead somewhere.
fn form() -> impl Strategy<Value = Vec<u8>> {
    let name = "(Nested\\.){0,3}(Text|Blob|Flag|Small|Large|Real|Time|List|Map|Nested|Records)?(\\.(member|entry))?\\
                (\\.[0-9]{1,2})?(\\.(key|value|Data|PartitionKey))?\\.?";
    let value = "|1|true|2023-11-14T22:13:20Z|[%+=.A-Za-z0-9]{0,8}";
    let parameters = prop::collection::vec((name, value), 0..12).prop_map(|parameters| {
        let pieces: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pieces.join("&").into_bytes()
    });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop::sample::select(b"=&%.+10TextListmbr".to_vec()), 0..200),
        parameters
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn readers(body in body()) {
        for protocol in [Protocol::Json11, Protocol::Cbor, Protocol::RpcV2Cbor] {
            let body = Bytes::copy_from_slice(&body);
            let _ = protocol.decode::<Everything>(body.clone(), &mut Violations::new());
            let _ = protocol.decode::<PutRecords>(body.clone(), &mut Violations::new());
            let _ = protocol.decode::<Nothing>(body, &mut Violations::new());
        }
    }

    #[test]
    fn forms(form in form()) {
        let form = Bytes::from(form);
        let _ = Call::of(&form);
        let reader = || QueryReader::new(&form);
        let _ = reader().and_then(|mut reader| Everything::decode(&mut reader, &mut Violations::new()));
        let _ = reader().and_then(|mut reader| PutRecords::decode(&mut reader, &mut Violations::new()));
        let _ = reader().and_then(|mut reader| Nothing::decode(&mut reader, &mut Violations::new()));
    }

    #[test]
    fn event_streams(body in prop::collection::vec(any::<u8>(), 0..100), headers in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = anabranch_wire::event_stream::decode(&mut BytesMut::from(&body[..]));
        // With sound checksums around them.
        let mut prelude = BytesMut::new();
        prelude.extend_from_slice(&(16 + headers.len() as u32).to_be_bytes());
        prelude.extend_from_slice(&(headers.len() as u32).to_be_bytes());
        let crc = crc_fast::crc32_iso_hdlc(&prelude).to_be_bytes();
        prelude.extend_from_slice(&crc);
        prelude.extend_from_slice(&headers);
        let crc = crc_fast::crc32_iso_hdlc(&prelude).to_be_bytes();
        prelude.extend_from_slice(&crc);
        let _ = anabranch_wire::event_stream::decode(&mut prelude);
    }

    #[test]
    fn signatures(
        authorization in prop_oneof![any::<String>(), "AWS4-HMAC-SHA256 (Credential|Signature|SignedHeaders|=|,| |/|[a-z0-9;:é%]){0,20}"],
        query in prop_oneof![any::<String>(), "(X-Amz-(Algorithm|Credential|Signature|SignedHeaders|Date|Expires)|=|&|%|[a-f0-9/é]){0,30}"],
        date in prop_oneof![any::<String>(), "[0-9TZ]{16}"],
        path in any::<String>(),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in [("authorization", authorization), ("x-amz-date", date)] {
            if let Ok(value) = http::HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        let verifier = Verifier::default();
        for headers in [headers, HeaderMap::new()] {
            let request = SignedRequest { method: "POST", path: &path, query: &query, headers: &headers, authority: None, body: b"{}" };
            prop_assert!(verifier.verify(&request, &Keys::of("secret", None), KINESIS, base::time::Timestamp::default()).is_err());
        }
    }
}
