//! Whole HTTP/1.1 requests as bytes, signed once and sent many times: a signature lives five minutes.

use std::fmt::Write as _;
use std::net::SocketAddr;

use base::time::{Clock, SystemClock};
use base64_simd::STANDARD;
use http::{HeaderMap, HeaderValue};
use wire::sigv4::{Signer, SigningCredentials, ToSign};

use crate::plan::Requests;
use crate::server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// What stands in an answer of PutRecords when no record was refused.
pub(crate) const ALL_TAKEN: &[&str] = &[r#""FailedRecordCount":0"#, r#""FailedRecordCount": 0"#];

/// What to put on the wire around a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signing<'a> {
    /// A signed call of this operation in JSON.
    Json(&'a str),
    /// The same of DynamoDB.
    Table(&'a str),
    /// No signature and no operation, for the bare server.
    Bare,
}

/// Head and body of one request.
pub(crate) fn sign(address: SocketAddr, signing: Signing<'_>, body: &[u8]) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    let text = |text: String| HeaderValue::try_from(text).expect("addresses and operations are ASCII");
    headers.insert("host", text(address.to_string()));
    headers.insert("content-length", text(body.len().to_string()));
    let call = match signing {
        Signing::Json(operation) => Some(("kinesis", "application/x-amz-json-1.1", "Kinesis_20131202", operation)),
        Signing::Table(operation) => Some(("dynamodb", "application/x-amz-json-1.0", "DynamoDB_20120810", operation)),
        Signing::Bare => None,
    };
    if let Some((service, content_type, target, operation)) = call {
        headers.insert("content-type", HeaderValue::from_static(content_type));
        headers.insert("x-amz-target", text(format!("{target}.{operation}")));
        let credentials = SigningCredentials {
            access_key_id: ACCESS_KEY_ID,
            secret_access_key: SECRET_ACCESS_KEY,
            session_token: None,
        };
        let request = ToSign { method: "POST", path: "/", query: "", headers: &mut headers, body };
        Signer::new("us-east-1", service)
            .sign(request, credentials, SystemClock.now())
            .expect("the key can stand in a header");
    }
    let mut out = b"POST / HTTP/1.1\r\n".to_vec();
    for (name, value) in &headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// What one batch looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Records.
    pub count: usize,
    /// Data of each.
    pub bytes: usize,
}

/// One record of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub key: String,
    pub data: Vec<u8>,
}

/// Batches unlike one another, so many that no two connections send the same at a time.
pub(crate) const VARIANTS: u64 = 32;

/// The records of one batch, unlike those of other seeds.
pub(crate) fn records(shape: Shape, seed: u64) -> Vec<Record> {
    let mut noise = Noise(seed.wrapping_mul(2_654_435_761).wrapping_add(1));
    let record = |_| {
        let data = (0..shape.bytes).map(|_| noise.byte()).collect();
        Record { key: format!("key-{:012}", noise.next() % 1_000_000_000_000), data }
    };
    (0..shape.count).map(record).collect()
}

/// The same as a PutRecords body.
pub(crate) fn put_records(stream: &str, count: usize, bytes: usize, seed: u64) -> String {
    let mut out = format!(r#"{{"StreamName":"{stream}","Records":["#);
    for (i, Record { key, data }) in records(Shape { count, bytes }, seed).into_iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let data = STANDARD.encode_to_string(&data);
        write!(out, r#"{comma}{{"Data":"{data}","PartitionKey":"{key}"}}"#)
            .expect("a string takes all that is written");
    }
    out.push_str("]}");
    out
}

/// Signed PutRecords requests of [`VARIANTS`] batches.
pub(crate) fn signed_batches(address: SocketAddr, stream: &str, shape: Shape) -> Requests {
    let body = |seed| put_records(stream, shape.count, shape.bytes, seed);
    (0..VARIANTS).map(|seed| sign(address, Signing::Json("PutRecords"), body(seed).as_bytes())).collect()
}

/// Bytes that no compression or prediction gains from (xorshift).
#[derive(Debug)]
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}
