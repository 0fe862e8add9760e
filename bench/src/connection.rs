//! A lean blocking HTTP/1.1 connection: it looks at the status, the length and the body, and at nothing else.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);
const HEAD_BYTES_MAX: usize = 16 * 1024;
const READ_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    socket: TcpStream,
    /// The server closes after the answer that came last.
    closing: bool,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that hold data.
    filled: usize,
}

/// What came back, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Status and body length of an answer, and where its body begins in the buffer.
#[derive(Debug, Clone, Copy)]
struct Head {
    status: u16,
    length: usize,
    body_at: usize,
    /// No further request may follow on this connection.
    close: bool,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { address, socket: connect(address)?, closing: false, buffer: vec![0; READ_BYTES], filled: 0 })
    }

    pub(crate) fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut body = Vec::new();
        let status = self.exchange_with(request, |part| body.extend_from_slice(part))?;
        Ok(Answer { status, body })
    }

    /// Sends a request and hands the body to `see` as it arrives; the status.
    pub(crate) fn exchange_with(&mut self, request: &[u8], mut see: impl FnMut(&[u8])) -> io::Result<u16> {
        self.send(request)?;
        let head = self.read_head()?;
        self.closing = head.close;
        let buffered = self.filled - head.body_at;
        if buffered > head.length {
            return Err(io::Error::other("more came than was announced"));
        }
        see(&self.buffer[head.body_at..self.filled]);
        let mut missing = head.length - buffered;
        self.filled = 0;
        while missing > 0 {
            let room = missing.min(self.buffer.len());
            let count = self.socket.read(&mut self.buffer[..room])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            see(&self.buffer[..count]);
            missing -= count;
        }
        Ok(head.status)
    }

    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        if std::mem::take(&mut self.closing) {
            self.socket = connect(self.address)?;
        }
        self.socket.write_all(request)
    }

    /// The next bytes as they come, framing and all; for answers that do not end.
    pub(crate) fn read_some(&mut self) -> io::Result<&[u8]> {
        let count = self.socket.read(&mut self.buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(&self.buffer[..count])
    }

    fn read_head(&mut self) -> io::Result<Head> {
        self.filled = 0;
        loop {
            let count = self.socket.read(&mut self.buffer[self.filled..])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.filled += count;
            let seen = &self.buffer[..self.filled.min(HEAD_BYTES_MAX)];
            if let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
                return parse_head(&seen[..end], end + 4).ok_or_else(|| io::Error::other("the head cannot be read"));
            }
            if self.filled >= HEAD_BYTES_MAX {
                return Err(io::Error::other("the head is too long"));
            }
        }
    }
}

/// A socket that sends at once and waits for no answer longer than a minute.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

fn parse_head(head: &[u8], body_at: usize) -> Option<Head> {
    let head = std::str::from_utf8(head).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let fields = || head.split("\r\n").filter_map(|line| line.split_once(':'));
    let value =
        |wanted: &str| fields().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim());
    let length = value("content-length")?.parse().ok()?;
    let close = value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Some(Head { status, length, body_at, close })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        let head = parse_head(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 12", 40).expect("a head");
        assert_eq!((head.status, head.length, head.body_at, head.close), (200, 12, 40, false));
        let head = parse_head(b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 12", 60).expect("a head");
        assert!(head.close);
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked", 40).is_none());
        assert!(parse_head(b"nonsense", 8).is_none());
    }
}
