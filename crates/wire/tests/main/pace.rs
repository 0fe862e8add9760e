//! How long the main path takes: printed by `cargo test --release -p anabranch-wire pace -- --nocapture`, never asserted.

use std::time::Instant;

use anabranch_wire::Protocol;
use anabranch_wire::sigv4::{SignedRequest, Signer, SigningCredentials, ToSign, Verifier};
use base::codec::{Encode, Writer};
use base::time::Timestamp;
use base::violations::Violations;
use bytes::Bytes;
use http::HeaderMap;

use crate::json::put_records_body;
use crate::shapes::PutRecords;
use crate::sigv4::{KEY, KINESIS, Keys, SIGNED_AT};

/// Prints the shortest of many rounds: the one that nothing else on the machine disturbed.
fn time(what: &str, mut work: impl FnMut()) {
    const ROUNDS: u32 = 500;
    let round = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    let shortest = (0..ROUNDS).map(|_| round(&mut work)).min().unwrap_or_default();
    println!("{what}: {shortest:?}");
}

/// The records as GetRecords returns them.
struct GetRecords(PutRecords);

impl Encode for GetRecords {
    fn encode(&self, writer: &mut dyn Writer) {
        writer.begin_struct();
        writer.field("MillisBehindLatest");
        writer.long(0);
        writer.field("Records");
        writer.begin_list(self.0.records.len());
        for (data, key) in &self.0.records {
            writer.begin_struct();
            writer.field("ApproximateArrivalTimestamp");
            writer.timestamp(Timestamp::from_millis(1_700_000_000_123));
            writer.field("Data");
            writer.blob(data);
            writer.field("PartitionKey");
            writer.string(key);
            writer.field("SequenceNumber");
            writer.string("49590338271490256608559692538361571095921575989136588898");
            writer.end_struct();
        }
        writer.end_list();
        writer.end_struct();
    }
}

#[test]
fn bodies() {
    let body = Bytes::from(put_records_body(500, 100));
    let decode = |protocol: Protocol, body: &Bytes| -> PutRecords {
        protocol.decode(body.clone(), &mut Violations::new()).expect("well formed")
    };
    time("JSON, 500 x 100 B decoded", || assert_eq!(decode(Protocol::Json11, &body).records.len(), 500));
    let shape = GetRecords(decode(Protocol::Json11, &body));
    let mut out = Vec::new();
    for (what, protocol) in [("JSON", Protocol::Json11), ("CBOR", Protocol::Cbor)] {
        time(&format!("{what}, 500 x 100 B encoded"), || {
            out.clear();
            protocol.encode(&shape, &mut out);
        });
    }
    out.clear();
    Protocol::Cbor.encode(&shape.0, &mut out);
    let cbor = Bytes::from(out);
    time("CBOR, 500 x 100 B decoded", || assert_eq!(decode(Protocol::Cbor, &cbor).records.len(), 500));
}

#[test]
fn signatures() {
    let body = Bytes::from(put_records_body(500, 100));
    let mut headers = HeaderMap::new();
    headers.insert("host", "localhost:4567".parse().expect("a value"));
    headers.insert("content-type", "application/x-amz-json-1.1".parse().expect("a value"));
    headers.insert("x-amz-target", "Kinesis_20131202.PutRecords".parse().expect("a value"));
    let credentials = SigningCredentials { access_key_id: KEY, secret_access_key: "secret", session_token: None };
    for (what, body) in [("100 KB", &body[..]), ("2 B", b"{}")] {
        let request = ToSign { method: "POST", path: "/", query: "", headers: &mut headers, body };
        Signer::new("us-east-1", "kinesis").sign(request, credentials, SIGNED_AT).expect("plain credentials");
        let request = SignedRequest { method: "POST", path: "/", query: "", headers: &headers, authority: None, body };
        let (verifier, keys) = (Verifier::default(), Keys::of("secret", None));
        time(&format!("signature over {what} verified"), || {
            assert!(verifier.verify(&request, &keys, KINESIS, SIGNED_AT).is_ok());
        });
    }
}
