//! The journal: append-only files that all logs share. Layout: docs/format/journal.md.
//!
//! A file begins with a header block; frames follow without gaps, each at a multiple of the block size. Frames are
//! numbered through all files of a data directory. A file is never reopened for appending: after a restart a new one
//! is begun, so that nonces and chains never repeat.

pub(crate) mod aligned;
pub(crate) mod file;
pub(crate) mod frame;
pub(crate) mod header;
pub(crate) mod prepare;
pub(crate) mod recover;
pub(crate) mod scan;
pub(crate) mod spares;
mod window;

/// Unit of writes and of frame addresses.
pub(crate) const BLOCK_BYTES: usize = 4096;
/// Where the first frame of a file stands.
pub(crate) const FIRST_FRAME_OFFSET: u32 = 4096;
/// Of headers and frames alike.
pub(crate) const FORMAT_VERSION: u32 = 1;
