use std::time::Duration;

use anabranch_wire::sigv4::{
    AuthError, ExpectedService, Identity, Presign, SignError, SignedRequest, Signer, SigningCredentials, ToSign,
    Verifier,
};
use base::caller::{Credential, CredentialSource};
use base::ids::AccountId;
use base::time::Timestamp;
use base::violations::Violations;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::shapes::Nothing;
use crate::vectors;

pub const KINESIS: ExpectedService<'_> = ExpectedService { names: &["kinesis"], unsigned_payload: false };
/// 2023-11-14T22:13:20Z, when the vectors were signed.
pub const SIGNED_AT: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub const KEY: &str = "AKIDEXAMPLE";

/// Knows one key.
pub struct Keys(Credential);

impl Keys {
    pub fn of(secret: &str, token: Option<&str>) -> Self {
        Self(Credential {
            secret_access_key: secret.to_owned(),
            account: AccountId::zero(),
            session_token: token.map(str::to_owned),
        })
    }
}

impl CredentialSource for Keys {
    fn find(&self, access_key_id: &str) -> Option<Credential> {
        (access_key_id == KEY).then(|| self.0.clone())
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is text"))
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    headers.append(
        HeaderName::try_from(name.to_ascii_lowercase()).expect("a header name"),
        HeaderValue::from_str(value).expect("a header value"),
    );
}

/// Host, path and query of a URL.
fn split_url(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").expect("a scheme").1;
    let (host, rest) = rest.split_at(rest.find('/').expect("a path"));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (host, path, query)
}

fn sdk_cases() -> Vec<Value> {
    let all = vectors("sigv4.json");
    all.as_array().expect("a list").iter().filter(|case| case.get("signed_url").is_some()).cloned().collect()
}

#[test]
fn botocore_signatures_are_verified() {
    let cases = sdk_cases();
    assert_eq!(cases.len(), 8);
    for case in &cases {
        let (host, path, query) = split_url(case["signed_url"].as_str().unwrap_or_else(|| text(case, "url")));
        let mut headers = HeaderMap::new();
        for (name, value) in case["headers"].as_object().expect("a map") {
            insert(&mut headers, name, value.as_str().expect("text"));
        }
        insert(&mut headers, "host", host);
        let body = text(case, "body").as_bytes();
        let request =
            SignedRequest { method: text(case, "method"), path, query, headers: &headers, authority: None, body };
        let service = text(case, "service");
        let expected = ExpectedService { names: &[service], unsigned_payload: service == "kinesisvideo" };
        let keys = Keys::of(text(case, "secret_key"), case["session_token"].as_str());
        let identity = Identity {
            access_key_id: KEY.to_owned(),
            account: AccountId::zero(),
            region: "us-east-1".parse().expect("a region"),
            service: service.to_owned(),
        };
        let verifier = Verifier::default();
        // Twice: the second time the signing key comes from the cache.
        for _ in 0..2 {
            assert_eq!(verifier.verify(&request, &keys, expected, SIGNED_AT), Ok(identity.clone()), "{}", case["name"]);
        }
        let wrong = Keys::of("another secret", case["session_token"].as_str());
        assert_eq!(
            verifier.verify(&request, &wrong, expected, SIGNED_AT),
            Err(AuthError::Mismatch),
            "{}",
            case["name"]
        );
    }
}

#[test]
fn our_signatures_are_those_of_botocore() {
    for case in sdk_cases() {
        let name = text(&case, "name");
        let signer = Signer::new(text(&case, "region"), text(&case, "service"));
        let credentials = SigningCredentials {
            access_key_id: KEY,
            secret_access_key: text(&case, "secret_key"),
            session_token: case["session_token"].as_str(),
        };
        let (host, path, query) = split_url(text(&case, "url"));
        if let Some(url) = case["signed_url"].as_str() {
            let life = if name == "presign_session" { 60 } else { 299 };
            let what = Presign { method: "GET", host, path, query, life: Duration::from_secs(life) };
            let signed = signer.presign(&what, credentials, SIGNED_AT).expect("a life within bounds");
            assert_eq!(signed, split_url(url).2, "{name}");
            continue;
        }
        let mut headers = HeaderMap::new();
        insert(&mut headers, "host", host);
        for (header, value) in case["headers"].as_object().expect("a map") {
            if !["Authorization", "X-Amz-Date", "X-Amz-Security-Token"].contains(&&**header) {
                insert(&mut headers, header, value.as_str().expect("text"));
            }
        }
        insert(&mut headers, "user-agent", "not signed");
        let body = text(&case, "body").as_bytes();
        let request = ToSign { method: text(&case, "method"), path, query, headers: &mut headers, body };
        signer.sign(request, credentials, SIGNED_AT).expect("a token of ASCII");
        assert_eq!(headers["authorization"], text(&case["headers"], "Authorization"), "{name}");
        assert_eq!(headers["x-amz-date"], "20231114T221320Z");
    }
}

#[test]
fn asymmetric_signatures_are_refused() {
    let all = vectors("sigv4.json");
    let case = all.as_array().expect("a list").iter().find(|case| case["name"] == "sigv4a_request").expect("there");
    let mut headers = HeaderMap::new();
    for (name, value) in case["headers"].as_object().expect("a map") {
        insert(&mut headers, name, value.as_str().expect("text"));
    }
    let body = text(case, "body").as_bytes();
    let request = SignedRequest { method: "POST", path: "/", query: "", headers: &headers, authority: None, body };
    let refused = Verifier::default().verify(&request, &Keys::of("secret", None), KINESIS, SIGNED_AT);
    assert_eq!(refused, Err(AuthError::UnsupportedAlgorithm("AWS4-ECDSA-P256-SHA256".to_owned())));
}

/// Verifies a captured request at the time of its own date.
fn verify_captured(headers: &[Value], method: &str, path: &str, body: &str) -> Result<Identity, AuthError> {
    let mut map = HeaderMap::new();
    let mut authority = None;
    for pair in headers {
        let (name, value) = (pair[0].as_str().expect("text"), pair[1].as_str().expect("text"));
        match name {
            ":authority" => authority = Some(value),
            _ if name.starts_with(':') => {}
            _ => insert(&mut map, name, value),
        }
    }
    let scope = map["authorization"].to_str().expect("ASCII").split('/').nth(3).expect("a service").to_owned();
    let service = ExpectedService { names: &["kinesis", "monitoring", "dynamodb"], unsigned_payload: false };
    assert!(service.names.contains(&&*scope));
    let token = map.get("x-amz-security-token").map(|v| v.to_str().expect("ASCII").to_owned());
    let request = SignedRequest { method, path, query: "", headers: &map, authority, body: body.as_bytes() };
    let date = map["x-amz-date"].to_str().expect("ASCII");
    let clock: i64 = [(9, 3600), (11, 60), (13, 1)]
        .into_iter()
        .map(|(at, unit)| date[at..at + 2].parse::<i64>().expect("digits") * unit)
        .sum();
    assert!(date.starts_with("20261121T"), "all were captured on one day");
    let now = Timestamp::from_millis((20_778 * 86_400 + clock) * 1000);
    Verifier::default().verify(&request, &Keys::of("secret", token.as_deref()), service, now)
}

#[test]
fn every_captured_request_is_verified() {
    let all = vectors("observed_requests.json");
    let mut count = 0;
    for (client, requests) in all.as_object().expect("a map") {
        for request in requests.as_array().expect("a list") {
            let Some(headers) = request["headers"].as_array() else { continue };
            let body = request["body"].as_str().expect("text");
            let identity = verify_captured(headers, "POST", "/", body);
            assert!(identity.is_ok(), "{client}: {identity:?}");
            assert_eq!(verify_captured(headers, "POST", "/", "{ }"), Err(AuthError::Mismatch), "{client}");
            let is_json = anabranch_wire::Protocol::Json11
                .decode::<Nothing>(body.to_owned().into(), &mut Violations::new())
                .is_ok();
            assert!(is_json, "{client}: {body}");
            count += 1;
        }
    }
    assert_eq!(count, 38);
}

#[test]
fn http2_authority_is_signed_in_place_of_host() {
    let all = vectors("sigv4.json");
    let case =
        all.as_array().expect("a list").iter().find(|c| c["name"] == "js_sdk_v3_http2_authority").expect("there");
    let headers = case["http2_headers"].as_array().expect("a list");
    assert!(verify_captured(headers, "POST", "/", text(case, "body")).is_ok());
    let without: Vec<Value> = headers.iter().filter(|h| h[0] != ":authority").cloned().collect();
    assert_eq!(verify_captured(&without, "POST", "/", text(case, "body")), Err(AuthError::Mismatch));
}

#[test]
fn what_cannot_be_signed() {
    let signer = Signer::new("us-east-1", "kinesis");
    let mut credentials = SigningCredentials { access_key_id: KEY, secret_access_key: "s", session_token: None };
    for seconds in [0, 604_801] {
        let what = Presign { method: "GET", host: "h", path: "/", query: "", life: Duration::from_secs(seconds) };
        assert_eq!(signer.presign(&what, credentials, SIGNED_AT), Err(SignError::Expires));
    }
    credentials.session_token = Some("line\nbreak");
    let request = ToSign { method: "POST", path: "/", query: "", headers: &mut HeaderMap::new(), body: b"" };
    assert_eq!(signer.sign(request, credentials, SIGNED_AT), Err(SignError::Credentials));
}
