//! Starts and stops one server: the only file here that knows the flags of `anabranch serve`.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const ACCESS_KEY_ID: &str = "AKIACONFORMANCE0001";
pub(crate) const SECRET_ACCESS_KEY: &str = "conformance/secret+key";
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// A server process with a data directory of its own; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    tls_port: u16,
    process: Option<Child>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        let mut server = Self { folder, port: free_port(), tls_port: free_port(), process: None };
        server.restart();
        server
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn tls_endpoint(&self) -> String {
        format!("https://localhost:{}", self.tls_port)
    }

    /// The certificate authority that `--tls auto` makes.
    pub(crate) fn authority(&self) -> PathBuf {
        self.data().join("tls/ca.pem")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What the server has said so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Starts the process and waits until it is ready.
    pub(crate) fn restart(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).expect("the log can be opened");
        let binary = std::env::var_os("ANABRANCH_BINARY").unwrap_or_else(|| "anabranch".into());
        let process = Command::new(binary)
            .args(["serve", "--limits", "off", "--tls", "auto"])
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--tls-listen", &format!("127.0.0.1:{}", self.tls_port)])
            .arg("--data")
            .arg(self.data())
            .env("ANABRANCH_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("ANABRANCH_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log can be shared"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        self.process = Some(process);
        let started = Instant::now();
        while !self.is_ready() {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            assert!(ended.is_none(), "the server ended with {ended:?}:\n{}", self.said());
            assert!(started.elapsed() < START_TIME_MAX, "the server is not ready:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_ready(&self) -> bool {
        let Ok(mut connection) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut status = [0; 12];
        connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
            && connection.read_exact(&mut status).is_ok()
            && &status == b"HTTP/1.1 200"
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("an own child can be killed");
            process.wait().expect("an own child can be waited for");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a bound listener has an address").port()
}
