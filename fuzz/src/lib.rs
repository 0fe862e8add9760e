//! What the targets share. A target is a file of `targets/`: a function that takes any bytes and returns.

use std::path::{Path, PathBuf};

pub mod world;

pub mod operation;
pub mod shapes;

pub mod request;

pub mod directory;
mod mend;

/// A path that is this process's own, in memory if the machine has a file system there.
#[must_use]
pub fn place(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    folder.join(format!("anabranch-fuzz-{name}-{}", std::process::id()))
}
