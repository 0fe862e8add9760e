//! A control group with a limit of memory, of either version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where Linux has the groups, and what the file with the limit is called: version 2, then version 1.
const PLACES: [(&str, &str); 2] =
    [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];

/// Removed when dropped.
#[derive(Debug)]
pub(super) struct Group {
    path: PathBuf,
}

impl Group {
    /// # Errors
    /// When this process may not make one.
    pub(super) fn new(name: &str, bytes_max: u64) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for (root, limit) in PLACES {
            let path = Path::new(root).join(format!("anabranch-proof-{}-{name}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    let group = Self { path };
                    match fs::OpenOptions::new().write(true).open(group.path.join(limit)) {
                        Ok(mut file) => {
                            io::Write::write_all(&mut file, bytes_max.to_string().as_bytes())?;
                            return Ok(group);
                        }
                        Err(error) => last = error,
                    }
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It stays, empty, when a process is still in it.
        let _ = fs::remove_dir(&self.path);
    }
}
