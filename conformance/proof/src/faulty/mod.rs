//! A folder on FUSE whose calls go through to a folder on the disk below, and can be made to fail: the n-th of all calls, or of
//! those of one kind. Calls are served one after the other, so they have one order.
//!
//! Nothing is cached that could hide a call: the kernel asks again each time, and writes go through.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::{BackgroundSession, Config, MountOption};
use tempfile::TempDir;

mod calls;
mod faults;
mod nodes;

pub(crate) use faults::{Call, Failure, Fault};

use calls::Passing;
use faults::Faults;

/// A mounted folder; unmounted when dropped.
pub(crate) struct Faulty {
    faults: Arc<Mutex<Faults>>,
    /// Dropped before the folder that it is mounted on.
    session: Option<BackgroundSession>,
    point: TempDir,
    below: TempDir,
}

impl Faulty {
    pub(crate) fn mount() -> std::io::Result<Self> {
        let (point, below) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let faults = Arc::new(Mutex::new(Faults::default()));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("proof-faulty".into())];
        let passing = Passing::new(below.path(), Arc::clone(&faults));
        let session = fuser::spawn_mount(passing, point.path(), &config)?;
        Ok(Self { faults, session: Some(session), point, below })
    }

    /// Where calls can fail.
    pub(crate) fn path(&self) -> &Path {
        self.point.path()
    }

    /// The same files where no call fails.
    pub(crate) fn below(&self) -> &Path {
        self.below.path()
    }

    /// Makes a call fail, or none; counts from now on.
    pub(crate) fn set(&self, fault: Option<Fault>) {
        lock(&self.faults).set(fault);
    }

    /// The call that failed, and the file that it was for.
    pub(crate) fn struck(&self) -> Option<(Call, PathBuf)> {
        lock(&self.faults).struck()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && let Err(error) = session.umount_and_join()
        {
            eprintln!("the folder cannot be unmounted: {error}");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{ErrorKind, Write};

    use super::*;

    #[test]
    fn calls_go_through_and_the_chosen_one_fails() {
        if crate::privilege::missing().is_some() {
            return;
        }
        let faulty = Faulty::mount().expect("mounted");
        let dir = faulty.path().join("dir");
        fs::create_dir(&dir).expect("made");
        fs::write(dir.join("a"), "one").expect("written");
        fs::rename(dir.join("a"), dir.join("b")).expect("renamed");
        assert_eq!(fs::read(faulty.below().join("dir/b")).expect("read"), b"one");
        let fault = Fault { failure: Failure::Device, nth: 2, call: Some(Call::Flush), ending: "b" };
        faulty.set(Some(fault));
        let mut file = fs::File::options().append(true).open(dir.join("b")).expect("opened");
        file.write_all(b" two").expect("written");
        file.sync_all().expect("the first flush works");
        assert_eq!(file.sync_all().expect_err("the second does not").raw_os_error(), Some(5));
        file.sync_all().expect("the third does");
        assert_eq!(faulty.struck(), Some((Call::Flush, "dir/b".into())));
        faulty.set(Some(Fault { failure: Failure::Short, nth: 1, call: None, ending: "" }));
        let written = file.write(&[7; 4096]).expect("a part is written");
        assert!((1..4096).contains(&written), "{written}");
        fs::remove_file(dir.join("b")).expect("removed");
        assert_eq!(file.metadata().expect("still open").len(), 7 + written as u64);
        assert_eq!(fs::metadata(dir.join("b")).expect_err("gone").kind(), ErrorKind::NotFound);
        assert_eq!(fs::read_dir(&dir).expect("listed").count(), 0);
    }
}
