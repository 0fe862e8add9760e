//! Requests that are signed in their query.

#![no_main]

use std::time::Duration;

use fuzz::request::{CREDENTIALS, KINESIS, Keys, Request};
use fuzz::world::NOW;
use http::header::{AUTHORIZATION, HOST};
use wire::sigv4::{Presign, Signer, Verifier};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(mut request) = Request::parse(input) else { return };
    request.headers.remove(AUTHORIZATION);
    let verifier = Verifier::default();
    let verify = |request: &Request| verifier.verify(&request.signed(), &Keys, KINESIS, NOW);
    if verify(&request).is_ok() {
        refuse_changes(&request, verify);
    }
    let Some(signed) = presign(&request) else { return };
    assert_eq!(verify(&signed).as_ref().map(|identity| identity.service.as_str()), Ok("kinesis"), "{signed:?}");
    refuse_changes(&signed, verify);
});

/// Whatever a signature covers cannot be changed.
fn refuse_changes<T, E>(request: &Request, verify: impl Fn(&Request) -> Result<T, E>) {
    let mut other = request.clone();
    other.query.push_str("&x");
    assert!(verify(&other).is_err(), "another parameter");
    let mut other = request.clone();
    other.path.push_str("/x");
    assert!(verify(&other).is_err(), "another path");
    let mut other = request.clone();
    other.body.push(b' ');
    assert!(verify(&other).is_err(), "another body");
}

/// A presigned request to the same place; `None` when the query says something of a signature already.
fn presign(request: &Request) -> Option<Request> {
    if request.query.contains("X-Amz-") {
        return None;
    }
    let life = Duration::from_secs(60);
    let what = Presign { method: &request.method, host: "localhost", path: &request.path, query: &request.query, life };
    let query = Signer::new("us-east-1", "kinesis").presign(&what, CREDENTIALS, NOW).expect("a life within bounds");
    let headers = [(HOST, "localhost".parse().expect("a value"))].into_iter().collect();
    Some(Request { query, headers, body: Vec::new(), authority: None, ..request.clone() })
}
