//! The checkpoint file: positions that survive the process. `docs/format/agent-checkpoint.md` has the layout.
//!
//! It is replaced as a whole: written beside, flushed, renamed. A file that cannot be understood is never replaced.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::positions::Flows;

const FORMAT: &str = "anabranch-agent-checkpoint";
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Layout {
    format: String,
    version: u32,
    flows: Flows,
}

/// Why the agent does not start with a checkpoint file.
#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("cannot read the checkpoint file {}: {reason}", path.display())]
    Read { path: PathBuf, reason: io::Error },
    #[error("{} is a checkpoint database of the Kinesis Agent, which is not read: name another checkpointFile", .0.display())]
    KinesisAgent(PathBuf),
    #[error("the checkpoint file {} is damaged ({reason}): to start without positions, remove it", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("the checkpoint file {} is in use by another agent", .0.display())]
    InUse(PathBuf),
}

/// The file, as its only user.
#[derive(Debug)]
pub struct CheckpointFile {
    path: PathBuf,
    /// Held while the agent runs; `None` where the folder is not to be written yet.
    lock: Option<File>,
}

impl CheckpointFile {
    /// The file and what it says; nothing if there is none.
    ///
    /// # Errors
    /// When it is there and not understood, or another agent uses it.
    pub fn open(path: PathBuf) -> Result<(Self, Flows), CheckpointError> {
        let mut file = Self { path, lock: None };
        file.take_lock()?;
        let flows = file.read()?;
        Ok((file, flows))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what the file says.
    ///
    /// # Errors
    /// When it cannot be written; it then says what it said before.
    pub fn write(&mut self, flows: Flows) -> io::Result<()> {
        if let Some(folder) = self.folder() {
            fs::create_dir_all(folder)?;
        }
        // The folder may not have been there at the start.
        self.take_lock().map_err(|error| io::Error::new(ErrorKind::ResourceBusy, error.to_string()))?;
        let layout = Layout { format: FORMAT.to_owned(), version: VERSION, flows };
        let mut text = serde_json::to_vec_pretty(&layout).map_err(io::Error::other)?;
        text.push(b'\n');
        let new = self.beside(".new");
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        let replaced = written.and_then(|()| fs::rename(&new, &self.path));
        if replaced.is_err() {
            // Half a file on a full disk is in the way of everybody.
            drop(fs::remove_file(&new));
        }
        replaced?;
        self.folder().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    fn read(&self) -> Result<Flows, CheckpointError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Flows::new()),
            Err(reason) => return Err(CheckpointError::Read { path: self.path.clone(), reason }),
        };
        if text.starts_with(b"SQLite format 3\0") {
            return Err(CheckpointError::KinesisAgent(self.path.clone()));
        }
        let damaged = |reason: String| CheckpointError::Damaged { path: self.path.clone(), reason };
        let layout: Layout = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if layout.format != FORMAT || layout.version != VERSION {
            return Err(damaged(format!("format {} {}", layout.format, layout.version)));
        }
        Ok(layout.flows)
    }

    fn take_lock(&mut self) -> Result<(), CheckpointError> {
        if self.lock.is_some() {
            return Ok(());
        }
        // Where there is no folder yet, there is no other agent.
        let Ok(file) = File::options().create(true).truncate(false).write(true).open(self.beside(".lock")) else {
            return Ok(());
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(CheckpointError::InUse(self.path.clone())),
            // File systems without locks do without.
            Ok(()) | Err(TryLockError::Error(_)) => {
                self.lock = Some(file);
                Ok(())
            }
        }
    }

    fn folder(&self) -> Option<&Path> {
        self.path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::positions::{FileId, Head, Position};

    fn flows(offset: u64) -> Flows {
        let position = Position {
            path: "/var/log/a".into(),
            id: FileId { device: 1, inode: u64::MAX },
            head: Head { bytes: 3, md5: "900150983cd24fb0d6963f7d28e17f72".into() },
            offset,
            seen_millis: 1_700_000_000_000,
        };
        Flows::from([("kinesis:s:/var/log/a*".to_owned(), vec![position]), ("empty".to_owned(), Vec::new())])
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("not/yet/there");
        let (mut file, nothing) = CheckpointFile::open(path.clone()).expect("no file");
        assert_eq!(nothing, Flows::new());
        for offset in [1, 2] {
            file.write(flows(offset)).expect("written");
        }
        assert!(matches!(CheckpointFile::open(path.clone()), Err(CheckpointError::InUse(_))));
        drop(file);
        let (_file, found) = CheckpointFile::open(path).expect("a file");
        assert_eq!(found, flows(2));
    }

    #[test]
    fn what_is_not_understood_is_refused_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c");
        for (text, expected) in [
            ("SQLite format 3\0...", "Kinesis Agent"),
            ("{\"format\": \"anab", "damaged"),
            (r#"{"format": "anabranch-agent-checkpoint", "version": 2, "flows": {}}"#, "damaged"),
            ("", "damaged"),
        ] {
            fs::write(&path, text).expect("written");
            let error = CheckpointFile::open(path.clone()).expect_err("not ours").to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c");
        let (mut file, _) = CheckpointFile::open(path.clone()).expect("no file");
        file.write(flows(7)).expect("written");
        assert_eq!(
            fs::read_to_string(&path).expect("there"),
            r#"{
  "format": "anabranch-agent-checkpoint",
  "version": 1,
  "flows": {
    "empty": [],
    "kinesis:s:/var/log/a*": [
      {
        "path": "/var/log/a",
        "device": 1,
        "inode": 18446744073709551615,
        "head": {
          "bytes": 3,
          "md5": "900150983cd24fb0d6963f7d28e17f72"
        },
        "offset": 7,
        "seen_millis": 1700000000000
      }
    ]
  }
}
"#
        );
    }
}
