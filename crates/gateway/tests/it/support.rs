//! A gateway to test, and clients as plain as they get.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::service::Service;
use base::BoxFuture;
use base::caller::{Credential, CredentialSource};
use base::ids::AccountId;
use base::time::{Clock, OffsetClock, SystemClock, Timestamp};
use gateway::{DevControl, Finished, Gateway, Limits, Listeners, Monitor, Parts, Settings};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::{Fake, Older};

pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub const JSON: &str = "application/x-amz-json-1.1";

/// Remembers what it was told.
#[derive(Default)]
pub struct Seen {
    pub finished: Mutex<Vec<(Option<&'static str>, &'static str, u16)>>,
    pub open: AtomicI64,
}

impl Monitor for Seen {
    fn finished(&self, request: &Finished) {
        let one = (request.operation, request.code, request.status);
        self.finished.lock().expect("no test panics in here").push(one);
    }
    fn connection_opened(&self) {
        self.open.fetch_add(1, Ordering::SeqCst);
    }
    fn connection_closed(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
    fn metrics(&self) -> String {
        "requests_total 1\n".to_owned()
    }
}

struct OneKey;

impl CredentialSource for OneKey {
    fn find(&self, access_key_id: &str) -> Option<Credential> {
        (access_key_id == KEY).then(|| Credential {
            secret_access_key: SECRET.to_owned(),
            account: AccountId::new("123456789012").expect("an account"),
            session_token: None,
        })
    }
}

#[derive(Default)]
struct Control(OffsetClock);

impl DevControl for Control {
    fn reset(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Service>>, String>> {
        Box::pin(async { Ok(vec![Fake::new() as Arc<dyn Service>]) })
    }
    fn advance(&self, by: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(by);
        Box::pin(std::future::ready(()))
    }
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// What a test may want to be different.
#[derive(Default)]
pub struct Wish {
    pub auth: bool,
    pub dev: bool,
    pub region: Option<&'static str>,
    pub limits: Limits,
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

pub struct Server {
    pub gateway: Gateway,
    pub fake: Arc<Fake>,
    pub seen: Arc<Seen>,
    pub address: SocketAddr,
    pub tls_address: Option<SocketAddr>,
}

pub async fn start(wish: Wish) -> Server {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let plain = bind().await.expect("a free port");
    let address = plain.local_addr().expect("bound");
    let tls = match wish.tls.clone() {
        Some(config) => Some((bind().await.expect("a free port"), config)),
        None => None,
    };
    let tls_address = tls.as_ref().map(|(listener, _)| listener.local_addr().expect("bound"));
    let (fake, seen) = (Fake::new(), Arc::new(Seen::default()));
    let gateway = Gateway::start(parts(&wish, &fake, &seen), Listeners { plain, tls });
    Server { gateway, fake, seen, address, tls_address }
}

/// What the gateway is made of, beside its listeners.
pub fn parts(wish: &Wish, fake: &Arc<Fake>, seen: &Arc<Seen>) -> Parts {
    Parts {
        services: vec![Arc::clone(fake) as Arc<dyn Service>, Arc::new(Older(Arc::clone(fake)))],
        credentials: wish.auth.then(|| Arc::new(OneKey) as Arc<dyn CredentialSource>),
        clock: Arc::new(SystemClock),
        monitor: Arc::clone(seen) as Arc<dyn Monitor>,
        dev: wish.dev.then(|| Arc::new(Control::default()) as Arc<dyn DevControl>),
        settings: Settings {
            region: wish.region.map(|region| region.parse().expect("a region")),
            region_default: "us-east-1".parse().expect("a region"),
            account: AccountId::zero(),
            limits: wish.limits,
        },
    }
}

/// One answer of HTTP/1.1, its head in lower case.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The text of a request to an operation of the service.
pub fn post(operation: &str, body: &str) -> String {
    request("POST", "/", &[("content-type", JSON), ("x-amz-target", &format!("Fake_1.{operation}"))], body)
}

pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}\r\n{body}")
}

/// The same, with a body of any bytes.
pub fn request_with(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    // As long as the body, and in its place.
    let head = request("POST", path, headers, &" ".repeat(body.len()));
    [&head.as_bytes()[..head.len() - body.len()], body].concat()
}

/// Sends the request on a connection of its own and reads the answer.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut socket = TcpStream::connect(address).await.expect("listening");
    socket.write_all(request.as_ref()).await.expect("sent");
    read_answer(&mut socket).await.expect("an answer")
}

/// Reads one answer with a content length; `None` when the connection ends before it.
pub async fn read_answer(socket: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut answer = Answer { status, head, body: String::new(), bytes: Vec::new() };
    let length: usize = answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while read.len() < end + length {
        if socket.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    answer.bytes = read[end..end + length].to_vec();
    answer.body = String::from_utf8_lossy(&answer.bytes).into_owned();
    Some(answer)
}
