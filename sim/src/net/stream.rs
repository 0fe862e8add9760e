//! One side of a connection, as the programs see it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Net;
use super::pipe::{Found, Pipe, lock};

pub struct SimStream {
    net: Arc<Net>,
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
    /// Until the next piece arrives.
    arrival: Option<Pin<Box<Sleep>>>,
}

impl SimStream {
    pub(super) fn new(net: Arc<Net>, incoming: Arc<Mutex<Pipe>>, outgoing: Arc<Mutex<Pipe>>) -> Self {
        Self { net, incoming, outgoing, arrival: None }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let mut pipe = lock(&this.incoming);
            let at = match pipe.receive(Instant::now(), out) {
                Found::Bytes | Found::Closed => return Poll::Ready(Ok(())),
                Found::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Found::Nothing => None,
                Found::Later(at) => Some(at),
            };
            pipe.wait_to_read(cx.waker());
            drop(pipe);
            let Some(at) = at else {
                this.arrival = None;
                return Poll::Pending;
            };
            let arrival = match &mut this.arrival {
                Some(arrival) => {
                    if arrival.deadline() != at {
                        arrival.as_mut().reset(at);
                    }
                    arrival
                }
                none => none.insert(Box::pin(sleep_until(at))),
            };
            if arrival.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        {
            let mut pipe = lock(&self.outgoing);
            if pipe.is_broken() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if pipe.is_full() {
                pipe.wait_to_write(cx.waker());
                return Poll::Pending;
            }
        }
        let len = self.net.taken(bytes.len());
        let at = Instant::now() + self.net.latency();
        lock(&self.outgoing).send(at, Bytes::copy_from_slice(&bytes[..len]));
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let at = Instant::now() + self.net.latency();
        lock(&self.outgoing).close(at);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let mut outgoing = lock(&self.outgoing);
        outgoing.close(Instant::now());
        drop(outgoing);
        lock(&self.incoming).reader_is_gone();
    }
}
