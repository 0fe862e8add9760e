//! Requests that are signed in their `Authorization` header.

#![no_main]

use base::time::Timestamp;
use fuzz::request::{CREDENTIALS, KINESIS, Keys, Request};
use fuzz::world::NOW;
use http::header::{AUTHORIZATION, HOST};
use wire::sigv4::{Signer, ToSign, Verifier};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(request) = Request::parse(input) else { return };
    let verifier = Verifier::default();
    let verify = |request: &Request| verifier.verify(&request.signed(), &Keys, KINESIS, NOW);
    if verify(&request).is_ok() {
        refuse_changes(&request, verify);
    }
    let Some(signed) = sign(request, NOW) else { return };
    assert_eq!(verify(&signed).as_ref().map(|identity| identity.service.as_str()), Ok("kinesis"), "{signed:?}");
    refuse_changes(&signed, verify);
});

/// Whatever a signature covers cannot be changed.
fn refuse_changes<T, E>(request: &Request, verify: impl Fn(&Request) -> Result<T, E>) {
    let mut other = request.clone();
    other.body.push(b' ');
    assert!(verify(&other).is_err(), "another body");
    let mut other = request.clone();
    other.method.push('X');
    assert!(verify(&other).is_err(), "another method");
    let mut other = request.clone();
    other.headers.append("x-amz-target", "Kinesis_20131202.DeleteStream".parse().expect("a value"));
    assert!(verify(&other).is_err(), "another target");
}

/// The request with a signature of ours; `None` when it has what would make it mean something else.
fn sign(mut request: Request, now: Timestamp) -> Option<Request> {
    let strange = ["x-amz-security-token", "x-amz-content-sha256", "x-amz-date"];
    if strange.iter().any(|name| request.headers.contains_key(*name)) || request.query.contains("X-Amz-") {
        return None;
    }
    request.headers.remove(AUTHORIZATION);
    request.headers.entry(HOST).or_insert_with(|| "localhost".parse().expect("a value"));
    let to_sign = ToSign {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &mut request.headers,
        body: &request.body,
    };
    Signer::new("us-east-1", "kinesis").sign(to_sign, CREDENTIALS, now).expect("a plain key");
    Some(request)
}
