//! A server under measurement: the only file here that knows the flags of `anabranch serve`.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Options;
use crate::api::Api;
use crate::connection::Connection;
use crate::process::{CpuTime, resident_kib};
use crate::request::{Signing, sign};

pub(crate) const ACCESS_KEY_ID: &str = "AKIABENCH0000000001";
pub(crate) const SECRET_ACCESS_KEY: &str = "bench-secret";
const START_TIME_MAX: Duration = Duration::from_secs(120);

/// A process with a data directory that goes away with it.
#[derive(Debug)]
pub(crate) struct Server {
    binary: PathBuf,
    folder: PathBuf,
    flags: Vec<String>,
    address: SocketAddr,
    process: Option<Child>,
}

impl Server {
    /// Starts with an empty data directory and waits until ListStreams is answered.
    pub(crate) fn start(options: &Options, flags: &[&str]) -> Result<Self, String> {
        let mut server = Self::prepare(options, flags)?;
        server.launch()?;
        Ok(server)
    }

    /// Everything but the process.
    pub(crate) fn prepare(options: &Options, flags: &[&str]) -> Result<Self, String> {
        let address = free_address()?;
        let folder = options.data.join(format!("server-{}", address.port()));
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Ok(Self { binary: options.binary.clone(), folder, flags, address, process: None })
    }

    /// Starts the process; the time from exec to the answer of a first ListStreams.
    pub(crate) fn launch(&mut self) -> Result<Duration, String> {
        fs::create_dir_all(&self.folder).map_err(|error| format!("{}: {error}", self.folder.display()))?;
        let log = File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.map_err(|error| format!("log: {error}"))?;
        let request = sign(self.address, Signing::Json("ListStreams"), b"{}");
        let started = Instant::now();
        let process = Command::new(&self.binary)
            .args(["serve", "--limits", "off", "--tls", "off", "--listen", &self.address.to_string()])
            .args(&self.flags)
            .arg("--data")
            .arg(self.folder.join("data"))
            .env("ANABRANCH_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("ANABRANCH_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| format!("log: {error}"))?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", self.binary.display()))?;
        self.process = Some(process);
        loop {
            let answered = Connection::open(self.address)
                .and_then(|mut connection| connection.exchange(&request))
                .is_ok_and(|answer| answer.status == 200);
            if answered {
                return Ok(started.elapsed());
            }
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            if ended.is_some() || started.elapsed() > START_TIME_MAX {
                let said = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(format!("the server does not answer ({ended:?}):\n{said}"));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Child::id)
    }

    pub(crate) fn cpu(&self) -> CpuTime {
        CpuTime::of(self.pid())
    }

    pub(crate) fn resident_kib(&self) -> u64 {
        resident_kib(self.pid())
    }

    pub(crate) fn api(&self) -> Api {
        Api { address: self.address }
    }

    /// The files of the journal, oldest first.
    pub(crate) fn journals(&self) -> Result<Vec<PathBuf>, String> {
        let folder = self.folder.join("data/journal");
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        Ok(files)
    }

    /// Keeps the server from rewriting its journal into segments, by what stands in the way of the first, until what is
    /// answered is dropped.
    pub(crate) fn without_segments(&self) -> Result<SealingStopped, String> {
        let obstacle = self.folder.join("data/segments/0000000000000001.segment");
        fs::create_dir_all(&obstacle).map_err(|error| format!("{}: {error}", obstacle.display()))?;
        Ok(SealingStopped(obstacle))
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("an own child can be killed");
            process.wait().expect("an own child can be waited for");
        }
    }
}

/// A directory in the place of a segment.
#[derive(Debug)]
pub(crate) struct SealingStopped(PathBuf);

impl Drop for SealingStopped {
    fn drop(&mut self) {
        // It is empty: files that were to take its place have other names.
        let _ = fs::remove_dir(&self.0);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        // A folder that stays behind costs disk space and nothing else.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port is free: {error}"))?;
    listener.local_addr().map_err(|error| format!("no port is free: {error}"))
}
