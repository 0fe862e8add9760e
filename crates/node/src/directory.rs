//! The data directory: what lies where.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use tracing::warn;

use crate::root_key::{LocalRootKey, ROOT_KEY_BYTES};

const CATALOG: &str = "catalog.db";
const MANIFEST: &str = "log.manifest";
const ROOT_KEY: &str = "root.key";
const TLS: &str = "tls";
/// Modes of files: for their owner only, or for everybody to read.
pub const PRIVATE: u32 = 0o600;
pub const PUBLIC: u32 = 0o644;

/// A file of the data directory cannot be used.
#[derive(Debug, Error)]
pub enum DirectoryError {
    #[error("{path} cannot be {action}: {error}", path = path.display())]
    File { path: PathBuf, action: &'static str, error: io::Error },
    #[error("{path} is not a root key: it must hold exactly {ROOT_KEY_BYTES} bytes", path = path.display())]
    RootKey { path: PathBuf },
    #[error("{path} is missing, but there is data: without this key what is encrypted cannot be read; put it back", path = path.display())]
    RootKeyMissing { path: PathBuf },
    #[error("{path} is missing, but {evidence}; put it back, or restore the whole directory from a backup", path = path.display())]
    Missing { path: PathBuf, evidence: &'static str },
    #[error("{path} is empty, but {evidence}; put back what it was, or restore the whole directory from a backup", path = path.display())]
    Empty { path: PathBuf, evidence: &'static str },
    #[error("{path} is not a directory", path = path.display())]
    NotADirectory { path: PathBuf },
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> DirectoryError {
    move |error| DirectoryError::File { path: path.to_owned(), action, error }
}

/// The directory that everything of a node is kept in.
#[derive(Debug, Clone)]
pub struct DataDirectory(PathBuf);

impl DataDirectory {
    /// Makes the directory, readable for its owner only, when there is none.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        make_private(path)?;
        Ok(Self(path.to_owned()))
    }

    /// The directory, if it is there; nothing is made. Refuses a path that can never be one.
    pub fn find(path: &Path) -> Result<Option<Self>, DirectoryError> {
        // An empty ancestor is the working directory.
        for ancestor in path.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()) {
            match std::fs::metadata(ancestor) {
                Ok(found) if found.is_dir() => return Ok((ancestor == path).then(|| Self(path.to_owned()))),
                Ok(_) => return Err(DirectoryError::NotADirectory { path: ancestor.to_owned() }),
                Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {}
                Err(error) => return Err(failed(ancestor, "read")(error)),
            }
        }
        Ok(None)
    }

    pub fn catalog(&self) -> PathBuf {
        self.0.join(CATALOG)
    }

    /// The directory of the local CA.
    pub fn tls(&self) -> Result<PathBuf, DirectoryError> {
        let path = self.0.join(TLS);
        make_private(&path)?;
        Ok(path)
    }

    /// Whether a log has been begun here. Its manifest is written when everything else of a first start but the
    /// first rows of the catalog is on the disk.
    pub fn has_log(&self) -> bool {
        self.0.join(MANIFEST).exists()
    }

    /// Refuses a directory whose catalog was there and has vanished: a new one would hide every stream and key.
    pub fn check_catalog(&self) -> Result<(), DirectoryError> {
        let path = self.catalog();
        let evidence = "the log beside it has been begun";
        match std::fs::metadata(&path) {
            _ if !self.has_log() => Ok(()),
            Ok(found) if found.len() > 0 => Ok(()),
            Ok(_) => Err(DirectoryError::Empty { path, evidence }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DirectoryError::Missing { path, evidence }),
            Err(error) => Err(failed(&path, "read")(error)),
        }
    }

    /// A catalog has no rows, although the log has records.
    pub fn catalog_is_empty(&self) -> DirectoryError {
        DirectoryError::Empty { path: self.catalog(), evidence: "the log beside it has records" }
    }

    /// Refuses a directory whose log was there and has vanished. For a catalog that says so.
    pub fn check_log(&self) -> Result<(), DirectoryError> {
        let path = self.0.join(MANIFEST);
        let evidence = "the catalog beside it knows of a log";
        if self.has_log() { Ok(()) } else { Err(DirectoryError::Missing { path, evidence }) }
    }

    /// The key in `file`, or the directory's own, which is made when nothing can have been encrypted yet.
    pub fn root_key(&self, file: Option<&Path>, is_new: bool) -> Result<LocalRootKey, DirectoryError> {
        if let Some(path) = file {
            return read_root_key(path);
        }
        let path = self.0.join(ROOT_KEY);
        if !path.exists() {
            if !is_new {
                return Err(DirectoryError::RootKeyMissing { path });
            }
            write_once(&path, &LocalRootKey::random(), PRIVATE)?;
        }
        read_root_key(&path)
    }
}

fn make_private(path: &Path) -> Result<(), DirectoryError> {
    DataDirectory::find(path)?;
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path, "made"))
}

