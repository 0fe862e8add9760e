use anabranch_wire::Protocol;
use anabranch_wire::front_door::{Admitted, Head, TargetKind, admit, rpc_path};

const FORBIDDEN: &str = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be \
                         authorized</Message>\n</AccessDeniedException>\n";
const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";
const KNOWN: &str = "Kinesis_20131202.ListStreams";

fn find(prefix: &str, operation: &str) -> TargetKind {
    if (prefix, operation) == ("Kinesis_20131202", "ListStreams") { TargetKind::Known } else { TargetKind::Unknown }
}

#[track_caller]
fn check(
    method: &str,
    content_type: Option<&str>,
    target: Option<&str>,
    body: &str,
    reply: (u16, Option<&str>, &[u8]),
) {
    let head = Head { method, content_type, target, body_is_empty: body.is_empty() };
    let refused = admit(&head, find).expect_err("refused");
    assert_eq!((refused.status, refused.content_type, &refused.body[..]), reply);
}

#[test]
fn operations_are_admitted() {
    for (content_type, protocol) in [
        (JSON, Protocol::Json11),
        ("application/x-amz-json-1.1; charset=utf-8", Protocol::Json11),
        (CBOR, Protocol::Cbor),
        ("application/x-amz-json-1.0", Protocol::Json10),
    ] {
        let head = Head { method: "POST", content_type: Some(content_type), target: Some(KNOWN), body_is_empty: false };
        let admitted = Admitted { protocol, prefix: "Kinesis_20131202", operation: "ListStreams" };
        assert_eq!(admit(&head, find), Ok(admitted));
    }
}

#[test]
fn methods_other_than_post_are_forbidden() {
    for method in ["GET", "PUT", "DELETE", "post"] {
        check(method, Some(JSON), Some(KNOWN), "{}", (403, None, FORBIDDEN.as_bytes()));
    }
}

#[test]
fn no_body() {
    let serialization = br#"{"__type":"SerializationException"}"#;
    check("POST", Some(JSON), Some(KNOWN), "", (400, Some(JSON), serialization));
    let unknown = br#"{"__type":"UnknownOperationException"}"#;
    check("POST", Some(JSON), Some("Kinesis_20131202.Nothing"), "", (400, Some(JSON), unknown));
    check("POST", Some(JSON), None, "", (400, Some(JSON), unknown));
    let cbor = b"\xbf\x66__type\x78\x19UnknownOperationException\xff";
    check("POST", None, None, "", (400, Some(CBOR), cbor));
    check("POST", Some("text/plain"), None, "", (400, Some(CBOR), cbor));
    let cbor = b"\xbf\x66__type\x76SerializationException\xff";
    check("POST", Some("application/json"), Some(KNOWN), "", (400, Some(CBOR), cbor));
}

#[test]
fn unusable_content_types() {
    check("POST", Some("text/plain"), None, "{}", (403, None, FORBIDDEN.as_bytes()));
    check("POST", None, Some("Kinesis_20131202"), "{}", (403, None, FORBIDDEN.as_bytes()));
    check("POST", None, Some("Kinesis_20131202."), "{}", (403, None, FORBIDDEN.as_bytes()));
    check("POST", None, Some(KNOWN), "{}", (404, None, b"<UnknownOperationException/>\n"));
    let output = br#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    check("POST", Some("application/json"), Some(KNOWN), "{}", (404, Some("application/json"), output));
}

#[test]
fn unknown_targets() {
    let unknown = br#"{"__type":"UnknownOperationException"}"#;
    for target in [None, Some(""), Some("."), Some("Kinesis_20131202.Nothing"), Some("ListStreams")] {
        check("POST", Some(JSON), target, "{}", (400, Some(JSON), unknown));
    }
}

#[test]
fn paths_of_rpcv2() {
    let call = Some(("GraniteServiceVersion20100801", "PutMetricData"));
    assert_eq!(rpc_path("/service/GraniteServiceVersion20100801/operation/PutMetricData"), call);
    assert_eq!(rpc_path("/a/b/service/GraniteServiceVersion20100801/operation/PutMetricData"), call);
    for path in ["", "/", "/service/S/operation", "service/S/operation/O", "/service/S/operation/O/", "/S/operation/O"]
    {
        assert_eq!(rpc_path(path), None, "{path}");
    }
}
