//! PutRecords and other requests over HTTP, whole and signed before the clock starts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::Connection;
use crate::load::{Load, Producer, closed_loop};
use crate::process::CpuTime;

/// HTTP requests: who is asked, with what, for how long.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub address: SocketAddr,
    /// Connection `i` begins with request `i` and takes them in turn.
    pub requests: &'a Requests,
    pub connections: usize,
    pub time: Duration,
    /// One of them must be in the body of every answer; empty to look at the status only.
    pub expect: &'static [&'static str],
}

impl Plan<'_> {
    /// Runs the loop; `cpu` reads the account of the server.
    pub(crate) fn run(&self, cpu: impl Fn() -> CpuTime) -> Result<Load, String> {
        closed_loop(self.connections, self.time, &|i| self.producer(i), cpu)
    }

    /// A connection of its own for producer `index`.
    pub(crate) fn producer(&self, index: usize) -> Result<Box<dyn Producer>, String> {
        let connection = Connection::open(self.address).map_err(|error| format!("cannot connect: {error}"))?;
        let (requests, expect) = (Arc::clone(self.requests), self.expect);
        Ok(Box::new(HttpProducer { connection, requests, next: index, expect, edges: Edges::default() }))
    }
}

/// Whole requests, signed, that all connections share.
pub(crate) type Requests = Arc<[Vec<u8>]>;

struct HttpProducer {
    connection: Connection,
    requests: Requests,
    next: usize,
    expect: &'static [&'static str],
    edges: Edges,
}

impl Producer for HttpProducer {
    fn send(&mut self) -> Result<(), String> {
        let request = &self.requests[self.next % self.requests.len()];
        self.next += 1;
        self.edges.clear();
        let status = self
            .connection
            .exchange_with(request, |part| self.edges.see(part))
            .map_err(|error| format!("a request failed: {error}"))?;
        let expected = self.expect.is_empty() || self.expect.iter().any(|text| self.edges.contain(text.as_bytes()));
        if status != 200 || !expected {
            return Err(format!("{status} {}", String::from_utf8_lossy(&self.edges.head)));
        }
        Ok(())
    }
}

/// Beginning and end of a body: what is expected stands there, and the rest need not be copied.
#[derive(Debug, Default)]
struct Edges {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Edges {
    const HEAD_BYTES: usize = 500;
    const TAIL_BYTES: usize = 64;

    fn clear(&mut self) {
        self.head.clear();
        self.tail.clear();
    }

    fn see(&mut self, part: &[u8]) {
        let room = Self::HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&part[..part.len().min(room)]);
        self.tail.extend_from_slice(&part[part.len().saturating_sub(Self::TAIL_BYTES)..]);
        self.tail.drain(..self.tail.len().saturating_sub(Self::TAIL_BYTES));
    }

    fn contain(&self, text: &[u8]) -> bool {
        let within = |edge: &[u8]| edge.windows(text.len()).any(|window| window == text);
        within(&self.head) || within(&self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_kept_across_parts() {
        let mut edges = Edges::default();
        edges.see(b"begin");
        edges.see(&[b'-'; 1000]);
        edges.see(b"the e");
        edges.see(b"nd");
        assert!(edges.contain(b"begin") && edges.contain(b"the end"));
        assert!(!edges.contain(b"middle"));
        edges.clear();
        assert!(!edges.contain(b"begin"));
    }
}
