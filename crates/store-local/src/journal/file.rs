//! One journal file: making it, and reading batches back.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use store::root_key::RootKey;
use store::shard_log::LogError;

use super::BLOCK_BYTES;
use super::aligned::AlignedBuffer;
use super::header::JournalHeader;
use crate::batch::{self, BatchHeader};
use crate::cipher::{DataCipher, random_data_key, random_u64};
use crate::files::DataFile;

/// A journal file that frames are written to or batches are read from.
pub(crate) struct Journal {
    pub number: u32,
    pub salt: u64,
    /// Size of the file.
    pub bytes: u32,
    pub path: PathBuf,
    pub cipher: DataCipher,
    pub file: Arc<dyn DataFile>,
}

/// What all journals of one run of the process have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub number: u64,
    pub first_frame: u64,
    pub in_flight_max: u32,
}

impl Journal {
    /// Begins a life of the file: new salt, new data key. The header is on the device when it answers.
    pub(crate) fn begin(
        file: Arc<dyn DataFile>,
        path: PathBuf,
        number: u32,
        bytes: u32,
        run: Run,
        root_key: &dyn RootKey,
    ) -> io::Result<Self> {
        let data_key = random_data_key();
        let salt = random_u64();
        let header = JournalHeader {
            number: u64::from(number),
            salt,
            run: run.number,
            run_first_frame: run.first_frame,
            file_bytes: u64::from(bytes),
            in_flight_max: run.in_flight_max,
            root_key_id: root_key.id().to_owned(),
            wrapped_key: root_key.wrap(&data_key),
        };
        let mut block = AlignedBuffer::default();
        header.encode(block.grow(BLOCK_BYTES));
        file.write(block.bytes(), 0)?;
        file.flush()?;
        Ok(Self { number, salt, bytes, path, cipher: DataCipher::new(&data_key), file })
    }

    /// Reads batches of one log that lie in `range`, at the given offsets from its beginning.
    pub(crate) fn read_range(&self, offset: u32, len: usize) -> Result<Bytes, LogError> {
        let mut bytes = vec![0; len];
        match self.file.read(&mut bytes, u64::from(offset)) {
            Ok(()) => Ok(bytes.into()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(damaged(&self.path, u64::from(offset))),
            Err(error) => Err(LogError::Failed(format!("{}: {error}", self.path.display()))),
        }
    }
}

/// Tells where stored bytes are not what was written.
pub(crate) fn damaged(path: &Path, offset: u64) -> LogError {
    LogError::Damaged(format!("{} at offset {offset}", path.display()))
}

/// Checks the batch at the beginning of `bytes` against what the index says of it.
pub(crate) fn expect_batch(bytes: &[u8], log: u64, first: u64) -> Option<BatchHeader> {
    batch::verify(bytes).filter(|header| header.log == log && header.first == first)
}

/// The name of a journal file.
pub(crate) fn file_name(number: u32) -> String {
    format!("{number:010}.journal")
}

/// The number in the name of a journal file.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".journal")?;
    (digits.len() == 10).then(|| digits.parse().ok())?
}
