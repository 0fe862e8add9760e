//! Starts and stops the server's binary: the only file here that knows the flags of `anabranch serve`.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// A slow disk may make a start slow; nothing here waits longer.
const START_TIME_MAX: Duration = Duration::from_secs(60);
const STOP_TIME_MAX: Duration = Duration::from_secs(30);

/// How the server is run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub data: PathBuf,
    pub durability: &'static str,
    /// Memory for recent records: little of it makes readers go to the files. `None`: all sizes are the server's own choice.
    pub memory: Option<&'static str>,
    /// The control group that the server runs in.
    pub group: Option<PathBuf>,
    pub environment: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn new(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), durability: "sync", memory: Some("8MiB"), group: None, environment: Vec::new() }
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    endpoint: String,
    folder: TempDir,
}

/// The process ended before it served, or never served.
#[derive(Debug)]
pub(crate) struct NotStarted {
    /// `None` when it had to be killed.
    pub status: Option<ExitStatus>,
    pub said: String,
}

impl NotStarted {
    /// It refused to start: it ended by itself, with an error and without a panic.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_some_and(|status| status.code().is_some_and(|code| code != 0)) && !panicked(&self.said)
    }
}

impl std::fmt::Display for NotStarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(f, "the server ended with {status}: {}", last_lines(&self.said)),
            None => write!(f, "the server was not ready after {START_TIME_MAX:?}: {}", last_lines(&self.said)),
        }
    }
}

impl Server {
    /// Starts the process and waits until it serves.
    pub(crate) async fn start(settings: &Settings) -> Result<Self, NotStarted> {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        let ready = folder.path().join("ready");
        let log = File::create(folder.path().join("log")).expect("the log can be made");
        let mut command = command(settings.group.as_deref());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ANABRANCH_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--auth", "off", "--limits", "off"]);
        if let Some(memory) = settings.memory {
            command.args(["--journal-file", "16MiB", "--append-memory", "16MiB", "--tail-memory", memory]);
        }
        let process = command
            .args(["--durability", settings.durability, "--drain", "1s"])
            .arg("--data")
            .arg(&settings.data)
            .arg("--ready-file")
            .arg(&ready)
            .envs(settings.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log can be shared"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the binary can be run");
        let mut server = Self { process, endpoint: String::new(), folder };
        let started = Instant::now();
        loop {
            if let Ok(endpoint) = std::fs::read_to_string(&ready) {
                endpoint.trim().clone_into(&mut server.endpoint);
                return Ok(server);
            }
            if let Some(status) = server.ended() {
                return Err(NotStarted { status: Some(status), said: server.said() });
            }
            if started.elapsed() > START_TIME_MAX {
                let said = server.said();
                server.kill().await;
                return Err(NotStarted { status: None, said });
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.endpoint.strip_prefix("http://").and_then(|address| address.parse().ok());
        address.expect("the endpoint is an address")
    }

    /// The most memory that the process has had, in bytes.
    pub(crate) fn peak_memory_bytes(&self) -> Result<u64, String> {
        let id = self.process.id().ok_or("the server has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).map_err(|error| error.to_string())?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().map_err(|_| format!("VmHWM is {line:?}"))?;
        Ok(kib << 10)
    }

    /// Everything that it has written to its outputs.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How the process has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("an own child can be looked at")
    }

    /// kill -9.
    pub(crate) async fn kill(mut self) -> String {
        self.process.kill().await.expect("an own child can be killed");
        self.said()
    }

    /// Asks it to stop in order; how it ended and what it said.
    ///
    /// # Errors
    /// When it does not end in time.
    pub(crate) async fn finish(mut self) -> Result<(ExitStatus, String), String> {
        if let Some(id) = self.process.id() {
            let id = Pid::from_raw(id.cast_signed()).expect("the number of a process is not 0");
            // An error means that it has ended already, which the wait tells.
            let _ = kill_process(id, Signal::TERM);
        }
        match timeout(STOP_TIME_MAX, self.process.wait()).await {
            Ok(status) => Ok((status.expect("an own child can be waited for"), self.said())),
            Err(_) => Err(format!("the server does not stop within {STOP_TIME_MAX:?}: {}", last_lines(&self.said()))),
        }
    }

    /// Asks it to stop in order.
    ///
    /// # Errors
    /// When it ends with an error, by a panic, or not in time.
    pub(crate) async fn stop(self) -> Result<(), String> {
        let (status, said) = self.finish().await?;
        if status.success() && !panicked(&said) {
            return Ok(());
        }
        Err(format!("the server stopped with {status}: {}", last_lines(&said)))
    }
}

/// The server, which joins the group before it runs.
fn command(group: Option<&Path>) -> Command {
    let Some(group) = group else { return Command::new(binary()) };
    let mut command = Command::new("sh");
    command.args(["-c", r#"echo $$ > "$0/cgroup.procs" && exec "$@""#]).arg(group).arg(binary());
    command
}

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("ANABRANCH_BINARY").unwrap_or_else(|| "target/release/anabranch".into()).into()
}

pub(crate) fn panicked(said: &str) -> bool {
    said.contains("panicked")
}

/// The end of what a server said, short enough for a report.
pub(crate) fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().rev().take(6).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n  ")
}
