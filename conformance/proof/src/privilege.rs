//! What some rows need of the machine: the rights to mount, and FUSE.

use std::path::Path;
use std::process::{Command, ExitCode};

/// Set in the process that has mounts of its own.
const APART: &str = "PROOF_APART";
/// Programs that rows with devices call.
const PROGRAMS: [&str; 4] = ["mkfs.ext4", "mount", "umount", "unshare"];
const PLACES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/// Why this machine cannot run rows that mount, if it cannot.
pub(crate) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        return Some("needs root and /dev/fuse".to_owned());
    }
    let lacks = |program: &&&str| !PLACES.iter().any(|place| Path::new(place).join(program).exists());
    PROGRAMS.iter().find(lacks).map(|program| format!("needs {program}"))
}

/// Runs this program again with mounts that no other process sees and with processes that end when it ends: the kernel cleans
/// up, however it ends. `None` in that process itself.
pub(crate) fn move_apart() -> Option<ExitCode> {
    if std::env::var_os(APART).is_some() {
        return None;
    }
    let program = std::env::current_exe().expect("a process knows its program");
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(APART, "1")
        .status()
        .expect("unshare can be run");
    Some(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
