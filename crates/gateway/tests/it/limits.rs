use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base::limits::MIB;
use gateway::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{JSON, Wish, exchange, post, read_answer, start};

fn head(length: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-type: {JSON}\r\nx-amz-target: Fake_1.Echo\r\n{length}\r\n\r\n")
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let server = start(Wish::default()).await;
    let too_large =
        r#"{"__type":"RequestEntityTooLargeException","message":"The body is larger than 16777216 bytes."}"#;
    for length in ["content-length: 16777217", "content-length: 16777217\r\nexpect: 100-continue"] {
        let mut socket = TcpStream::connect(server.address).await.expect("listening");
        socket.write_all(head(length).as_bytes()).await.expect("sent");
        let answer = read_answer(&mut socket).await.expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (413, too_large));
        assert_eq!((answer.header("content-type"), answer.header("connection")), (Some(JSON), Some("close")));
        assert_eq!(socket.read(&mut [0; 1]).await.expect("an end"), 0, "the connection is closed");
    }
    let cbor = head("content-length: 16777217").replace(JSON, "application/x-amz-cbor-1.1");
    let answer = exchange(server.address, &cbor).await;
    assert_eq!(answer.header("content-type"), Some("application/x-amz-cbor-1.1"));
    assert!(answer.body.contains("RequestEntityTooLargeException"), "{answer:?}");
}

#[tokio::test]
async fn heads_have_a_largest_size() {
    let server = start(Wish::default()).await;
    let with = |fields: &str| post("Echo", "{}").replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
    let field = |bytes: usize| format!("x-long: {}\r\n", "x".repeat(bytes));
    let many = |count: usize| "x-some: 1\r\n".repeat(count);
    for (fields, status) in [
        (field(200_000), 200),
        (field(270_000), 431),
        (field(500_000), 431),
        (field(30_000).repeat(9), 431),
        (many(90), 200),
        (many(100), 431),
        (many(10_000), 431),
    ] {
        let mut socket = TcpStream::connect(server.address).await.expect("listening");
        // It may be refused before all of it has been sent.
        let _ = socket.write_all(with(&fields).as_bytes()).await;
        let answer = read_answer(&mut socket).await.expect("an answer");
        assert_eq!(answer.status, status, "{} bytes of fields", fields.len());
    }
}

