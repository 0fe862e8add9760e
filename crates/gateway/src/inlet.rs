//! What a connection takes from its socket, and when.
//!
//! HTTP parses what it has buffered, and buffers as much as it is offered. Here it is offered less than it asks for,
//! so that all connections together keep within their memory, and none keeps the others of its thread waiting.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::activity::Activity;

/// What a connection of HTTP/1 buffers at most: the head of a request, which is answered with 431 when it is larger, or a
/// part of a body. Most requests are read at once, and their bodies need not be copied.
pub const BUFFER_BYTES_MAX: usize = 256 * 1024;
/// What it buffers without room for more; half of it is read at once.
pub const BUFFER_BYTES_LEAST: u32 = 16 * 1024;
/// What a connection that has more to read takes before it is the others' turn.
const SLICE_BYTES: usize = 16 * 1024;
/// How HTTP/2 begins, and no request of HTTP/1.
const PREFACE: &[u8] = b"PRI ";

/// Room for the large buffers of all connections.
pub fn rooms(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((bytes / BUFFER_BYTES_MAX).min(Semaphore::MAX_PERMITS)))
}

/// The read side of a connection.
pub struct Inlet<I> {
    io: I,
    activity: Arc<Activity>,
    rooms: Arc<Semaphore>,
    /// Whether this connection may have a large buffer.
    room: Option<OwnedSemaphorePermit>,
    /// Bytes since the socket was empty.
    slice: usize,
    version: Version,
    /// Requests that the connection had begun when `unclaimed` was zero.
    requests: usize,
    /// Bytes that belong to no request yet.
    unclaimed: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    /// So many bytes of the preface have come.
    Unknown(usize),
    One,
    /// Bounds what it buffers itself, by frames and lists of header fields.
    Two,
}

impl Version {
    fn with(self, bytes: &[u8]) -> Self {
        let Self::Unknown(seen) = self else { return self };
        let rest = &PREFACE[seen..];
        match bytes.len() {
            some if some < rest.len() && rest.starts_with(bytes) => Self::Unknown(seen + some),
            _ if bytes.starts_with(rest) => Self::Two,
            _ => Self::One,
        }
    }
}

impl<I> Inlet<I> {
    pub fn new(io: I, activity: Arc<Activity>, rooms: Arc<Semaphore>) -> Self {
        let version = Version::Unknown(0);
        Self { io, activity, rooms, room: None, slice: 0, version, requests: 0, unclaimed: 0 }
    }

    /// How much of a buffer may be filled.
    ///
    /// # Errors
    /// When the head of a request needs more memory than there is.
    fn offer(&mut self, wanted: usize) -> io::Result<usize> {
        let least = BUFFER_BYTES_LEAST as usize / 2;
        let requests = self.activity.requests();
        if requests != self.requests || self.activity.is_running() {
            (self.requests, self.unclaimed) = (requests, 0);
        }
        if wanted <= least && self.unclaimed < least {
            self.room = None;
            return Ok(wanted);
        }
        if self.version == Version::Two {
            return Ok(wanted);
        }
        if self.room.is_none() {
            self.room = Arc::clone(&self.rooms).try_acquire_owned().ok();
        }
        match self.room {
            Some(_) => Ok(wanted),
            None if self.unclaimed < least => Ok(least),
            None => Err(io::Error::new(io::ErrorKind::OutOfMemory, "no room for so large a head")),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Inlet<I> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.slice >= SLICE_BYTES {
            this.slice = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (wanted, before) = (buffer.remaining(), buffer.filled().len());
        let offered = this.offer(wanted)?;
        let slice = std::mem::take(&mut this.slice);
        if offered < wanted {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(offered));
            ready!(Pin::new(&mut this.io).poll_read(context, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
        } else {
            ready!(Pin::new(&mut this.io).poll_read(context, buffer))?;
        }
        let read = buffer.filled().len() - before;
        this.version = this.version.with(&buffer.filled()[before..]);
        this.unclaimed += read;
        this.slice = if read < offered { 0 } else { slice + read };
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Inlet<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    /// The other side has sent so many bytes.
    async fn inlet(first: &[u8], bytes: usize, rooms: &Arc<Semaphore>) -> (Inlet<DuplexStream>, Arc<Activity>) {
        let (mut client, server) = duplex(1 << 20);
        client.write_all(first).await.expect("room");
        client.write_all(&vec![b'x'; bytes - first.len()]).await.expect("room");
        let activity = Activity::new();
        (Inlet::new(server, Arc::clone(&activity), Arc::clone(rooms)), activity)
    }

    #[tokio::test]
    async fn a_large_head_needs_room() {
        let rooms = rooms(BUFFER_BYTES_MAX);
        let mut buffer = vec![0; BUFFER_BYTES_MAX];
        let (mut first, _activity) = inlet(b"POST ", 100_000, &rooms).await;
        assert_eq!(first.read(&mut buffer).await.expect("room"), 100_000);
        let (mut second, activity) = inlet(b"POST ", 100_000, &rooms).await;
        let least = BUFFER_BYTES_LEAST as usize / 2;
        assert_eq!(second.read(&mut buffer).await.expect("some"), least);
        assert_eq!(second.read(&mut buffer).await.expect_err("no more").kind(), io::ErrorKind::OutOfMemory);
        let running = activity.request();
        for _ in 0..5 {
            assert_eq!(second.read(&mut buffer).await.expect("a body"), least);
        }
        drop((first, running));
        assert!(second.read(&mut buffer).await.expect("room again") > least);
        assert_eq!(rooms.available_permits(), 0);
        drop(second);
        assert_eq!(rooms.available_permits(), 1);
    }

    #[tokio::test]
    async fn room_is_given_back_by_who_reads_little() {
        let rooms = rooms(BUFFER_BYTES_MAX);
        let (mut inlet, activity) = inlet(b"POST ", 20_000, &rooms).await;
        let _running = activity.request();
        assert_eq!(inlet.read(&mut [0; 10_000]).await.expect("bytes"), 10_000);
        assert_eq!(rooms.available_permits(), 0);
        assert_eq!(inlet.read(&mut [0; 1000]).await.expect("bytes"), 1000);
        assert_eq!(rooms.available_permits(), 1);
    }

    #[tokio::test]
    async fn http_2_keeps_its_own_bounds() {
        for first in [&b"PRI * HTTP/2.0"[..], b"PRI ", b"PR"] {
            let (mut inlet, _activity) = inlet(first, 100_000, &rooms(0)).await;
            let mut buffer = vec![0; 32 * 1024];
            assert_eq!(inlet.read(&mut buffer[..2]).await.expect("bytes"), 2);
            let expected = if first.len() > 2 { buffer.len() } else { BUFFER_BYTES_LEAST as usize / 2 };
            inlet.read_exact(&mut buffer[..2]).await.expect("bytes");
            assert_eq!(inlet.read(&mut buffer).await.expect("bytes"), expected);
        }
    }

    #[tokio::test]
    async fn others_have_their_turn() {
        let (mut inlet, _activity) = inlet(b"PRI ", 200_000, &rooms(0)).await;
        let (mut turns, mut read) = (1, 0);
        while read < 200_000 {
            let mut buffer = [0; 8 * 1024];
            let mut part = ReadBuf::new(&mut buffer);
            let poll = Pin::new(&mut inlet).poll_read(&mut Context::from_waker(std::task::Waker::noop()), &mut part);
            match poll {
                Poll::Ready(done) => done.expect("bytes"),
                Poll::Pending => turns += 1,
            }
            read += part.filled().len();
        }
        assert_eq!(turns, 13);
    }
}
