//! A device under a loop device, mounted with ext4.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::{Blocks, Device};

/// A mounted device; unmounted when dropped.
pub(crate) struct Mounted {
    /// Unmounted by hand before both go.
    point: TempDir,
    device: Device,
}

impl Mounted {
    /// A new device with an empty file system.
    pub(crate) async fn format(bytes: usize) -> Result<Self, String> {
        blocking(move || Self::format_now(bytes)).await
    }

    /// Mounts a device that holds a file system.
    pub(crate) async fn open(content: Blocks) -> Result<Self, String> {
        blocking(move || Self::mount(Device::new(content).map_err(|error| failed(&error))?)).await
    }

    /// Unmounts it.
    pub(crate) async fn close(self) {
        blocking(move || drop(self)).await;
    }

    fn format_now(bytes: usize) -> Result<Self, String> {
        let device = Device::new(Blocks::new(bytes)).map_err(|error| failed(&error))?;
        // Everything is initialised now, so that nothing writes in the background later.
        let options = "lazy_itable_init=0,lazy_journal_init=0,nodiscard";
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0", "-E", options]).arg(device.file()))?;
        Self::mount(device)
    }

    fn mount(device: Device) -> Result<Self, String> {
        let point = tempfile::tempdir().map_err(|error| failed(&error))?;
        run(Command::new("mount").args(["-t", "ext4", "-o", "loop,noatime"]).arg(device.file()).arg(point.path()))?;
        Ok(Self { point, device })
    }

    pub(crate) fn path(&self) -> &Path {
        self.point.path()
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, so that a process that still ends does not keep it; the loop device goes with it.
        if let Err(message) = run(Command::new("umount").arg(self.point.path())) {
            eprintln!("{message}");
            let _ = run(Command::new("umount").arg("--lazy").arg(self.point.path()));
        }
    }
}

/// Mounting and unmounting wait for threads of this process.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.expect("mounting does not panic")
}

fn failed(error: &io::Error) -> String {
    format!("the device cannot be made: {error}")
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name} does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