#[tokio::test]
async fn a_client_that_sends_on_still_reads_the_refusal() {
    let server = start(Wish::default()).await;
    let mut socket = TcpStream::connect(server.address).await.expect("listening");
    socket.write_all(head("content-length: 20000000").as_bytes()).await.expect("sent");
    socket.write_all(&vec![b'x'; 20_000_000]).await.expect("sent");
    assert_eq!(read_answer(&mut socket).await.expect("an answer").status, 413);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_refused_at_the_limit() {
    let limits = Limits { body_bytes_max: 1000, ..Limits::default() };
    let server = start(Wish { limits, ..Wish::default() }).await;
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let request = head("transfer-encoding: chunked") + &chunk.repeat(3) + "0\r\n\r\n";
    assert_eq!(exchange(server.address, &request).await.status, 413);
}

#[tokio::test]
async fn the_largest_body_is_taken() {
    let server = start(Wish::default()).await;
    let limit = base::limits::REQUEST_BODY_BYTES_MAX;
    let body = format!(r#"{{"Text":"{}"}}"#, "x".repeat(limit - 11));
    assert_eq!(body.len(), limit);
    let answer = exchange(server.address, &post("Echo", &body)).await;
    assert_eq!((answer.status, answer.body.len()), (200, limit));
}

#[tokio::test]
async fn slow_clients_are_cut() {
    let short = Duration::from_millis(100);
    let limits = Limits { first_request: short, body_idle: short, idle: short, ..Limits::default() };
    let server = start(Wish { limits, ..Wish::default() }).await;
    let began = Instant::now();
    for sent in ["", "P", "POST / HTTP/1.1\r\nhost:", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut socket = TcpStream::connect(server.address).await.expect("listening");
        socket.write_all(sent.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
    }
    let answer = exchange(server.address, &(head("content-length: 100") + "{")).await;
    assert_eq!(answer.status, 408);
    assert!(answer.body.contains(r#""__type":"RequestTimeout""#) && answer.header("connection") == Some("close"));
    let mut socket = TcpStream::connect(server.address).await.expect("listening");
    socket.write_all(post("Echo", "{}").as_bytes()).await.expect("sent");
    assert_eq!(read_answer(&mut socket).await.expect("an answer").status, 200);
    assert!(read_answer(&mut socket).await.is_none(), "closed when idle");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn bodies_wait_for_memory() {
    let limits = Limits { body_bytes_max: 2048, body_memory_bytes: 2048, ..Limits::default() };
    let server = start(Wish { limits, ..Wish::default() }).await;
    let body = format!(r#"{{"Text":"{}"}}"#, "x".repeat(1500));
    let mut first = TcpStream::connect(server.address).await.expect("listening");
    first.write_all(post("Wait", &body).as_bytes()).await.expect("sent");
    let mut second = TcpStream::connect(server.address).await.expect("listening");
    second.write_all(post("Echo", &body).as_bytes()).await.expect("sent");
    let waited = tokio::time::timeout(Duration::from_millis(100), read_answer(&mut second)).await;
    assert!(waited.is_err(), "there is no room for two");
    server.fake.go.add_permits(1);
    assert_eq!(read_answer(&mut first).await.expect("an answer").status, 200);
    assert_eq!(read_answer(&mut second).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn who_waits_too_long_for_memory_is_told_to_slow_down() {
    let short = Duration::from_millis(50);
    let limits = Limits { body_bytes_max: 2048, body_memory_bytes: 2048, body_memory_wait: short, ..Limits::default() };
    let server = start(Wish { limits, ..Wish::default() }).await;
    let body = format!(r#"{{"Text":"{}"}}"#, "x".repeat(1500));
    let mut first = TcpStream::connect(server.address).await.expect("listening");
    first.write_all(post("Wait", &body).as_bytes()).await.expect("sent");
    while server.fake.waiting.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let answer = exchange(server.address, &post("Echo", &body)).await;
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert!(answer.body.starts_with(r#"{"__type":"SlowDown","message":""#), "{answer:?}");
    server.fake.go.add_permits(1);
    assert_eq!(read_answer(&mut first).await.expect("an answer").status, 200);
    assert_eq!(exchange(server.address, &post("Echo", &body)).await.status, 200);
}

#[tokio::test]
async fn answers_that_nobody_reads_have_a_budget() {
    let limits = Limits { body_memory_bytes: 64 * MIB, ..Limits::default() };
    let server = start(Wish { limits, ..Wish::default() }).await;
    let large = post("Echo", &format!(r#"{{"Text":"{}"}}"#, "x".repeat(12 * MIB)));
    let mut unread = Vec::new();
    let refused = loop {
        assert!(unread.len() < 8, "there is no end to it");
        let mut socket = TcpStream::connect(server.address).await.expect("listening");
        socket.write_all(large.as_bytes()).await.expect("sent");
        let mut head = [0; 12];
        socket.read_exact(&mut head).await.expect("an answer");
        if head != *b"HTTP/1.1 200" {
            break String::from_utf8_lossy(&head).into_owned();
        }
        unread.push(socket);
    };
    assert_eq!(refused, "HTTP/1.1 503");
    assert!(unread.len() >= 2, "{}", unread.len());
    assert_eq!(exchange(server.address, &post("Echo", "{}")).await.status, 200, "small ones are answered");
    drop(unread);
    while exchange(server.address, &large).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let server = start(Wish { limits, ..Wish::default() }).await;
    let mut first = TcpStream::connect(server.address).await.expect("listening");
    first.write_all(post("Echo", "{}").as_bytes()).await.expect("sent");
    assert_eq!(read_answer(&mut first).await.expect("an answer").status, 200);
    let mut second = TcpStream::connect(server.address).await.expect("queued");
    second.write_all(post("Echo", "{}").as_bytes()).await.expect("sent");
    let waited = tokio::time::timeout(Duration::from_millis(100), read_answer(&mut second)).await;
    assert!(waited.is_err(), "the first is still open");
    drop(first);
    assert_eq!(read_answer(&mut second).await.expect("an answer").status, 200);
}
