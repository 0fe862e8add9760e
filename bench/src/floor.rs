//! What the machine gives to a program that does nothing else: a bare durable write, a bare HTTP server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use rustix::fs::{Mode, OFlags};

use crate::load::{Load, Plan, percentile};
use crate::process::CpuTime;
use crate::request::{Signing, sign};
use crate::server::free_address;

/// First argument of the program that makes it the bare server.
pub(crate) const HTTP_SERVER: &str = "floor-server";

const BLOCK_BYTES: usize = 4096;
const BLOCKS: u64 = 2048;
const READ_BYTES: usize = 1 << 20;

/// Ascending latencies of 4 KiB writes that are on the disk when they return, into a file that was written before.
pub(crate) fn durable_writes(folder: &Path) -> Result<Vec<Duration>, String> {
    let path = folder.join("floor");
    let fail = |error: rustix::io::Errno| format!("{}: {error}", path.display());
    let zeros = vec![0u8; BLOCK_BYTES * BLOCKS as usize];
    std::fs::write(&path, zeros).map_err(|error| format!("{}: {error}", path.display()))?;
    let flags = OFlags::WRONLY | OFlags::DSYNC;
    // Not every file system has direct I/O; the write is as durable without.
    let file = rustix::fs::open(&path, flags | OFlags::DIRECT, Mode::empty())
        .or_else(|_| rustix::fs::open(&path, flags, Mode::empty()))
        .map_err(fail)?;
    rustix::fs::fsync(&file).map_err(fail)?;
    let memory = vec![7u8; BLOCK_BYTES * 2];
    let aligned = memory.as_ptr().align_offset(BLOCK_BYTES);
    let block = &memory[aligned..aligned + BLOCK_BYTES];
    let mut latencies = Vec::new();
    for i in 0..BLOCKS {
        let started = Instant::now();
        rustix::io::pwrite(&file, block, i * BLOCK_BYTES as u64).map_err(fail)?;
        latencies.push(started.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    latencies.sort_unstable();
    Ok(latencies)
}

/// Median of [`durable_writes`].
pub(crate) fn durable_write_p50(folder: &Path) -> Result<Duration, String> {
    Ok(percentile(&durable_writes(folder)?, 50.0))
}

/// Time to read the first `bytes` of a file once, past the page cache where the file system allows it.
pub(crate) fn sequential_read(path: &Path, bytes: u64) -> Result<Duration, String> {
    let fail = |error: rustix::io::Errno| format!("{}: {error}", path.display());
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECT, Mode::empty())
        .or_else(|_| rustix::fs::open(path, OFlags::RDONLY, Mode::empty()))
        .map_err(fail)?;
    let mut memory = vec![0u8; READ_BYTES + BLOCK_BYTES];
    let aligned = memory.as_ptr().align_offset(BLOCK_BYTES);
    let (started, mut at) = (Instant::now(), 0);
    while at < bytes {
        match rustix::io::pread(&file, &mut memory[aligned..aligned + READ_BYTES], at).map_err(fail)? {
            0 => break,
            count => at += count as u64,
        }
    }
    Ok(started.elapsed())
}

/// What it costs a bare hyper server to read `bodies` and to answer 200.
pub(crate) fn http(bodies: &[String], connections: usize, time: Duration) -> Result<Load, String> {
    let address = free_address()?;
    let server = BareServer::start(address)?;
    let requests: Vec<Vec<u8>> = bodies.iter().map(|body| sign(address, Signing::Bare, body.as_bytes())).collect();
    let plan = Plan { address, requests: &requests, connections, time, expect: b"" };
    plan.run(|| CpuTime::of(server.0.id()))
}

#[derive(Debug)]
struct BareServer(Child);

impl BareServer {
    fn start(address: SocketAddr) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("a process knows its program: {error}"))?;
        let server = Command::new(program)
            .args([HTTP_SERVER, &address.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| format!("the bare server does not start: {error}"))?;
        for _ in 0..1000 {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the bare server does not listen".to_owned())
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The bare server itself, in a process of its own.
pub(crate) fn serve() -> Result<(), String> {
    let address: SocketAddr =
        std::env::args().nth(2).and_then(|text| text.parse().ok()).ok_or("an address is missing")?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| error.to_string())?;
        loop {
            let (socket, _) = listener.accept().await.map_err(|error| error.to_string())?;
            socket.set_nodelay(true).map_err(|error| error.to_string())?;
            let serving = http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(answer));
            tokio::spawn(async move {
                // A client that goes away is how every connection ends.
                let _ = serving.await;
            });
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    Ok(Response::new(Full::new(Bytes::new())))
}
