//! Clients that mean harm: what they send is refused, and others are served.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{JSON, Server, Wish, exchange, post, read_answer, start};

async fn others_are_served(server: &Server) {
    assert_eq!(exchange(server.address, &post("Echo", "{}")).await.status, 200);
}

/// Sends the text and answers everything that comes back until the server closes.
async fn talk(server: &Server, text: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address).await.expect("listening");
    // The server may close before all of it has been sent.
    let _ = socket.write_all(text).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await.expect("closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request with these header lines and body, and behind it one that a proxy would not have seen.
fn smuggled(lines: &str, body: &str) -> String {
    let target = "x-amz-target: Fake_1.Echo";
    let hidden = post("WhoAmI", "{}");
    format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-type: {JSON}\r\n{target}\r\n{lines}\r\n\r\n{body}{hidden}")
}

#[tokio::test]
async fn no_request_hides_behind_another() {
    let server = start(Wish::default()).await;
    // Its length is in doubt: it is refused, or answered as the last of its connection.
    for (lines, body, status) in [
        ("content-length: 2\r\ncontent-length: 3", "{}", "400"),
        ("content-length: 2, 3", "{}", "400"),
        ("content-length: +2", "{}", "400"),
        ("content-length: 0x2", "{}", "400"),
        ("content-length: -2", "{}", "400"),
        ("content-length: 99999999999999999999", "{}", "400"),
        ("content-length: 2\r\ntransfer-encoding: chunked", "2\r\n{}\r\n0\r\n\r\n", "200"),
        ("transfer-encoding: chunked\r\ncontent-length: 2", "2\r\n{}\r\n0\r\n\r\n", "200"),
        ("transfer-encoding: identity\r\ncontent-length: 2", "{}", "400"),
        ("transfer-encoding: chunked, identity", "2\r\n{}\r\n0\r\n\r\n", "400"),
        ("transfer-encoding: xchunked", "2\r\n{}\r\n0\r\n\r\n", "400"),
        ("transfer-encoding : chunked", "2\r\n{}\r\n0\r\n\r\n", "400"),
        ("x-a: b\u{0}c\r\ncontent-length: 2", "{}", "400"),
        ("x-a: b\rc\r\ncontent-length: 2", "{}", "400"),
        (" x-a: b\r\ncontent-length: 2", "{}", "400"),
        ("transfer-encoding: chunked", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n", "400"),
        ("transfer-encoding: chunked", "-2\r\n{}\r\n0\r\n\r\n", "400"),
    ] {
        let answers = talk(&server, smuggled(lines, body).as_bytes()).await;
        assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{lines:?} {body:?}: {answers}");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{lines:?} {body:?}: {answers}");
    }
    let old = smuggled("transfer-encoding: chunked", "2\r\n{}\r\n0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(talk(&server, old.as_bytes()).await.matches("HTTP/1.").count(), 1);
    others_are_served(&server).await;
}

#[tokio::test]
async fn chunks_do_not_grow_by_what_is_said_beside_them() {
    let server = start(Wish::default()).await;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-type: {JSON}\r\nx-amz-target: Fake_1.Echo\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let extended = format!("{head}2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(1_000_000));
    assert!(!talk(&server, extended.as_bytes()).await.contains(" 200 "));
    let trailing = format!("{head}2\r\n{{}}\r\n0\r\n{}\r\n", "x-a: b\r\n".repeat(100_000));
    assert!(!talk(&server, trailing.as_bytes()).await.contains(" 200 "));
    others_are_served(&server).await;
}

#[tokio::test]
async fn bodies_are_refused_however_deep_they_are() {
    let server = start(Wish::default()).await;
    for (opened, closed) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"x\":{}0{}}}", opened.repeat(1_000_000), closed.repeat(1_000_000));
        let answer = exchange(server.address, &post("Echo", &deep)).await;
        assert!(answer.status == 400 && answer.body.contains("SerializationException"), "{answer:?}");
    }
    // Maps, arrays and tags of CBOR, a million deep; and lengths of which nothing follows.
    let one = |byte: u8| vec![byte; 1_000_000];
    for body in [one(0x9f), one(0xbf), one(0xc0), one(0x81), b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()] {
        let mut text = post("Echo", "").replace(JSON, "application/x-amz-cbor-1.1").into_bytes();
        text = String::from_utf8(text).expect("text").replace("length: 0", &format!("length: {}", body.len())).into();
        text.extend(body);
        let mut socket = TcpStream::connect(server.address).await.expect("listening");
        socket.write_all(&text).await.expect("sent");
        assert_eq!(read_answer(&mut socket).await.expect("an answer").status, 400);
    }
    others_are_served(&server).await;
}

/// Frames of HTTP/2, as they come.
mod frames {
    pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const GOAWAY: u8 = 7;
    pub const CONTINUATION: u8 = 9;
    pub const END_STREAM: u8 = 1;
    pub const END_HEADERS: u8 = 4;
    pub const ENHANCE_YOUR_CALM: u32 = 11;

    pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// `POST http://h/` in HPACK without any table.
    pub const POST: &[u8] = b"\x83\x86\x84\x01\x01h";

    /// The error of the GOAWAY among what a server sent.
    pub fn goaway(mut bytes: &[u8]) -> Option<u32> {
        while bytes.len() >= 9 {
            let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
            let payload = bytes.get(9..9 + length)?;
            if bytes[3] == GOAWAY {
                return Some(u32::from_be_bytes([payload[4], payload[5], payload[6], payload[7]]));
            }
            bytes = &bytes[9 + length..];
        }
        None
    }
}

/// Sends frames behind the preface until the server closes the connection; answers the error that it gives.
async fn flood(server: &Server, mut next: impl FnMut(u32) -> Vec<u8>, count: u32) -> Option<u32> {
    use frames::{PREFACE, SETTINGS, frame};
    let mut socket = TcpStream::connect(server.address).await.expect("listening");
    socket.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.expect("sent");
    let (mut reader, mut writer) = socket.into_split();
    let answers = tokio::spawn(async move {
        let mut answers = Vec::new();
        let _ = reader.read_to_end(&mut answers).await;
        answers
    });
    for n in 0..count {
        if writer.write_all(&next(n)).await.is_err() {
            break;
        }
    }
    let answers = tokio::time::timeout(Duration::from_secs(20), answers).await.expect("closed").expect("no panic");
    frames::goaway(&answers)
}

#[tokio::test]
async fn streams_that_are_taken_back_at_once_end_the_connection() {
    use frames::{END_HEADERS, END_STREAM, HEADERS, POST, RST_STREAM, frame};
    let server = start(Wish::default()).await;
    let opened_and_reset = |n: u32| {
        let stream = 2 * n + 1;
        // Many at a time, so that the server does not look at each before it is taken back.
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, POST), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let many = |n: u32| (n * 1000..(n + 1) * 1000).flat_map(opened_and_reset).collect();
    assert_eq!(flood(&server, many, 100).await, Some(frames::ENHANCE_YOUR_CALM));
    others_are_served(&server).await;
}

#[tokio::test]
async fn heads_that_never_end_end_the_connection() {
    use frames::{CONTINUATION, END_STREAM, HEADERS, POST, frame};
    let server = start(Wish::default()).await;
    let field = [b"\x00\x01a\x7f\x81\x7f".as_slice(), &[b'x'; 256]].concat();
    let endless = |n: u32| match n {
        0 => frame(HEADERS, END_STREAM, 1, POST),
        _ => frame(CONTINUATION, 0, 1, &field.repeat(60)),
    };
    assert!(flood(&server, endless, 10_000).await.is_some(), "the server says why");
    let empty = |n: u32| match n {
        0 => frame(HEADERS, END_STREAM, 1, POST),
        _ => frame(CONTINUATION, 0, 1, &[]).repeat(100),
    };
    assert!(flood(&server, empty, 10_000).await.is_some(), "nor do empty ones go on for ever");
    others_are_served(&server).await;
}

#[tokio::test]
async fn errors_that_are_provoked_end_the_connection() {
    use frames::{END_HEADERS, END_STREAM, HEADERS, POST, frame};
    let server = start(Wish::default()).await;
    // A header field that HTTP/2 forbids is an error of its stream.
    let malformed = [POST, b"\x00\x0aconnection\x05close"].concat();
    let provoked = |n: u32| frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &malformed);
    let many = |n: u32| (n * 100..(n + 1) * 100).flat_map(provoked).collect();
    assert_eq!(flood(&server, many, 1000).await, Some(frames::ENHANCE_YOUR_CALM));
    others_are_served(&server).await;
}