/// The key in a file.
pub fn read_root_key(path: &Path) -> Result<LocalRootKey, DirectoryError> {
    let file = File::open(path).map_err(failed(path, "read"))?;
    let mode = file.metadata().map_err(failed(path, "read"))?.permissions().mode();
    if mode & 0o077 != 0 {
        warn!(path = %path.display(), mode = format!("{:o}", mode & 0o777), "the root key can be read by others");
    }
    let mut bytes = Vec::with_capacity(ROOT_KEY_BYTES + 1);
    file.take(ROOT_KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed(path, "read"))?;
    let key = <[u8; ROOT_KEY_BYTES]>::try_from(bytes).map_err(|_| DirectoryError::RootKey { path: path.to_owned() })?;
    Ok(LocalRootKey::new(&key))
}

/// Writes a file, whole or not at all. One that is there already is left alone.
pub fn write_once(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DirectoryError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        match std::fs::hard_link(&new, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => std::fs::remove_file(&new)?,
        }
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(failed(path, "written"))
}

#[cfg(test)]
mod tests {
    use store::root_key::RootKey as _;

    use super::*;

    fn directory() -> (tempfile::TempDir, DataDirectory) {
        let temporary = tempfile::tempdir().expect("a directory");
        let directory = DataDirectory::open(&temporary.path().join("a/b")).expect("made");
        (temporary, directory)
    }

    #[test]
    fn the_root_key_is_made_once_and_is_private() {
        let (_temporary, directory) = directory();
        let first = directory.root_key(None, true).expect("made");
        assert_eq!(directory.root_key(None, false).expect("read").id(), first.id());
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&directory.0.join(ROOT_KEY)), 0o600);
        assert_eq!(mode(&directory.0), 0o700);
        assert_eq!(std::fs::read_dir(&directory.0).expect("there").count(), 1, "nothing else is left");
    }

    #[test]
    fn a_root_key_is_not_replaced_where_there_is_data() {
        let (_temporary, directory) = directory();
        assert!(matches!(directory.root_key(None, false), Err(DirectoryError::RootKeyMissing { .. })));
        let path = directory.0.join("given");
        std::fs::write(&path, [7; 33]).expect("written");
        assert!(matches!(directory.root_key(Some(&path), true), Err(DirectoryError::RootKey { .. })));
        std::fs::write(&path, [7; 32]).expect("written");
        assert!(directory.root_key(Some(&path), false).is_ok());
    }

    #[test]
    fn a_file_is_no_directory() {
        let temporary = tempfile::NamedTempFile::new().expect("a file");
        for path in [temporary.path().to_owned(), temporary.path().join("a/b")] {
            let error = DataDirectory::open(&path).expect_err("refused").to_string();
            assert_eq!(error, format!("{} is not a directory", temporary.path().display()));
        }
    }
}
