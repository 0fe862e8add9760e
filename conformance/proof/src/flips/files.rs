//! Copies data directories: journals are mostly zeros, which a copy leaves out as holes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const PIECE_BYTES: usize = 64 << 10;

/// Every file below a directory, by its path in it, in order.
pub(super) fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut dirs) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(inner) = dirs.pop() {
        for entry in fs::read_dir(dir.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Copies the files of one directory into another, which is made.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for file in list(from)? {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        copy_file(&from.join(&file), &target)?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let target = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    let bytes = source.metadata()?.len();
    target.set_len(bytes)?;
    let mut at = 0;
    while at < bytes {
        // The kernel passes over holes, so a copy of a copy reads no zeros.
        at = match rustix::fs::seek(&source, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data,
            Err(rustix::io::Errno::NXIO) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(bytes - at).unwrap_or(PIECE_BYTES))];
        source.read_exact_at(&mut piece, at)?;
        if piece.iter().any(|byte| *byte != 0) {
            target.write_all_at(&piece, at)?;
        }
        at += piece.len() as u64;
    }
    Ok(())
}

/// One after the last byte of a file that is not zero.
pub(super) fn content_end(path: &Path) -> io::Result<u64> {
    let bytes = fs::read(path)?;
    Ok(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_equal_their_originals() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("inner")).expect("made");
        let mut content = vec![0; 5 * PIECE_BYTES + 17];
        content[2 * PIECE_BYTES + 1] = 7;
        fs::write(from.join("inner/sparse"), &content).expect("written");
        fs::write(from.join("small"), "text").expect("written");
        copy(&from, &to).expect("copied");
        assert_eq!(list(&to).expect("listed"), [PathBuf::from("inner/sparse"), PathBuf::from("small")]);
        assert_eq!(fs::read(to.join("inner/sparse")).expect("read"), content);
        assert_eq!(content_end(&to.join("inner/sparse")).expect("read"), 2 * PIECE_BYTES as u64 + 2);
        assert_eq!(fs::read(to.join("small")).expect("read"), b"text");
    }
}
