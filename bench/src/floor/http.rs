//! A bare hyper server, in a process of its own: this program with other arguments.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;

use super::{Log, work};
use crate::load::Load;
use crate::plan::{Plan, Requests};
use crate::process::CpuTime;
use crate::request::{Signing, sign};
use crate::server::free_address;

/// First argument of the program that makes it the bare server.
pub(crate) const HTTP_SERVER: &str = "floor-server";

/// Of one body; more is not read.
const BODY_BYTES_MAX: usize = 16 << 20;

/// What the server does with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Reads it and answers 200.
    Read,
    /// All that a PutRecords asks of a processor.
    Compute,
    /// The same, and answers when the frame is on the disk.
    Store,
}

impl Work {
    const ALL: [(&'static str, Self); 3] = [("read", Self::Read), ("compute", Self::Compute), ("store", Self::Store)];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, work)| *work == self).map_or("", |(name, _)| name)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, work)| *work)
    }
}

/// What it costs a bare hyper server to read `bodies` and to answer 200.
pub(crate) fn http(bodies: &[String], connections: usize, time: Duration) -> Result<Load, String> {
    let server = BareServer::start(Work::Read, Path::new("."))?;
    let address = server.address;
    let requests: Requests = bodies.iter().map(|body| sign(address, Signing::Bare, body.as_bytes())).collect();
    let plan = Plan { address, requests: &requests, connections, time, expect: &[] };
    plan.run(|| CpuTime::of(server.pid()))
}

#[derive(Debug)]
pub(crate) struct BareServer {
    process: Child,
    pub address: SocketAddr,
}

impl BareServer {
    /// Its log, if it has one, lies in `folder`.
    pub(crate) fn start(work: Work, folder: &Path) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("a process knows its program: {error}"))?;
        let address = free_address()?;
        let process = Command::new(program)
            .args([HTTP_SERVER, &address.to_string(), work.name()])
            .arg(folder)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("the bare server does not start: {error}"))?;
        let server = Self { process, address };
        for _ in 0..4000 {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the bare server does not listen".to_owned())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What all connections of the server share.
struct Shared {
    work: Work,
    key: hmac::Key,
    log: Option<Log>,
    records: AtomicU64,
}

/// The bare server itself: `floor-server ADDRESS WORK FOLDER`.
pub(crate) fn serve(arguments: &[String]) -> Result<(), String> {
    let [address, work, folder] = arguments else { return Err("an address, the work and a folder".to_owned()) };
    let address: SocketAddr = address.parse().map_err(|error| format!("{address}: {error}"))?;
    let work = Work::parse(work).ok_or_else(|| format!("there is no work {work}"))?;
    let log = (work == Work::Store).then(|| Log::open(Path::new(folder))).transpose()?;
    let shared = Arc::new(Shared { work, key: work::signing_key(), log, records: AtomicU64::new(0) });
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| error.to_string())?;
        loop {
            let (socket, _) = listener.accept().await.map_err(|error| error.to_string())?;
            socket.set_nodelay(true).map_err(|error| error.to_string())?;
            let shared = Arc::clone(&shared);
            let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
            let serving = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            tokio::spawn(async move {
                // A client that goes away is how every connection ends.
                let _ = serving.await;
            });
        }
    })
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    if shared.work == Work::Read {
        while let Some(Ok(_)) = body.frame().await {}
        return Ok(Response::new(Full::new(Bytes::new())));
    }
    let done = match read(body).await {
        Ok(body) => put_records(&body, &shared).await,
        Err(error) => Err(error),
    };
    let mut response = Response::new(Full::new(Bytes::new()));
    match done {
        Ok(answer) => *response.body_mut() = Full::new(answer.into()),
        Err(message) => {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            *response.body_mut() = Full::new(message.into());
        }
    }
    Ok(response)
}

async fn read(mut body: Incoming) -> Result<Vec<u8>, String> {
    let announced = hyper::body::Body::size_hint(&body).lower();
    let mut bytes = Vec::with_capacity(BODY_BYTES_MAX.min(usize::try_from(announced).unwrap_or(usize::MAX)));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| error.to_string())?;
        let part = frame.into_data().unwrap_or_default();
        if bytes.len() + part.len() > BODY_BYTES_MAX {
            return Err("the body is too long".to_owned());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

async fn put_records(body: &[u8], shared: &Shared) -> Result<Vec<u8>, String> {
    // The most that one request may hold.
    let first = shared.records.fetch_add(500, Ordering::Relaxed);
    let done = work::put_records(body, &shared.key, first)?;
    if let Some(log) = &shared.log {
        log.append(done.frame).await.map_err(|_| "the log has stopped".to_owned())??;
    }
    Ok(done.response)
}
