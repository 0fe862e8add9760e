use crate::support::{JSON, Server, Wish, exchange, post, request, start};

const CBOR: &str = "application/x-amz-cbor-1.1";
const DENIED: &str = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be \
                      authorized</Message>\n</AccessDeniedException>\n";

async fn check(server: &Server, request: &str, status: u16, content_type: Option<&str>, body: &str) {
    let answer = exchange(server.address, request).await;
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{request}");
    assert_eq!(answer.header("content-type"), content_type, "{request}");
}

#[tokio::test]
async fn the_front_door_answers_as_aws_does() {
    let server = start(Wish::default()).await;
    let echo = ("x-amz-target", "Fake_1.Echo");
    let json = ("content-type", JSON);
    check(&server, &request("GET", "/", &[], ""), 403, None, DENIED).await;
    check(&server, &request("PUT", "/", &[json, echo], "{}"), 403, None, DENIED).await;
    check(&server, &request("OPTIONS", "/", &[], ""), 403, None, DENIED).await;
    check(&server, &request("POST", "/", &[], "{}"), 403, None, DENIED).await;
    check(&server, &request("POST", "/", &[echo], "{}"), 404, None, "<UnknownOperationException/>\n").await;
    let unknown = r#"{"__type":"UnknownOperationException"}"#;
    let serialization = r#"{"__type":"SerializationException"}"#;
    for target in ["Fake_1.Nope", "Fake_2.Echo", "Echo", ".", "Fake_1."] {
        let headers = [json, ("x-amz-target", target)];
        check(&server, &request("POST", "/", &headers, "{}"), 400, Some(JSON), unknown).await;
        check(&server, &request("POST", "/", &headers, "{"), 400, Some(JSON), serialization).await;
    }
    check(&server, &post("Echo", ""), 400, Some(JSON), serialization).await;
    let answer = exchange(server.address, &request("POST", "/", &[echo], "")).await;
    assert_eq!((answer.status, answer.header("content-type")), (400, Some(CBOR)));
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_modelled_errors() {
    let server = start(Wish::default()).await;
    let serialization = r#"{"__type":"SerializationException"}"#;
    for body in ["x", "[]", "{", r#"{"Text":"#, "\"", "{\"Text\":\"\u{1}\"}", "null", "{}{}", &"[".repeat(100_000)] {
        check(&server, &post("Echo", body), 400, Some(JSON), serialization).await;
    }
    let answer = exchange(server.address, &post("Echo", r#"{"Text":1}"#)).await;
    assert!(answer.body.starts_with(r#"{"__type":"SerializationException","Message":""#), "{answer:?}");
    for body in ["x", "\u{7f}", "a\u{1}"] {
        let headers = [("content-type", CBOR), ("x-amz-target", "Fake_1.Echo")];
        let answer = exchange(server.address, &request("POST", "/", &headers, body)).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("SerializationException"), "{answer:?}");
    }
}

#[tokio::test]
async fn errors_of_operations_are_encoded() {
    let server = start(Wish::default()).await;
    let nope = r#"{"__type":"NopeException","message":"it is not to be","Reasons":["none"]}"#;
    check(&server, &post("Fail", "{}"), 400, Some(JSON), nope).await;
    let invalid = r#"{"__type":"ValidationException","message":"1 validation error detected"}"#;
    check(&server, &post("Echo", r#"{"Text":"bad"}"#), 400, Some(JSON), invalid).await;
    assert_eq!(server.seen.finished.lock().expect("no panic")[1], (Some("Echo"), "ValidationException", 400));
}

#[tokio::test]
async fn a_panic_is_answered_and_the_server_goes_on() {
    let server = start(Wish::default()).await;
    check(&server, &post("Panic", "{}"), 500, Some(JSON), r#"{"__type":"InternalFailure"}"#).await;
    check(&server, &post("Echo", "{}"), 200, Some(JSON), r#"{"Text":""}"#).await;
}

#[tokio::test]
async fn what_is_not_http_gets_no_service() {
    let server = start(Wish::default()).await;
    for bytes in [
        "hello\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxx",
    ] {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut socket = tokio::net::TcpStream::connect(server.address).await.expect("listening");
        socket.write_all(bytes.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        assert!(!String::from_utf8_lossy(&answer).contains(" 200 "), "{bytes:?}");
    }
    check(&server, &post("Echo", "{}"), 200, Some(JSON), r#"{"Text":""}"#).await;
}
