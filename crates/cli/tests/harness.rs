//! Runs the binary: as a server, and as a command against one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_anabranch");
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
const TIME_MAX: Duration = Duration::from_secs(60);

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// The binary with an environment of its own.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    let output = command.output().expect("the binary runs");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Waits until `found` finds something.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(started.elapsed() < TIME_MAX, "no {what} within {TIME_MAX:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A server with a data directory that lives as long as this does.
pub struct Server {
    pub folder: TempDir,
    flags: Vec<String>,
    has_key: bool,
    pub endpoint: String,
    process: Child,
}

impl Server {
    /// Knows the key that [`Server::anabranch`] uses.
    pub fn start(flags: &[&str]) -> Self {
        Self::start_with(flags, true)
    }

    /// Makes its own key.
    pub fn start_without_key(flags: &[&str]) -> Self {
        Self::start_with(flags, false)
    }

    fn start_with(flags: &[&str], has_key: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let (process, endpoint) = launch(folder.path(), &flags, has_key);
        Self { folder, flags, has_key, endpoint, process }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the server wrote to standard output since its last start.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("out")).expect("text")
    }

    /// `kill -9`, and a start on the same data.
    pub fn crash_and_restart(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it has ended");
        (self.process, self.endpoint) = launch(self.folder.path(), &self.flags, self.has_key);
    }

    /// Stops as a supervisor does, and starts again.
    pub fn stop_and_restart(&mut self) {
        assert!(self.stop("TERM").success());
        (self.process, self.endpoint) = launch(self.folder.path(), &self.flags, self.has_key);
    }

    /// Sends a signal and waits for the end.
    pub fn stop(&mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.process.wait().expect("it has ended")
    }

    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().expect("a child").is_none()
    }

    pub fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// The environment of a user of this server.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command
            .env("AWS_ENDPOINT_URL_KINESIS", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    /// Runs a command that must succeed; what it printed.
    pub fn anabranch(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.err);
        ended.out
    }

    pub fn anabranch_json(&self, arguments: &[&str]) -> serde_json::Value {
        let out = self.anabranch(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&out).expect("JSON")
    }

    /// A file in the server's folder.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
        if std::thread::panicking() {
            eprintln!("log of the server:\n{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
    }
}

fn launch(folder: &Path, flags: &[String], has_key: bool) -> (Child, String) {
    let ready = folder.join("ready");
    // Of an earlier start.
    drop(fs::remove_file(&ready));
    let file = |name: &str| File::options().create(true).append(true).open(folder.join(name)).expect("a file");
    let mut command = command(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(folder.join("data")).arg("--ready-file").arg(&ready).args(flags);
    if has_key {
        command.env("ANABRANCH_ACCESS_KEY_ID", ACCESS_KEY_ID).env("ANABRANCH_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    }
    command.stdout(File::create(folder.join("out")).expect("a file")).stderr(file("log"));
    let mut process = command.spawn().expect("the binary runs");
    let endpoint = wait_for("start of the server", || {
        if let Some(status) = process.try_wait().expect("a child") {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("the server ended with {status}:\n{log}");
        }
        fs::read_to_string(&ready).ok()
    });
    (process, endpoint.trim_end().to_owned())
}
