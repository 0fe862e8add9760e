//! Which call fails, and how.

use std::path::{Path, PathBuf};

use fuser::Errno;

/// What a process asks of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Is there such a file, and what are its attributes?
    Look,
    ListDirectory,
    Open,
    Create,
    /// A second name.
    Link,
    MakeDirectory,
    Read,
    Write,
    /// Of a file or a directory, to the device.
    Flush,
    SetLength,
    Rename,
    Remove,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// EIO: the device is broken.
    Device,
    /// ENOSPC: there is no room.
    Full,
    /// EINTR: a signal came.
    Interrupted,
    /// Only a part is written.
    Short,
}

impl Failure {
    pub(crate) const ALL: [Self; 4] = [Self::Device, Self::Full, Self::Interrupted, Self::Short];

    /// Whether a call of that kind can fail so.
    fn applies(self, call: Call) -> bool {
        match self {
            Self::Device => true,
            Self::Full => {
                let grows = [Call::Create, Call::Link, Call::MakeDirectory, Call::Write, Call::SetLength, Call::Rename];
                grows.contains(&call)
            }
            Self::Interrupted => {
                matches!(call, Call::Open | Call::Create | Call::Read | Call::Write | Call::Flush)
            }
            Self::Short => call == Call::Write,
        }
    }
}

/// Which call is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub failure: Failure,
    /// Of the calls that can fail so, counted from 1.
    pub nth: u64,
    /// Only calls of this kind are counted, if it is set.
    pub call: Option<Call>,
    /// Only files whose names end so are counted.
    pub ending: &'static str,
}

/// Counts calls until one is to fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    fault: Option<Fault>,
    counted: u64,
    struck: Option<(Call, PathBuf)>,
}

/// What a call is told.
pub(super) enum Told {
    Go,
    Fail(Errno),
    WriteLess,
}

impl Faults {
    pub(super) fn set(&mut self, fault: Option<Fault>) {
        *self = Self { fault, ..Self::default() };
    }

    /// The call that failed.
    pub(super) fn struck(&self) -> Option<(Call, PathBuf)> {
        self.struck.clone()
    }

    pub(super) fn meet(&mut self, call: Call, path: &Path) -> Told {
        let Some(fault) = self.fault else { return Told::Go };
        let name = path.to_string_lossy();
        // What SQLite shares between its connections is memory that lives in a file: the kernel writes it when it likes, and
        // nothing of it is ever needed again.
        let counts = fault.failure.applies(call)
            && fault.call.is_none_or(|wanted| wanted == call)
            && name.ends_with(fault.ending)
            && !name.ends_with("-shm");
        if !counts {
            return Told::Go;
        }
        self.counted += 1;
        if self.counted != fault.nth {
            return Told::Go;
        }
        self.struck = Some((call, path.to_owned()));
        match fault.failure {
            Failure::Device => Told::Fail(Errno::EIO),
            Failure::Full => Told::Fail(Errno::ENOSPC),
            Failure::Interrupted => Told::Fail(Errno::EINTR),
            Failure::Short => Told::WriteLess,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_call_of_a_kind_fails_once() {
        let mut faults = Faults::default();
        faults.set(Some(Fault { failure: Failure::Full, nth: 2, call: None, ending: "" }));
        let path = Path::new("a/b");
        let mut met = Vec::new();
        for call in [Call::Write, Call::Read, Call::Flush, Call::Create, Call::Write] {
            met.push(matches!(faults.meet(call, path), Told::Fail(Errno::ENOSPC)));
        }
        assert_eq!(met, [false, false, false, true, false], "reads and flushes cannot fail for lack of space");
        assert_eq!(faults.struck(), Some((Call::Create, path.to_owned())));
        assert!(matches!(faults.meet(Call::Write, Path::new("catalog.db-shm")), Told::Go));
        assert_eq!(faults.counted, 3);
    }
}
