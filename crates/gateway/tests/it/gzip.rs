use base::time::{Clock as _, SystemClock};
use gateway::Limits;
use http::HeaderMap;
use wire::sigv4::{Signer, SigningCredentials, ToSign};

use crate::support::{Answer, JSON, KEY, SECRET, Server, Wish, exchange, request_with, start};

/// `{"Text":"packed"}`
const VALUE: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x0a\x49\xad\x28\x51\xb2\x52\x2a\x48\x4c\xce\x4e\x4d\x51\xaa\x05\x00\x7a\x4c\x7b\x65\x11\x00\x00\x00";
/// `Action=Echo&Version=2026-01-01&Text=packed`
const FORM: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x73\x4c\x2e\xc9\xcc\xcf\xb3\x75\x4d\xce\xc8\x57\x0b\x4b\x2d\x2a\x06\x71\x8c\x0c\x8c\xcc\x74\x0d\x0c\x81\x48\x2d\x24\xb5\xa2\xc4\xb6\x20\x31\x39\x3b\x35\x05\x00\x00\x64\x92\xa2\x2a\x00\x00\x00";

async fn echo(server: &Server, encoding: &str, body: &[u8]) -> Answer {
    let headers = [("content-type", JSON), ("x-amz-target", "Fake_1.Echo"), ("content-encoding", encoding)];
    exchange(server.address, request_with("/", &headers, body)).await
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let server = start(Wish::default()).await;
    for encoding in ["gzip", "GZIP", "amz-1.0,gzip", "amz-1.0, gzip"] {
        assert_eq!(echo(&server, encoding, VALUE).await.body, r#"{"Text":"packed"}"#, "{encoding}");
    }
    // What other clients write there means nothing.
    assert_eq!(echo(&server, "amz-1.0", b"{}").await.body, r#"{"Text":""}"#);
}

#[tokio::test]
async fn bodies_that_cannot_be_decompressed_are_refused() {
    let server = start(Wish::default()).await;
    let answer = echo(&server, "gzip", b"{}").await;
    let refused =
        r#"{"__type":"SerializationException","Message":"The body is not gzip, as its Content-Encoding says."}"#;
    assert_eq!((answer.status, answer.body.as_str()), (400, refused));
    let mut damaged = VALUE.to_vec();
    damaged[12] ^= 1;
    let answer = echo(&server, "gzip", &damaged).await;
    assert_eq!((answer.status, answer.body.as_str()), (400, refused));
    let small =
        start(Wish { limits: Limits { body_bytes_max: VALUE.len(), ..Limits::default() }, ..Wish::default() }).await;
    // The last bytes are the length.
    let mut large = VALUE.to_vec();
    let at = large.len() - 4;
    large[at] = 0xff;
    let answer = echo(&small, "gzip", &large).await;
    assert!(answer.status == 413 && answer.body.contains("RequestEntityTooLargeException"), "{answer:?}");
}

/// Signs the bytes as they are sent.
async fn signed(server: &Server, secret: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
    let mut all = HeaderMap::new();
    for (name, value) in [&[("host", "localhost"), ("content-encoding", "gzip")], headers].concat() {
        all.insert(name, value.parse().expect("a header value"));
    }
    let credentials = SigningCredentials { access_key_id: KEY, secret_access_key: secret, session_token: None };
    let what = ToSign { method: "POST", path: "/", query: "", headers: &mut all, body };
    Signer::new("eu-west-1", "fake").sign(what, credentials, SystemClock.now()).expect("signed");
    all.remove("host");
    let headers: Vec<(&str, &str)> =
        all.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII"))).collect();
    exchange(server.address, request_with("/", &headers, body)).await
}

#[tokio::test]
async fn signatures_are_over_the_compressed_bytes() {
    let server = start(Wish { auth: true, ..Wish::default() }).await;
    let value = [("content-type", JSON), ("x-amz-target", "Fake_1.Echo")];
    assert_eq!(signed(&server, SECRET, &value, VALUE).await.body, r#"{"Text":"packed"}"#);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = signed(&server, SECRET, &form, FORM).await;
    assert!(answer.status == 200 && answer.body.contains("<Text>packed</Text>"), "{answer:?}");
    // Nothing is decompressed for strangers.
    let answer = signed(&server, "wrong", &value, b"not gzip").await;
    assert!(answer.body.contains("InvalidSignatureException"), "{answer:?}");
    let answer = signed(&server, "wrong", &form, b"not gzip").await;
    assert!(answer.body.contains("SignatureDoesNotMatch"), "{answer:?}");
}
