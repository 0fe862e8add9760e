//! One way of a connection: pieces that arrive at their time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::{Buf as _, Bytes};
use tokio::io::ReadBuf;
use tokio::time::Instant;

/// Bytes under way at most; then the writer waits.
const BYTES_MAX: usize = 256 << 10;

#[derive(Default)]
pub struct Pipe {
    pieces: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    /// No piece arrives before the one sent before it.
    last: Option<Instant>,
    end: Option<(Instant, End)>,
    is_cut: bool,
    reader_is_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

/// What a reader finds.
pub enum Found {
    /// Bytes were put into the buffer.
    Bytes,
    Nothing,
    /// Nothing before then.
    Later(Instant),
    Closed,
    Reset,
}

pub fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipe {
    pub fn new() -> Arc<Mutex<Self>> {
        Arc::default()
    }

    /// Whether the writer may write no more: the other side is gone, or the connection.
    pub fn is_broken(&self) -> bool {
        self.reader_is_gone || self.end.is_some()
    }

    pub fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    pub fn send(&mut self, at: Instant, bytes: Bytes) {
        let at = self.in_order(at);
        self.bytes += bytes.len();
        self.pieces.push_back((at, bytes));
        self.wake_reader();
    }

    pub fn close(&mut self, at: Instant) {
        if self.end.is_none() {
            self.end = Some((self.in_order(at), End::Closed));
            self.wake_reader();
        }
    }

    /// The connection breaks; `keeps`: what is under way still arrives.
    pub fn reset(&mut self, at: Instant, keeps: bool) {
        if !keeps {
            self.pieces.clear();
            self.bytes = 0;
        }
        self.end = Some((self.in_order(at), End::Reset));
        self.wake_reader();
        self.wake_writer();
    }

    pub fn set_cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
        self.wake_reader();
    }

    pub fn reader_is_gone(&mut self) {
        self.reader_is_gone = true;
        self.pieces.clear();
        self.wake_writer();
    }

    pub fn receive(&mut self, now: Instant, out: &mut ReadBuf<'_>) -> Found {
        if self.is_cut {
            return Found::Nothing;
        }
        if let Some((at, bytes)) = self.pieces.front_mut() {
            if *at > now {
                return Found::Later(*at);
            }
            let len = bytes.len().min(out.remaining());
            out.put_slice(&bytes[..len]);
            bytes.advance(len);
            if bytes.is_empty() {
                self.pieces.pop_front();
            }
            self.bytes -= len;
            self.wake_writer();
            return Found::Bytes;
        }
        match self.end {
            None => Found::Nothing,
            Some((at, _)) if at > now => Found::Later(at),
            Some((_, End::Closed)) => Found::Closed,
            Some((_, End::Reset)) => Found::Reset,
        }
    }

    pub fn wait_to_read(&mut self, waker: &Waker) {
        self.reader = Some(waker.clone());
    }

    pub fn wait_to_write(&mut self, waker: &Waker) {
        self.writer = Some(waker.clone());
    }

    fn in_order(&mut self, at: Instant) -> Instant {
        let at = self.last.map_or(at, |last| last.max(at));
        self.last = Some(at);
        at
    }

    fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}
