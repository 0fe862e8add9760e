use base::time::{Clock as _, SystemClock, Timestamp};
use http::HeaderMap;
use wire::sigv4::{Signer, SigningCredentials, ToSign};

use crate::support::{Answer, JSON, KEY, SECRET, Server, Wish, exchange, request, start};

struct Sign {
    region: &'static str,
    service: &'static str,
    key: &'static str,
    secret: &'static str,
    now: Timestamp,
}

impl Default for Sign {
    fn default() -> Self {
        Self { region: "eu-west-1", service: "fake", key: KEY, secret: SECRET, now: SystemClock.now() }
    }
}

/// Sends a request whose signature is for `signed`, but whose body is `body`.
async fn send(server: &Server, sign: Sign, signed: &str, body: &str) -> Answer {
    let mut headers = HeaderMap::new();
    for (name, value) in [("host", "localhost"), ("content-type", JSON), ("x-amz-target", "Fake_1.WhoAmI")] {
        headers.insert(name, value.parse().expect("a header value"));
    }
    let credentials =
        SigningCredentials { access_key_id: sign.key, secret_access_key: sign.secret, session_token: None };
    let what = ToSign { method: "POST", path: "/", query: "", headers: &mut headers, body: signed.as_bytes() };
    Signer::new(sign.region, sign.service).sign(what, credentials, sign.now).expect("signed");
    headers.remove("host");
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII"))).collect();
    exchange(server.address, &request("POST", "/", &headers, body)).await
}

#[tokio::test]
async fn a_signed_request_acts_for_its_key_in_its_region() {
    let server = start(Wish { auth: true, ..Wish::default() }).await;
    let answer = send(&server, Sign::default(), "{}", "{}").await;
    assert_eq!(answer.body, format!("{{\"Text\":\"123456789012 eu-west-1 {KEY}\"}}"));
    let fixed = start(Wish { auth: true, region: Some("us-west-2"), ..Wish::default() }).await;
    let answer = send(&fixed, Sign::default(), "{}", "{}").await;
    assert_eq!(answer.body, format!("{{\"Text\":\"123456789012 us-west-2 {KEY}\"}}"));
}

#[tokio::test]
async fn without_authentication_the_scope_decides_the_region() {
    let server = start(Wish::default()).await;
    let answer = send(&server, Sign { secret: "whatever", ..Sign::default() }, "{}", "{}").await;
    assert_eq!(answer.body, format!("{{\"Text\":\"000000000000 eu-west-1 {KEY}\"}}"));
}

#[tokio::test]
async fn doubtful_requests_are_refused_in_the_words_of_aws() {
    let server = start(Wish { auth: true, ..Wish::default() }).await;
    let hour_ago = SystemClock.now().minus(std::time::Duration::from_secs(3600));
    for (sign, body, code) in [
        (Sign { secret: "wrong", ..Sign::default() }, "{}", "InvalidSignatureException"),
        (Sign::default(), r#"{"Text":"changed"}"#, "InvalidSignatureException"),
        (Sign { service: "other", ..Sign::default() }, "{}", "InvalidSignatureException"),
        (Sign { now: hour_ago, ..Sign::default() }, "{}", "InvalidSignatureException"),
        (Sign { key: "AKIAUNKNOWNUNKNOWN00", ..Sign::default() }, "{}", "UnrecognizedClientException"),
        // The body is parsed first.
        (Sign { secret: "wrong", ..Sign::default() }, "{", "SerializationException"),
    ] {
        let answer = send(&server, sign, "{}", body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.starts_with(&format!("{{\"__type\":\"{code}\"")), "{code}: {answer:?}");
    }
    let headers = [("content-type", JSON), ("x-amz-target", "Fake_1.Echo")];
    let answer = exchange(server.address, &request("POST", "/", &headers, "{}")).await;
    assert_eq!(
        answer.body,
        r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
    );
}
