//! Reads a file from front to back: one thread may fetch the next piece while another works on this one.

use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::aligned::AlignedBuffer;
use crate::files::DataFile;

/// The file is read in pieces of this size.
const PIECE_BYTES: usize = 8 << 20;
/// Room before a piece for the end of the one before; a larger frame costs a copy.
const HEAD_BYTES: usize = 2 << 20;
/// Pieces in memory: one is read while another is worked on.
const PIECE_COUNT: usize = 2;

type Piece = io::Result<AlignedBuffer>;

/// What of the file is in memory. It only moves forward.
pub(crate) struct Window<'a> {
    source: Source<'a>,
    end: u64,
    /// Offset in the file of `buffer[start]`.
    offset: u64,
    buffer: AlignedBuffer,
    start: usize,
}

/// Where the pieces come from.
enum Source<'a> {
    Here(Reader<'a>),
    /// A thread reads ahead.
    Thread {
        pieces: Receiver<Piece>,
        used: SyncSender<AlignedBuffer>,
    },
}

/// Calls `work` with a window on a part of a file; the part begins at a block. `ahead`: a thread reads the next piece while
/// this one is worked on.
pub(crate) fn with_window<T>(
    file: &dyn DataFile,
    range: Range<u64>,
    ahead: bool,
    work: impl FnOnce(&mut Window<'_>) -> io::Result<T>,
) -> io::Result<T> {
    let (offset, end) = (range.start, range.end);
    let reader = Reader { file, range };
    let window = |source| Window { source, end, offset, buffer: AlignedBuffer::default(), start: 0 };
    if !ahead {
        return work(&mut window(Source::Here(reader)));
    }
    let (full, pieces) = sync_channel(PIECE_COUNT);
    let (used, empty) = sync_channel(PIECE_COUNT);
    for _ in 1..PIECE_COUNT {
        used.send(AlignedBuffer::default()).expect("there is room for all pieces");
    }
    std::thread::scope(|scope| {
        scope.spawn(move || reader.read_ahead(&empty, &full));
        work(&mut window(Source::Thread { pieces, used }))
        // The window is dropped here, and with it the wish for more.
    })
}

/// Reads piece after piece.
struct Reader<'a> {
    file: &'a dyn DataFile,
    /// What has not been read.
    range: Range<u64>,
}

impl Reader<'_> {
    /// The next piece, behind room for the end of the one before; `None` at the end.
    fn next(&mut self, mut buffer: AlignedBuffer) -> Option<Piece> {
        if self.range.is_empty() {
            return None;
        }
        let len = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX).min(PIECE_BYTES);
        buffer.remove_first(buffer.len());
        buffer.grow(HEAD_BYTES + len);
        let read = self.file.read_through(&mut buffer.bytes_mut()[HEAD_BYTES..], self.range.start);
        self.range.start += len as u64;
        Some(read.map(|()| buffer))
    }

    /// Reads until the file ends or nobody wants more.
    fn read_ahead(mut self, empty: &Receiver<AlignedBuffer>, full: &SyncSender<Piece>) {
        while let Ok(buffer) = empty.recv() {
            let Some(piece) = self.next(buffer) else { return };
            let failed = piece.is_err();
            if full.send(piece).is_err() || failed {
                return;
            }
        }
    }
}

impl Source<'_> {
    fn next(&mut self) -> Piece {
        match self {
            Self::Here(reader) => reader.next(AlignedBuffer::default()).ok_or(io::ErrorKind::UnexpectedEof)?,
            Self::Thread { pieces, .. } => pieces.recv().map_err(|_| io::ErrorKind::UnexpectedEof)?,
        }
    }

    /// Takes back the memory of a piece.
    fn reuse(&self, buffer: AlignedBuffer) {
        if let Self::Thread { used, .. } = self {
            // Fails when everything has been read.
            let _ = used.send(buffer);
        }
    }
}

impl Window<'_> {
    /// `len` bytes from `offset`, which is not before that of the last call; `None` when the file ends before.
    pub(crate) fn get(&mut self, offset: u32, len: usize) -> io::Result<Option<&[u8]>> {
        let offset = u64::from(offset);
        if offset + len as u64 > self.end {
            return Ok(None);
        }
        while offset + len as u64 > self.offset + (self.buffer.len() - self.start) as u64 {
            self.pass_over(offset);
            let next = self.source.next()?;
            self.append(next);
        }
        self.pass_over(offset);
        Ok(Some(&self.buffer.bytes()[self.start..self.start + len]))
    }

    /// Forgets what is before `offset`.
    fn pass_over(&mut self, offset: u64) {
        let left = self.buffer.len() - self.start;
        let passed = usize::try_from(offset - self.offset).unwrap_or(left).min(left);
        self.start += passed;
        self.offset += passed as u64;
    }

    /// Puts what is left before the next piece.
    fn append(&mut self, mut next: AlignedBuffer) {
        let left = &self.buffer.bytes()[self.start..];
        if left.len() <= HEAD_BYTES {
            let start = HEAD_BYTES - left.len();
            next.bytes_mut()[start..HEAD_BYTES].copy_from_slice(left);
            std::mem::swap(&mut self.buffer, &mut next);
            self.start = start;
        } else {
            self.buffer.remove_first(self.start);
            self.start = 0;
            let piece = &next.bytes()[HEAD_BYTES..];
            self.buffer.grow(piece.len()).copy_from_slice(piece);
        }
        self.source.reuse(next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::BLOCK_BYTES;
    use super::*;

    struct Pattern;

    fn pattern(offset: u64) -> u8 {
        (offset % 251).to_le_bytes()[0]
    }

    impl DataFile for Pattern {
        fn write(&self, _: &[u8], _: u64) -> io::Result<()> {
            unreachable!("only read")
        }

        fn flush(&self) -> io::Result<()> {
            unreachable!("only read")
        }

        fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
            assert_eq!(offset % BLOCK_BYTES as u64, 0);
            (offset..).zip(bytes).for_each(|(offset, byte)| *byte = pattern(offset));
            Ok(())
        }

        fn size(&self) -> io::Result<u64> {
            unreachable!("only read")
        }

        fn set_len(&self, _: u64) -> io::Result<()> {
            unreachable!("only read")
        }
    }

    #[test]
    fn parts_of_any_size_are_whole_wherever_pieces_end() {
        let end = 40 << 20;
        for (step, ahead) in
            [(BLOCK_BYTES, true), (1 << 20, false), (3 << 20, true), (11 << 20, true), (11 << 20, false)]
        {
            with_window(&Pattern, 4096..end, ahead, |window| {
                let mut offset = 4096u32;
                while let Some(part) = window.get(offset, step - 7)? {
                    assert_eq!(part.len(), step - 7);
                    let (first, last) = (u64::from(offset), u64::from(offset) + part.len() as u64 - 1);
                    assert_eq!((part[0], part[part.len() - 1]), (pattern(first), pattern(last)), "{offset} {step}");
                    offset += u32::try_from(step).expect("small");
                }
                assert!(u64::from(offset) + step as u64 > end, "stopped at {offset}");
                Ok(())
            })
            .expect("nothing fails");
        }
    }

    #[test]
    fn stopping_early_ends_the_reader() {
        with_window(&Pattern, 0..1 << 40, true, |window| {
            window.get(0, 10).map(|part| assert_eq!(part.map(<[u8]>::len), Some(10)))
        })
        .expect("nothing fails");
    }
}
