use base::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use wire::event_stream;

use crate::support::{JSON, Wish, start};

/// HTTP/2 from the first byte on.
pub async fn connect<I: AsyncRead + AsyncWrite + Send + Unpin + 'static>(io: I) -> SendRequest<Full<Bytes>> {
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(io)).await.expect("HTTP/2");
    tokio::spawn(connection);
    client
}

pub async fn send(client: &mut SendRequest<Full<Bytes>>, operation: &str, body: &str) -> Response<Incoming> {
    let request = Request::post("http://localhost/")
        .version(Version::HTTP_2)
        .header("content-type", JSON)
        .header("x-amz-target", format!("Fake_1.{operation}"))
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .expect("a request");
    client.send_request(request).await.expect("an answer")
}

/// Messages as `type name payload`.
pub fn messages(mut bytes: bytes::BytesMut) -> Vec<String> {
    let mut read = Vec::new();
    while let Some(message) = event_stream::decode(&mut bytes).expect("whole messages") {
        let kind = message.header(":message-type").expect("a type");
        let name = message.header(":event-type").or_else(|| message.header(":exception-type")).expect("a name");
        assert_eq!(message.header(":content-type"), Some(JSON));
        read.push(format!("{kind} {name} {}", String::from_utf8_lossy(&message.payload)));
    }
    read
}

#[tokio::test]
async fn http2_without_tls_or_upgrade() {
    let server = start(Wish::default()).await;
    let mut client = connect(TcpStream::connect(server.address).await.expect("listening")).await;
    let answer = send(&mut client, "Echo", r#"{"Text":"two"}"#).await;
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(answer.headers()["x-amzn-requestid"].len(), 36);
    assert!(answer.headers().contains_key("date"));
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, r#"{"Text":"two"}"#);
}

#[tokio::test]
async fn streams_of_one_connection_do_not_wait_for_each_other() {
    let server = start(Wish::default()).await;
    let mut client = connect(TcpStream::connect(server.address).await.expect("listening")).await;
    let mut waiting = client.clone();
    let waiting = tokio::spawn(async move { send(&mut waiting, "Wait", "{}").await.status() });
    for _ in 0..100 {
        assert_eq!(send(&mut client, "Echo", "{}").await.status(), 200);
    }
    server.fake.go.add_permits(1);
    assert_eq!(waiting.await.expect("answered"), 200);
}

#[tokio::test]
async fn events_come_one_by_one_behind_an_initial_response() {
    let server = start(Wish::default()).await;
    let mut client = connect(TcpStream::connect(server.address).await.expect("listening")).await;
    for (kind, wanted) in [
        ("end", ["event TextEvent {\"Text\":\"0\"}", "event TextEvent {\"Text\":\"1\"}"]),
        ("fail", ["event TextEvent {\"Text\":\"0\"}", "exception NopeException {\"message\":\"it is not to be\"}"]),
        ("panic", ["event TextEvent {\"Text\":\"0\"}", "exception InternalFailureException {\"message\":\"\"}"]),
    ] {
        let answer = send(&mut client, "Events", &format!("{{\"Text\":\"{kind}\"}}")).await;
        assert_eq!(answer.headers()["content-type"], event_stream::CONTENT_TYPE);
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        let messages = messages(body.into());
        assert_eq!(messages[0], "event initial-response {}", "{kind}");
        assert_eq!(messages[1..], wanted, "{kind}");
    }
}
