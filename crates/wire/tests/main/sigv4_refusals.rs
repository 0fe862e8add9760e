//! What is refused, and in which words.

use std::time::Duration;

use anabranch_wire::sigv4::{
    AuthError, ExpectedService, Presign, SignedRequest, Signer, SigningCredentials, ToSign, Verifier,
};
use base::time::Timestamp;
use http::HeaderMap;

use crate::sigv4::{KEY, KINESIS, Keys, SIGNED_AT};

const BODY: &[u8] = b"{}";

fn credentials(session_token: Option<&str>) -> SigningCredentials<'_> {
    SigningCredentials { access_key_id: KEY, secret_access_key: "secret", session_token }
}

/// Headers of a request that is sound.
fn signed() -> HeaderMap {
    signed_with(&[], None)
}

fn signed_with(more: &[(&'static str, &str)], token: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", "localhost:4567".parse().expect("a value"));
    headers.insert("x-amz-target", "Kinesis_20131202.ListStreams".parse().expect("a value"));
    for (name, value) in more {
        headers.append(*name, value.parse().expect("a value"));
    }
    let request = ToSign { method: "POST", path: "/", query: "", headers: &mut headers, body: BODY };
    Signer::new("us-east-1", "kinesis").sign(request, credentials(token), SIGNED_AT).expect("plain credentials");
    headers
}

fn verify_at(headers: &HeaderMap, query: &str, now: Timestamp) -> Result<(), AuthError> {
    let request = SignedRequest { method: "POST", path: "/", query, headers, authority: None, body: BODY };
    Verifier::default().verify(&request, &Keys::of("secret", None), KINESIS, now).map(drop)
}

fn verify(headers: &HeaderMap) -> Result<(), AuthError> {
    verify_at(headers, "", SIGNED_AT)
}

/// The sound request with its Authorization header changed.
fn with_authorization(change: impl Fn(&str) -> String) -> HeaderMap {
    let mut headers = signed();
    let changed = change(headers["authorization"].to_str().expect("ASCII"));
    headers.insert("authorization", changed.parse().expect("a value"));
    headers
}

#[track_caller]
fn check(result: Result<(), AuthError>, code: &str, text: &str) {
    let error = result.expect_err("refused");
    assert_eq!((error.code(), error.to_string().as_str()), (code, text));
}

const INVALID: &str = "InvalidSignatureException";
const INCOMPLETE: &str = "IncompleteSignatureException";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

#[test]
fn the_sound_request_is_believed() {
    assert_eq!(verify(&signed()), Ok(()));
}

#[test]
fn nothing_or_two_things() {
    check(verify(&HeaderMap::new()), "MissingAuthenticationTokenException", "Missing Authentication Token");
    let basic = with_authorization(|_| "Basic abc".to_owned());
    check(verify(&basic), "MissingAuthenticationTokenException", "Missing Authentication Token");
    check(
        verify_at(&signed(), "X-Amz-Algorithm=AWS4-HMAC-SHA256", SIGNED_AT),
        INVALID,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
}

#[test]
fn missing_pieces_are_named() {
    let mut headers = with_authorization(|_| "AWS4-HMAC-SHA256".to_owned());
    headers.remove("x-amz-date");
    check(
        verify(&headers),
        INCOMPLETE,
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a \
         'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256",
    );
    check(
        verify(&with_authorization(|_| "AWS4-HMAC-SHA256 Signature=b, SignedHeaders=c".to_owned())),
        INCOMPLETE,
        "Authorization header requires 'Credential' parameter. Authorization=AWS4-HMAC-SHA256 Signature=b, \
         SignedHeaders=c",
    );
    check(
        verify_at(&HeaderMap::new(), "X-Amz-Algorithm=x&X-Amz-Date=y&X-Amz-Signature=", SIGNED_AT),
        INCOMPLETE,
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include \
         'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the \
         query-string parameters.",
    );
}

#[test]
fn empty_pieces_are_missing() {
    let mut headers = signed();
    headers.insert("x-amz-date", "".parse().expect("a value"));
    let error = verify(&headers).expect_err("no date").to_string();
    let wanted = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=";
    assert!(error.starts_with(wanted), "{error}");
    for query in ["X-Amz-Algorithm", "X-Amz-Algorithm="] {
        check(
            verify_at(&HeaderMap::new(), query, SIGNED_AT),
            INCOMPLETE,
            "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include \
             'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string \
             parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. \
             Re-examine the query-string parameters.",
        );
        assert_eq!(verify_at(&signed(), query, SIGNED_AT), Err(AuthError::HeaderAndQuery));
    }
}

#[test]
fn malformed_pieces() {
    check(
        verify(&with_authorization(|a| a.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"))),
        INCOMPLETE,
        "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.",
    );
    assert_eq!(
        verify(&with_authorization(|a| a.replace("/aws4_request", ""))),
        Err(AuthError::MalformedCredential("AKIDEXAMPLE/20231114/us-east-1/kinesis".to_owned()))
    );
    let mut headers = signed();
    headers.insert("x-amz-date", "yesterday".parse().expect("a value"));
    assert_eq!(verify(&headers), Err(AuthError::MalformedDate("yesterday".to_owned())));
}

#[test]
fn scopes() {
    check(
        verify(&with_authorization(|a| a.replace("us-east-1", "US"))),
        INVALID,
        "Credential should be scoped to a valid region, not 'US'. ",
    );
    check(
        verify(&with_authorization(|a| a.replace("/kinesis/", "/s3/"))),
        INVALID,
        "Credential should be scoped to correct service: 'kinesis'. ",
    );
    check(
        verify(&with_authorization(|a| a.replace("aws4_request", "x"))),
        INVALID,
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'x'. ",
    );
    check(
        verify(&with_authorization(|a| a.replace("20231114", "20231113"))),
        INVALID,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20231113' != \
         '20231114', from '20231114T221320Z'. ",
    );
}

#[test]
fn keys_and_tokens() {
    let unknown = "The security token included in the request is invalid.";
    check(verify(&with_authorization(|a| a.replace(KEY, "AKIDOTHER"))), "UnrecognizedClientException", unknown);
    let with_token = signed_with(&[], Some("token"));
    check(verify(&with_token), "UnrecognizedClientException", unknown);
    for (wanted, given, is_believed) in
        [(Some("token"), Some("token"), true), (Some("token"), Some("other"), false), (Some("token"), None, false)]
    {
        let headers = signed_with(&[], given);
        let request =
            SignedRequest { method: "POST", path: "/", query: "", headers: &headers, authority: None, body: BODY };
        let result = Verifier::default().verify(&request, &Keys::of("secret", wanted), KINESIS, SIGNED_AT);
        assert_eq!(result.is_ok(), is_believed, "{given:?}");
    }
}

#[test]
fn clocks() {
    for (seconds, is_believed) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
        let now = Timestamp::from_millis(SIGNED_AT.millis() + seconds * 1000);
        assert_eq!(verify_at(&signed(), "", now).is_ok(), is_believed, "{seconds}");
    }
    let late = SIGNED_AT.plus(Duration::from_secs(600));
    check(
        verify_at(&signed(), "", late),
        INVALID,
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221820Z (20231114T222320Z - 5 min.)",
    );
    let early = SIGNED_AT.minus(Duration::from_secs(600));
    check(
        verify_at(&signed(), "", early),
        INVALID,
        "Signature not yet current: 20231114T221320Z is still later than 20231114T220820Z (20231114T220320Z + 5 min.)",
    );
}

#[test]
fn changes_after_signing() {
    let mut target = signed();
    target.insert("x-amz-target", "Kinesis_20131202.DeleteStream".parse().expect("a value"));
    check(verify(&target), INVALID, MISMATCH);
    let mut repeated = signed();
    repeated.append("x-amz-target", "Kinesis_20131202.DeleteStream".parse().expect("a value"));
    check(verify(&repeated), INVALID, MISMATCH);
    check(verify_at(&signed(), "a=b", SIGNED_AT), INVALID, MISMATCH);
    for signature in ["00".repeat(32), "0".repeat(63), String::new() + "x", "A".repeat(64)] {
        let changed =
            with_authorization(|a| format!("{}Signature={signature}", a.split("Signature=").next().unwrap_or("")));
        assert_eq!(verify(&changed), Err(AuthError::Mismatch));
    }
}

#[test]
fn headers_that_must_be_signed() {
    let cases = [("host;", "Host' or ':authority"), (";x-amz-target", "X-Amz-Target"), (";x-amz-date", "X-Amz-Date")];
    for (part, label) in cases {
        let headers = with_authorization(|a| a.replacen(part, "", 1));
        check(verify(&headers), INVALID, &format!("'{label}' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let many = with_authorization(|a| a.replace("host;", "host;host;host;"));
    assert_eq!(verify(&many), Err(AuthError::Mismatch));
}

#[test]
fn payload_digests() {
    let digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(verify(&signed_with(&[("x-amz-content-sha256", digest)], None)), Ok(()));
    let other = digest.replace('4', "5");
    assert_eq!(verify(&signed_with(&[("x-amz-content-sha256", &other)], None)), Err(AuthError::Mismatch));
    for value in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ""] {
        let headers = signed_with(&[("x-amz-content-sha256", value)], None);
        assert_eq!(verify(&headers), Err(AuthError::PayloadHash), "{value}");
    }
    let headers = signed_with(&[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], None);
    let request =
        SignedRequest { method: "POST", path: "/", query: "", headers: &headers, authority: None, body: b"any" };
    let video = ExpectedService { names: &["kinesis"], unsigned_payload: true };
    assert!(Verifier::default().verify(&request, &Keys::of("secret", None), video, SIGNED_AT).is_ok());
}

#[test]
fn the_date_header_serves_when_there_is_no_other() {
    // Signed by a client that knows only `Date`; the signature was made over the same time in the basic form.
    let mut headers = HeaderMap::new();
    headers.insert("host", "h".parse().expect("a value"));
    headers.insert("date", "Tue, 14 Nov 2023 22:13:20 GMT".parse().expect("a value"));
    headers.insert(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/kinesis/aws4_request, SignedHeaders=date;host, \
         Signature=eb8a30f2b5a7b7d6f4f4b700bd886f791e573e82572961ec429a7bdc9c6e7070"
            .parse()
            .expect("a value"),
    );
    assert_eq!(verify(&headers), Ok(()));
}

fn presigned(life: u64) -> String {
    let what = Presign { method: "POST", host: "h", path: "/", query: "a=b", life: Duration::from_secs(life) };
    Signer::new("us-east-1", "kinesis").presign(&what, credentials(None), SIGNED_AT).expect("a life within bounds")
}

fn verify_presigned(query: &str, headers: &HeaderMap, now: Timestamp) -> Result<(), AuthError> {
    let request = SignedRequest { method: "POST", path: "/", query, headers, authority: Some("h"), body: b"" };
    Verifier::default().verify(&request, &Keys::of("secret", None), KINESIS, now).map(drop)
}

#[test]
fn presigned_requests_live_as_long_as_they_say() {
    let none = HeaderMap::new();
    let query = presigned(1000);
    for (seconds, is_believed) in [(-301, false), (-300, true), (0, true), (1000, true), (1001, false)] {
        let now = Timestamp::from_millis(SIGNED_AT.millis() + seconds * 1000);
        assert_eq!(verify_presigned(&query, &none, now).is_ok(), is_believed, "{seconds}");
    }
    for (life, at, window) in [
        (60, "20231114T221220Z (20231114T221320Z - 1 min.)", 60),
        (90, "20231114T221150Z (20231114T221320Z - 1.5 min.)", 90),
        (299, "20231114T220821Z (20231114T221320Z - 4.98 min.)", 299),
        (86_400, "20231113T221320Z (20231114T221320Z - 1440 min.)", 86_400),
    ] {
        let signed_at = SIGNED_AT.minus(Duration::from_secs(window + 1));
        let what = Presign { method: "POST", host: "h", path: "/", query: "", life: Duration::from_secs(life) };
        let query = Signer::new("us-east-1", "kinesis").presign(&what, credentials(None), signed_at).expect("valid");
        let error = verify_presigned(&query, &none, SIGNED_AT).expect_err("expired");
        let text = error.to_string();
        assert!(
            text.starts_with("Signature expired: ") && text.ends_with(&format!(" is now earlier than {at}")),
            "{text}"
        );
    }
    let longer = query.replace("Expires=1000", "Expires=2000");
    assert_eq!(verify_presigned(&longer, &none, SIGNED_AT), Err(AuthError::Mismatch));
    for expires in ["0", "604801", "-1", "x", ""] {
        let query = query.replace("Expires=1000", &format!("Expires={expires}"));
        assert_eq!(verify_presigned(&query, &none, SIGNED_AT), Err(AuthError::Expires), "{expires}");
    }
}

#[test]
fn a_presigned_request_cannot_be_turned_to_another_operation() {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-target", "Kinesis_20131202.DeleteStream".parse().expect("a value"));
    let result = verify_presigned(&presigned(60), &headers, SIGNED_AT);
    check(result, INVALID, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
}
