use crate::support::{Answer, JSON, Server, Wish, exchange, request, request_with, start};

const CBOR: &str = "application/cbor";
const SPOKEN: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

async fn call(server: &Server, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers = [&[("content-type", CBOR), SPOKEN], headers].concat();
    exchange(server.address, &request_with(path, &headers, body)).await
}

#[track_caller]
fn check(answer: &Answer, status: u16, body: &[u8]) {
    assert_eq!((answer.status, &answer.bytes[..]), (status, body), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(CBOR));
    assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
}

#[tokio::test]
async fn the_path_names_the_operation() {
    let server = start(Wish::default()).await;
    for path in ["/service/Fake_1/operation/Echo", "/some/prefix/service/Fake_1/operation/Echo"] {
        check(&call(&server, path, &[], b"\xa1\x64Text\x62hi").await, 200, b"\xbf\x64Text\x62hi\xff");
        check(&call(&server, path, &[], b"\x01").await, 400, b"\xbf\x66__type\x76SerializationException\xff");
    }
    // An empty input may be no body.
    check(&call(&server, "/service/Fake_1/operation/Echo", &[], b"").await, 200, b"\xbf\x64Text\x60\xff");
    server.fake.go.add_permits(1);
    let answer = call(&server, "/service/Fake_1/operation/Wait", &[], b"").await;
    assert_eq!((answer.status, &answer.bytes[..], answer.header("content-type")), (200, &b""[..], None));
    assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
}

#[tokio::test]
async fn unknown_operations() {
    let server = start(Wish::default()).await;
    let unknown = b"\xbf\x66__type\x78\x19UnknownOperationException\xff";
    for path in ["/", "/service/Fake_1/operation/Nope", "/service/Fake_2/operation/Echo", "/operation/Echo"] {
        check(&call(&server, path, &[], b"").await, 404, unknown);
    }
    let headers = [("content-type", CBOR), SPOKEN];
    let answer = exchange(server.address, &request("PUT", "/service/Fake_1/operation/Echo", &headers, "")).await;
    check(&answer, 404, unknown);
    // Without its name in the headers the protocol is another one.
    let headers = [("content-type", CBOR)];
    let answer = exchange(server.address, &request("POST", "/service/Fake_1/operation/Echo", &headers, "x")).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn errors_are_named_by_shape_and_on_request_by_query_code() {
    let server = start(Wish::default()).await;
    let path = "/service/Fake_1/operation/Fail";
    let nope = b"\xbf\x66__type\x78\x20com.amazonaws.fake#NopeException\x67message\x6fit is not to be\x67Reasons\
                 \x81\x64none\xff";
    let answer = call(&server, path, &[], b"").await;
    check(&answer, 400, nope);
    assert_eq!(answer.header("x-amzn-query-error"), None);
    let mode = ("x-amzn-query-mode", "true");
    let answer = call(&server, path, &[mode], b"").await;
    check(&answer, 400, nope);
    assert_eq!(answer.header("x-amzn-query-error"), Some("nope;sender"), "heads are in lower case here");
    let headers = [("content-type", JSON), ("x-amz-target", "Fake_1.Fail"), mode];
    let answer = exchange(server.address, &request("POST", "/", &headers, "{}")).await;
    assert_eq!(answer.body, r#"{"__type":"NopeException","message":"it is not to be","Reasons":["none"]}"#);
    assert_eq!(answer.header("x-amzn-query-error"), Some("nope;sender"));
    let headers = [("content-type", JSON), ("x-amz-target", "Fake_1.Echo"), mode];
    let answer = exchange(server.address, &request("POST", "/", &headers, r#"{"Text":"bad"}"#)).await;
    assert_eq!(answer.header("x-amzn-query-error"), Some("validationerror;sender"));
}
