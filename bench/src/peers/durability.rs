//! Looks at what a server does with the disk before it acknowledges, by its system calls.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::running::Running;

/// Batches that are sent one after the other while the system calls are watched.
pub(super) const BATCHES: u32 = 10;
const WATCHED: &str = "trace=fsync,fdatasync,sync_file_range,msync,write,writev,pwrite64,pwritev,pwritev2";
const O_DSYNC: u64 = 0o10_000;
const POLL: Duration = Duration::from_millis(10);
const POLLS_MAX: u32 = 500;

/// Flushes, and writes that flush, while [`BATCHES`] batches were acknowledged; they may belong to other work.
pub(super) fn flushes(running: &dyn Running, folder: &Path) -> Result<usize, String> {
    let mut producer = running.producer(0)?;
    // What is done once, at first use, is not what is asked for.
    for _ in 0..3 {
        producer.send()?;
    }
    let calls = folder.join("calls");
    let mut watcher = watch(running.pid(), &calls)?;
    let sent = (0..BATCHES).try_for_each(|_| producer.send());
    let flushing = flushing_files(running.pid());
    let pid = Pid::from_raw(watcher.id().cast_signed()).expect("a child has a process id");
    kill_process(pid, Signal::INT).map_err(|error| format!("strace cannot be stopped: {error}"))?;
    watcher.wait().map_err(|error| format!("strace: {error}"))?;
    sent?;
    let calls = fs::read_to_string(&calls).map_err(|error| format!("{}: {error}", calls.display()))?;
    Ok(calls.lines().filter(|line| is_flush(line, &flushing)).count())
}

/// strace, attached.
fn watch(pid: u32, calls: &Path) -> Result<Child, String> {
    let log = File::create(calls.with_extension("strace")).map_err(|error| format!("strace: {error}"))?;
    let mut watcher = Command::new("strace")
        .args(["-f", "-y", "-q", "-e", WATCHED, "-p", &pid.to_string(), "-o"])
        .arg(calls)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| format!("strace does not start: {error}"))?;
    for _ in 0..POLLS_MAX {
        if is_watched(pid) {
            return Ok(watcher);
        }
        if watcher.try_wait().ok().flatten().is_some() {
            break;
        }
        thread::sleep(POLL);
    }
    // It may have ended already; then there is nothing to do.
    let _ = watcher.kill();
    let _ = watcher.wait();
    Err("strace cannot attach".to_owned())
}

/// Whether every thread of a process is watched.
fn is_watched(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    let mut tracers =
        statuses.map(|text| text.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0")));
    tracers.next() == Some(true) && tracers.all(|watched| watched)
}

/// Open files of which every write is a flush too.
fn flushing_files(pid: u32) -> BTreeSet<String> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let flushing = files.filter_map(|file| {
        let number = file.file_name().into_string().ok()?;
        let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).ok()?;
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = u64::from_str_radix(flags.trim(), 8).ok()?;
        let path = fs::read_link(file.path()).ok()?;
        (flags & O_DSYNC != 0).then(|| path.display().to_string())
    });
    flushing.collect()
}

/// Reads a line such as `77 pwrite64(5</data/journal>, ...`.
fn is_flush(line: &str, flushing: &BTreeSet<String>) -> bool {
    let Some((call, rest)) = line.split_once('(') else { return false };
    let call = call.rsplit(' ').next().unwrap_or_default();
    match call {
        "fsync" | "fdatasync" | "sync_file_range" | "msync" => true,
        "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => {
            let path = rest.split_once('<').and_then(|(_, path)| path.split_once('>'));
            rest.contains("RWF_DSYNC") || path.is_some_and(|(path, _)| flushing.contains(path))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flushes_are_told_from_writes() {
        let flushing = BTreeSet::from(["/data/journal".to_owned()]);
        for (line, expected) in [
            ("77 pwrite64(5</data/journal>, \"\\1\"..., 4096, 0) = 4096", true),
            ("77    pwrite64(5</data/journal>, <unfinished ...>", true),
            ("77 <... pwrite64 resumed>) = 4096", false),
            ("77 write(9<socket:[1]>, \"\\1\"..., 12) = 12", false),
            ("77 fdatasync(7</data/aof>) = 0", true),
            ("77 <... fdatasync resumed>) = 0", false),
            ("77 pwritev2(7</data/x>, [], 1, 0, RWF_DSYNC) = 0", true),
            ("strace: Process 77 attached", false),
        ] {
            assert_eq!(is_flush(line, &flushing), expected, "{line}");
        }
    }
}
