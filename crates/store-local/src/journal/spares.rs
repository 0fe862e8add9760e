//! Pre-written files whose content is of no use any more. Their space is there already, whatever else fills the disk.

use std::io;
use std::path::{Path, PathBuf};

use super::BLOCK_BYTES;
use super::file::{file_name, number_of};
use crate::files::{Files, Listed};

const SUFFIX: &str = ".spare";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spare {
    /// Of the journal that it was, or is to become.
    pub number: u32,
    /// Size of the file.
    pub bytes: u32,
}

impl Spare {
    /// Whether a journal of at least so many bytes can be begun in it.
    pub(crate) fn is_usable(&self, bytes_least: u32) -> bool {
        self.bytes >= bytes_least && (self.bytes as usize).is_multiple_of(BLOCK_BYTES)
    }
}

/// The path of the spare file with this number.
pub(crate) fn spare_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{}{SUFFIX}", file_name(number)))
}

/// The spare files of the directory, in order.
pub(crate) fn list(files: &dyn Files, dir: &Path) -> io::Result<Vec<Spare>> {
    let mut spares: Vec<Spare> = files.list(dir)?.iter().filter_map(spare).collect();
    spares.sort_unstable_by_key(|spare| spare.number);
    Ok(spares)
}

fn spare(file: &Listed) -> Option<Spare> {
    let number = file.name.strip_suffix(SUFFIX).and_then(number_of)?;
    Some(Spare { number, bytes: u32::try_from(file.bytes).unwrap_or(0) })
}
