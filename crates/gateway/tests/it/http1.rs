use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{JSON, Wish, exchange, post, read_answer, request, start};

#[tokio::test]
async fn an_answer_has_the_headers_of_aws() {
    let server = start(Wish::default()).await;
    let answer = exchange(server.address, &post("Echo", r#"{"Text":"hello"}"#)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"Text":"hello"}"#));
    assert_eq!(answer.header("content-type"), Some(JSON));
    assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36));
    assert_eq!(answer.header("x-amz-id-2").map(str::len), Some(76));
    assert!(answer.header("date").is_some_and(|date| date.ends_with("gmt")));
    assert_eq!(*server.seen.finished.lock().expect("no panic"), [(Some("Echo"), "OK", 200)]);
}

#[tokio::test]
async fn a_connection_carries_many_requests_also_without_waiting() {
    let server = start(Wish::default()).await;
    let mut socket = TcpStream::connect(server.address).await.expect("listening");
    for n in 0..3 {
        let body = format!("{{\"Text\":\"{n}\"}}");
        socket.write_all(post("Echo", &body).as_bytes()).await.expect("sent");
        assert_eq!(read_answer(&mut socket).await.expect("an answer").body, body);
    }
    let last = post("Echo", r#"{"Text":"b"}"#).replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    socket.write_all((post("Echo", r#"{"Text":"a"}"#) + &last).as_bytes()).await.expect("sent");
    let mut answers = String::new();
    socket.read_to_string(&mut answers).await.expect("two answers");
    let place = |text: &str| answers.find(text).expect("answered");
    assert!(place(r#"{"Text":"a"}"#) < place(r#"{"Text":"b"}"#));
}

#[tokio::test]
async fn a_chunked_body_is_read_whole() {
    let server = start(Wish::default()).await;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-type: {JSON}\r\nx-amz-target: Fake_1.Echo\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let answer = exchange(server.address, &format!("{head}8\r\n{{\"Text\":\r\n4\r\n\"x\"}}\r\n0\r\n\r\n")).await;
    assert_eq!(answer.body, r#"{"Text":"x"}"#);
}

#[tokio::test]
async fn cbor_is_answered_in_cbor() {
    let server = start(Wish::default()).await;
    let headers = [("content-type", "application/x-amz-cbor-1.1"), ("x-amz-target", "Fake_1.Echo")];
    // A map of indefinite length with the text "a".
    let mut socket = TcpStream::connect(server.address).await.expect("listening");
    let head = request("POST", "/", &headers, "").replace("content-length: 0", "content-length: 9");
    socket.write_all(head.as_bytes()).await.expect("sent");
    socket.write_all(b"\xbf\x64Text\x61a\xff").await.expect("sent");
    let answer = read_answer(&mut socket).await.expect("an answer");
    assert_eq!(answer.header("content-type"), Some("application/x-amz-cbor-1.1"));
    assert!(answer.body.contains("Text"), "{answer:?}");
}

#[tokio::test]
async fn operators_find_their_pages() {
    let server = start(Wish::default()).await;
    for (path, status, body) in
        [("/livez", 200, "ok\n"), ("/readyz", 200, "ok\n"), ("/metrics", 200, "requests_total 1\n")]
    {
        let answer = exchange(server.address, &request("GET", path, &[], "")).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "{path}");
    }
    let control = exchange(server.address, &request("GET", "/_anabranch/dev/state", &[], "")).await;
    assert_eq!(control.status, 403, "no control API unless asked for");
}

const ASKING: [(&str, &str); 2] =
    [("access-control-request-method", "POST"), ("access-control-request-headers", "x-amz-target")];

async fn check_page(auth: bool, origin: &str) {
    let server = start(Wish { auth, ..Wish::default() }).await;
    let origin = ("origin", origin);
    let answer = exchange(server.address, &request("OPTIONS", "/", &[origin, ASKING[0], ASKING[1]], "")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("post"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-amz-target"));
    assert_eq!(answer.header("access-control-max-age"), Some("172800"));
    assert_eq!(answer.header("x-amz-id-2"), None);
    assert!(answer.header("x-amzn-requestid").is_some());
    let headers = [origin, ("content-type", JSON), ("x-amz-target", "Fake_1.Echo")];
    let answer = exchange(server.address, &request("POST", "/", &headers, "{}")).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        answer.header("access-control-expose-headers"),
        Some("x-amzn-requestid,x-amzn-errortype,x-amz-request-id,x-amz-id-2,x-amzn-errormessage,date")
    );
}

#[tokio::test]
async fn browsers_are_told_that_they_may() {
    check_page(true, "http://example.com").await;
    check_page(false, "http://localhost:3000").await;
}

#[tokio::test]
async fn without_authentication_foreign_pages_are_refused() {
    let server = start(Wish::default()).await;
    let origin = ("origin", "http://example.com");
    let answer = exchange(server.address, &request("OPTIONS", "/", &[origin, ASKING[0], ASKING[1]], "")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None));
    let headers = [origin, ("content-type", JSON), ("x-amz-target", "Fake_1.Echo")];
    let answer = exchange(server.address, &request("POST", "/", &headers, "{}")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None));
}
