//! One target: its program, its corpus, and what came of running it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What one input may take.
const SECONDS_MAX: u32 = 20;
const MEMORY_MIB_MAX: u32 = 2048;
/// What programs print at the end.
const EXECUTIONS: &str = "stat::number_of_executed_units:";
/// What they print before the path of an input that crashes, hangs or takes too much memory.
const WRITTEN: &str = "Test unit written to ";

pub(super) struct Target {
    program: PathBuf,
    /// Committed inputs.
    corpus: PathBuf,
    /// Inputs that fuzzing has found on this machine.
    found: PathBuf,
    /// Inputs that crash.
    artifacts: PathBuf,
    words: PathBuf,
}

pub(super) struct Outcome {
    pub executions: u64,
    /// The inputs.
    pub crashes: Vec<String>,
}

impl Target {
    /// `folder`: where the targets' workspace is; `host`: the triple of this machine.
    pub(super) fn new(folder: &Path, host: &str, name: &str) -> Self {
        let build = folder.join("target");
        Self {
            program: build.join(host).join("release").join(name),
            corpus: folder.join("corpus").join(name),
            found: build.join("corpus").join(name),
            artifacts: build.join("artifacts").join(name),
            words: folder.join("dictionaries/kinesis.dict"),
        }
    }

    /// Number of the committed inputs, and their bytes.
    pub(super) fn corpus(&self) -> Result<(usize, u64), String> {
        let mut sizes = Vec::new();
        for input in files(&self.corpus)? {
            sizes.push(fs::metadata(&input).map_err(|error| format!("{}: {error}", input.display()))?.len());
        }
        Ok((sizes.len(), sizes.iter().sum()))
    }

    /// Runs the corpus, and then new inputs for so many seconds.
    pub(super) fn run(&self, seconds: u64) -> Result<Outcome, String> {
        for folder in [&self.found, &self.artifacts] {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let mut command = Command::new(&self.program);
        if seconds == 0 {
            command.arg("-runs=0");
        } else {
            command.arg(format!("-max_total_time={seconds}")).arg(&self.found);
        }
        command.arg(&self.corpus);
        command.arg(format!("-dict={}", self.words.display()));
        command.arg(format!("-artifact_prefix={}/", self.artifacts.display()));
        command.args([format!("-timeout={SECONDS_MAX}"), format!("-rss_limit_mb={MEMORY_MIB_MAX}")]);
        command.arg("-print_final_stats=1");
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("{}: {error}", self.program.display()))?;
        let log = String::from_utf8_lossy(&output.stderr);
        let crashes: Vec<String> = if output.status.success() { Vec::new() } else { written(&log) };
        if !output.status.success() {
            // The reason, and where it was.
            eprintln!("{}", tail(&log));
            if crashes.is_empty() {
                return Err(format!("{}: {}", self.program.display(), output.status));
            }
        }
        Ok(Outcome { executions: executions(&log), crashes })
    }
}

fn written(log: &str) -> Vec<String> {
    let inputs = log.lines().filter_map(|line| line.split_once(WRITTEN));
    inputs.map(|(_, path)| path.trim().to_owned()).collect()
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    const LINES_MAX: usize = 60;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

fn executions(log: &str) -> u64 {
    let said = log.lines().find_map(|line| line.strip_prefix(EXECUTIONS));
    said.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_read() {
        let log = "#2\tDONE\nstat::number_of_executed_units: 163\n\
                   artifact_prefix='a/'; Test unit written to a/crash-1\nBase64: AA==";
        assert_eq!((executions(log), written(log)), (163, vec!["a/crash-1".to_owned()]));
        assert_eq!((executions("nothing"), written("nothing")), (0, vec![]));
    }
}
