//! A server that was started for a measurement.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::installed::Program;
use crate::floor::BareServer;
use crate::load::Producer;
use crate::request::Shape;
use crate::server::Server;

const START_TIME_MAX: Duration = Duration::from_secs(60);
const LOG_BYTES_SHOWN: usize = 2000;

/// How a server is to be loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup<'a> {
    pub options: &'a crate::Options,
    /// Empty, and goes away with the server.
    pub folder: &'a Path,
    pub shape: Shape,
    pub producers: usize,
}

/// Ready for its producers; stops when it is dropped.
pub(super) trait Running: Sync {
    /// The process whose time counts, with its children.
    fn pid(&self) -> u32;

    /// A connection of its own for the producer of an index.
    fn producer(&self, index: usize) -> Result<Box<dyn Producer>, String>;

    /// How many records the server says it holds; `None` when it cannot say, or not in time.
    fn stored(&self) -> Result<Option<u64>, String>;
}

/// A process under measurement.
pub(super) trait Process: Sync {
    fn pid(&self) -> u32;
}

impl Process for Server {
    fn pid(&self) -> u32 {
        self.pid()
    }
}

impl Process for BareServer {
    fn pid(&self) -> u32 {
        self.pid()
    }
}

/// The process of an installed program.
#[derive(Debug)]
pub(super) struct Spawned {
    process: Child,
    log: PathBuf,
}

impl Spawned {
    /// Starts it and waits until it takes connections.
    pub(super) fn start(
        program: &Program,
        arguments: &[String],
        environment: &[(&str, String)],
        folder: &Path,
        address: SocketAddr,
    ) -> Result<Self, String> {
        let name = &program.name;
        let (path, first) = program.command.split_first().ok_or_else(|| format!("{name} has no program"))?;
        let log = folder.join("log");
        let output = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let process = Command::new(path)
            .args(first)
            .args(arguments)
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(|error| format!("{}: {error}", log.display()))?)
            .stderr(output)
            .spawn()
            .map_err(|error| format!("{path} does not start: {error}"))?;
        let mut spawned = Self { process, log };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = spawned.process.try_wait().ok().flatten();
            if ended.is_some() || started.elapsed() > START_TIME_MAX {
                return Err(format!("{name} does not listen ({ended:?}): {}", spawned.said()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(spawned)
    }

    /// The end of what it printed.
    fn said(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_BYTES_SHOWN)..]).into_owned()
    }
}

impl Process for Spawned {
    fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
