use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gateway::Gateway;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::fake::Fake;
use crate::http2::{connect, messages, send};
use crate::support::{Seen, Wish, parts, post, read_answer, start};

#[tokio::test]
async fn running_requests_are_answered_before_the_end() {
    let server = start(Wish::default()).await;
    let mut idle = TcpStream::connect(server.address).await.expect("listening");
    idle.write_all(post("Echo", "{}").as_bytes()).await.expect("sent");
    assert_eq!(read_answer(&mut idle).await.expect("an answer").status, 200);
    let mut busy = TcpStream::connect(server.address).await.expect("listening");
    busy.write_all(post("Wait", "{}").as_bytes()).await.expect("sent");
    while server.fake.waiting.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stopping = tokio::spawn(server.gateway.shutdown(Duration::from_secs(60)));
    assert!(read_answer(&mut idle).await.is_none(), "idle connections are let go");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
    server.fake.go.add_permits(1);
    let answer = read_answer(&mut busy).await.expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    stopping.await.expect("stopped");
    assert_eq!(server.seen.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn event_streams_end_cleanly() {
    let server = start(Wish::default()).await;
    let mut client = connect(TcpStream::connect(server.address).await.expect("listening")).await;
    let mut body = send(&mut client, "Events", "{}").await.into_body();
    let first = body.frame().await.expect("a frame").expect("no error").into_data().expect("data");
    let began = Instant::now();
    let stopping = tokio::spawn(server.gateway.shutdown(Duration::from_secs(60)));
    let rest = body.collect().await.expect("a clean end").to_bytes();
    let all = [first, rest].concat();
    assert_eq!(messages(all.as_slice().into())[0], "event initial-response {}");
    stopping.await.expect("stopped");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn who_does_not_end_in_time_is_cut() {
    let server = start(Wish::default()).await;
    let mut busy = TcpStream::connect(server.address).await.expect("listening");
    busy.write_all(post("Wait", "{}").as_bytes()).await.expect("sent");
    while server.fake.waiting.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.gateway.shutdown(Duration::from_millis(50)).await;
    let mut rest = Vec::new();
    let _ = busy.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_the_end() {
    let limits = gateway::Limits { last_request: Duration::from_millis(50), ..gateway::Limits::default() };
    let server = start(Wish { limits, ..Wish::default() }).await;
    let whole = post("Echo", r#"{"Text":"half"}"#);
    let head = whole.find("\r\n\r\n").expect("a head");
    let mut halves = Vec::new();
    for sent in [10, head, whole.len() - 1] {
        let mut socket = TcpStream::connect(server.address).await.expect("listening");
        socket.write_all(&whole.as_bytes()[..sent]).await.expect("sent");
        halves.push(socket);
    }
    // A second request on a connection that has had an answer.
    let mut kept = TcpStream::connect(server.address).await.expect("listening");
    kept.write_all(whole.as_bytes()).await.expect("sent");
    assert_eq!(read_answer(&mut kept).await.expect("an answer").status, 200);
    kept.write_all(&whole.as_bytes()[..10]).await.expect("sent");
    halves.push(kept);
    let mut busy = TcpStream::connect(server.address).await.expect("listening");
    busy.write_all(post("Wait", "{}").as_bytes()).await.expect("sent");
    while server.fake.waiting.load(Ordering::SeqCst) == 0 || server.seen.open.load(Ordering::SeqCst) < 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut stopping = tokio::spawn(server.gateway.shutdown(Duration::from_secs(3600)));
    for mut half in halves {
        assert!(read_answer(&mut half).await.is_none(), "cut");
    }
    let longer = tokio::time::timeout(Duration::from_millis(200), &mut stopping).await;
    assert!(longer.is_err(), "a request in work is waited for");
    server.fake.go.add_permits(1);
    assert_eq!(read_answer(&mut busy).await.expect("an answer").status, 200);
    stopping.await.expect("stopped");
}

#[tokio::test]
async fn an_operation_outlives_its_client() {
    let server = start(Wish::default()).await;
    let mut gone = TcpStream::connect(server.address).await.expect("listening");
    gone.write_all(post("Wait", "{}").as_bytes()).await.expect("sent");
    while server.fake.waiting.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(gone);
    while server.seen.open.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(server.fake.waited.load(Ordering::SeqCst), 0);
    server.fake.go.add_permits(1);
    server.gateway.shutdown(Duration::from_secs(60)).await;
    assert_eq!(server.fake.waited.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn connections_that_are_no_sockets_are_served_and_cut() {
    let (fake, seen) = (Fake::new(), Arc::new(Seen::default()));
    let (give, given) = mpsc::channel(1);
    let gateway = Gateway::start_over(parts(&Wish::default(), &fake, &seen), given);
    let (mut ours, theirs) = tokio::io::duplex(4096);
    give.send(theirs).await.expect("taken");
    ours.write_all(post("Echo", "{}").as_bytes()).await.expect("sent");
    assert_eq!(read_answer(&mut ours).await.expect("an answer").status, 200);
    assert_eq!(seen.open.load(Ordering::SeqCst), 1);
    drop((give, gateway));
    assert!(read_answer(&mut ours).await.is_none(), "cut with the gateway");
    assert_eq!(seen.open.load(Ordering::SeqCst), 0);
}
