//! Reads one journal file from its beginning and tells which frames are in it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use store::root_key::RootKey;

use super::file::{Journal, number_of};
use super::frame::{self, FRAME_HEADER_BYTES, FrameHeader};
use super::header::{BadHeader, JournalHeader};
use super::window::{Window, with_window};
use super::{BLOCK_BYTES, FIRST_FRAME_OFFSET, FORMAT_VERSION};
use crate::batch::BatchHeader;
use crate::cipher::DataCipher;
use crate::error::OpenError;
use crate::files::Files;

/// A whole, intact frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScannedFrame {
    pub number: u64,
    pub previous_crc: u32,
    pub crc: u32,
    /// One after its last batch in [`Scan::batches`].
    pub batches_end: usize,
    /// One after its last block in the file.
    pub end: u32,
}

/// An intact batch and its offset in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScannedBatch {
    pub offset: u32,
    pub header: BatchHeader,
}

/// What a journal file holds.
pub(crate) struct Scan {
    pub header: JournalHeader,
    pub journal: Arc<Journal>,
    /// The intact frames that follow each other from the beginning.
    pub frames: Vec<ScannedFrame>,
    pub batches: Vec<ScannedBatch>,
    /// Highest number of a frame, whole or not, that stands behind them.
    pub later_number_max: Option<u64>,
    /// All frames below were on the device at some time: the highest such number in any frame, whole or not.
    pub durable_end: u64,
}

impl Scan {
    /// Offset after the last intact frame.
    pub(crate) fn end(&self) -> u32 {
        self.frames.last().map_or(FIRST_FRAME_OFFSET, |frame| frame.end)
    }
}

/// Scans the file; `ahead`: another thread reads what comes next meanwhile.
pub(crate) fn scan(path: &Path, files: &dyn Files, root_key: &dyn RootKey, ahead: bool) -> Result<Scan, OpenError> {
    let io_error = |error| OpenError::Io { path: path.display().to_string(), error };
    let file = files.open_for_reading(path).map_err(io_error)?;
    let file_bytes = file.size().map_err(io_error)?;
    if file_bytes < BLOCK_BYTES as u64 {
        let reason = format!("the file is {file_bytes} bytes long, a header alone takes {BLOCK_BYTES}");
        return Err(OpenError::damaged(path, file_bytes, reason));
    }
    let mut block = vec![0; BLOCK_BYTES];
    file.read(&mut block, 0).map_err(io_error)?;
    let header = JournalHeader::decode(&block).map_err(|bad| bad_header(path, &bad))?;
    // A file has its name only from when it is whole and flushed on, so another length is never a torn end.
    if file_bytes != header.file_bytes {
        let reason = format!("the file is {file_bytes} bytes long, it was made with {}", header.file_bytes);
        return Err(OpenError::damaged(path, file_bytes.min(header.file_bytes), reason));
    }
    let data_key = root_key
        .unwrap(&header.wrapped_key)
        .map_err(|error| OpenError::Key { file: path.display().to_string(), error })?;
    let named = path.file_name().and_then(|name| number_of(name.to_str()?));
    let number = named.filter(|number| u64::from(*number) == header.number);
    let number = number.ok_or_else(|| {
        OpenError::damaged(path, 16, format!("it is the file of another journal, number {}", header.number))
    })?;
    let bytes = u32::try_from(header.file_bytes).map_err(|_| OpenError::damaged(path, 48, "impossible file size"))?;
    let mut found = Scan {
        journal: Arc::new(Journal {
            number,
            salt: header.salt,
            bytes,
            path: path.to_owned(),
            cipher: DataCipher::new(&data_key),
            file: Arc::clone(&file),
        }),
        header,
        frames: Vec::new(),
        batches: Vec::new(),
        later_number_max: None,
        durable_end: 0,
    };
    let read = with_window(&*file, u64::from(FIRST_FRAME_OFFSET)..file_bytes, ahead, |window| {
        while next_frame(window, &mut found)? {}
        later_frames(window, &mut found)
    });
    read.map_err(io_error)?;
    Ok(found)
}

fn bad_header(path: &Path, bad: &BadHeader) -> OpenError {
    match bad {
        BadHeader::Damaged => OpenError::damaged(path, 0, "the header does not match its checksum"),
        BadHeader::Version(found) => {
            OpenError::Version { file: path.display().to_string(), found: *found, known: FORMAT_VERSION }
        }
    }
}

/// Adds the frame at the end of what was found; `false` when there is none.
fn next_frame(window: &mut Window, found: &mut Scan) -> io::Result<bool> {
    let offset = found.end();
    let Some(head) = window.get(offset, FRAME_HEADER_BYTES)? else { return Ok(false) };
    let Some(header) = FrameHeader::decode(head, found.header.salt) else { return Ok(false) };
    let Some(frame) = window.get(offset, header.total_bytes())? else { return Ok(false) };
    let follows =
        found.frames.last().is_none_or(|last| header.number == last.number + 1 && header.previous_crc == last.crc);
    if !follows || !header.matches(frame) {
        return Ok(false);
    }
    let Some(batches) = frame::batches(&header, frame) else { return Ok(false) };
    let padded = header.total_bytes().next_multiple_of(BLOCK_BYTES);
    let within_u32 = "the frame lies within its file, which is smaller than 4 GiB";
    found.batches.extend(
        batches
            .into_iter()
            .map(|(at, batch)| ScannedBatch { offset: offset + u32::try_from(at).expect(within_u32), header: batch }),
    );
    found.durable_end = found.durable_end.max(header.durable_end);
    found.frames.push(ScannedFrame {
        number: header.number,
        previous_crc: header.previous_crc,
        crc: header.crc,
        batches_end: found.batches.len(),
        end: offset + u32::try_from(padded).expect(within_u32),
    });
    Ok(true)
}

/// Looks at every block behind the last intact frame for headers of the same life of the file.
fn later_frames(window: &mut Window, found: &mut Scan) -> io::Result<()> {
    let mut offset = found.end();
    while let Some(head) = window.get(offset, FRAME_HEADER_BYTES)? {
        if let Some(header) = FrameHeader::decode(head, found.header.salt) {
            found.later_number_max = found.later_number_max.max(Some(header.number));
            found.durable_end = found.durable_end.max(header.durable_end);
        }
        let Some(next) = offset.checked_add(FIRST_FRAME_OFFSET) else { break };
        offset = next;
    }
    Ok(())
}
