//! NATS JetStream: a whole batch is published without waiting, then all its acknowledgements are awaited.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use serde_json::Value;

use super::installed::Program;
use super::running::{Process, Running, Setup, Spawned};
use crate::connection::connect;
use crate::load::Producer;
use crate::plan::Requests;
use crate::request::{Record, VARIANTS, records};
use crate::server::free_address;

const PAYLOAD_BYTES_MAX: usize = 1 << 20;

struct Nats {
    process: Spawned,
    address: SocketAddr,
    /// One list of batches for each producer.
    batches: Vec<Requests>,
    records: usize,
}

pub(super) fn always(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    start(program, setup, "sync_interval: always")
}

pub(super) fn default(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    start(program, setup, "")
}

fn start(program: &Program, setup: Setup<'_>, sync: &str) -> Result<Box<dyn Running>, String> {
    let address = free_address()?;
    let (settings, store) = (setup.folder.join("settings"), setup.folder.join("store"));
    let text = format!("listen: \"{address}\"\njetstream {{\n  store_dir: \"{}\"\n  {sync}\n}}\n", store.display());
    std::fs::write(&settings, text).map_err(|error| format!("{}: {error}", settings.display()))?;
    let arguments = ["--config".to_owned(), settings.display().to_string()];
    let process = Spawned::start(program, &arguments, &[], setup.folder, address)?;
    let mut connection = Connection::open(address, "setup")?;
    for i in 0..setup.producers {
        let name = stream(i);
        let wanted = format!(r#"{{"name":"{name}","subjects":["{name}"],"storage":"file","num_replicas":1}}"#);
        connection.ask(&format!("$JS.API.STREAM.CREATE.{name}"), &wanted)?;
    }
    let batches = (0..setup.producers).map(|i| {
        let batch =
            |seed| records(setup.shape, seed).iter().flat_map(|record| publish(&stream(i), i, record)).collect();
        (0..VARIANTS).map(batch).collect()
    });
    Ok(Box::new(Nats { process, address, batches: batches.collect(), records: setup.shape.count }))
}

/// Every producer has a stream, and a subject, of its own.
fn stream(producer: usize) -> String {
    format!("bench-{producer}")
}

fn inbox(name: &str) -> String {
    format!("_INBOX.bench.{name}")
}

/// One record; JetStream has no partition key, so it gets the data alone.
fn publish(stream: &str, producer: usize, record: &Record) -> Vec<u8> {
    message(stream, &inbox(&producer.to_string()), &record.data)
}

fn message(subject: &str, reply: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("PUB {subject} {reply} {}\r\n", payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
    out
}

impl Running for Nats {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn producer(&self, index: usize) -> Result<Box<dyn Producer>, String> {
        let connection = Connection::open(self.address, &index.to_string())?;
        let batches = Arc::clone(&self.batches[index]);
        Ok(Box::new(Batches { connection, batches, next: index, records: self.records }))
    }

    fn stored(&self) -> Result<Option<u64>, String> {
        let mut connection = Connection::open(self.address, "count")?;
        let mut sum = 0;
        for i in 0..self.batches.len() {
            let answer = connection.ask(&format!("$JS.API.STREAM.INFO.{}", stream(i)), "")?;
            sum += answer["state"]["messages"].as_u64().ok_or_else(|| answer.to_string())?;
        }
        Ok(Some(sum))
    }
}

struct Batches {
    connection: Connection,
    batches: Requests,
    next: usize,
    records: usize,
}

impl Producer for Batches {
    fn send(&mut self) -> Result<(), String> {
        self.connection.send(&self.batches[self.next % self.batches.len()])?;
        self.next += 1;
        (0..self.records).try_for_each(|_| self.connection.acknowledgement())
    }
}

/// A client with one subscription: its inbox.
struct Connection {
    socket: BufReader<TcpStream>,
    inbox: String,
    line: Vec<u8>,
    payload: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, name: &str) -> Result<Self, String> {
        let socket = connect(address).map_err(|error| format!("cannot connect: {error}"))?;
        let inbox = inbox(name);
        let greeting = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {inbox} 1\r\n");
        let socket = BufReader::with_capacity(64 * 1024, socket);
        let mut connection = Self { socket, inbox, line: Vec::new(), payload: Vec::new() };
        connection.send(greeting.as_bytes())?;
        Ok(connection)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.socket.get_mut().write_all(bytes).map_err(|error| format!("a message failed: {error}"))
    }

    /// Asks the JetStream API and fails unless it does as asked.
    fn ask(&mut self, subject: &str, payload: &str) -> Result<Value, String> {
        let question = message(subject, &self.inbox, payload.as_bytes());
        self.send(&question)?;
        self.next_payload()?;
        let answer: Value = serde_json::from_slice(&self.payload).map_err(|error| format!("{subject}: {error}"))?;
        if answer["error"].is_null() { Ok(answer) } else { Err(format!("{subject}: {answer}")) }
    }

    /// Reads the acknowledgement of one message.
    fn acknowledgement(&mut self) -> Result<(), String> {
        self.next_payload()?;
        let taken = self.payload.windows(6).any(|window| window == b"\"seq\":");
        if taken { Ok(()) } else { Err(format!("publish: {}", String::from_utf8_lossy(&self.payload))) }
    }

    /// Reads up to the next message, and that into `payload`.
    fn next_payload(&mut self) -> Result<(), String> {
        let fail = |error: std::io::Error| format!("a message failed: {error}");
        loop {
            self.line.clear();
            if self.socket.read_until(b'\n', &mut self.line).map_err(fail)? == 0 {
                return Err("the connection was closed".to_owned());
            }
            let line = self.line.trim_ascii_end();
            if line.starts_with(b"MSG ") {
                let length = payload_length(line).ok_or("the length of a message cannot be read")?;
                self.payload.resize(length + b"\r\n".len(), 0);
                return self.socket.read_exact(&mut self.payload).map_err(fail);
            }
            if line == b"PING" {
                self.send(b"PONG\r\n")?;
            } else if line.starts_with(b"-ERR") {
                return Err(String::from_utf8_lossy(line).into_owned());
            }
        }
    }
}

/// From `MSG <subject> <sid> [reply] <bytes>`.
fn payload_length(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?;
    text.rsplit(' ').next()?.parse().ok().filter(|length| *length <= PAYLOAD_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_framed() {
        let record = Record { key: "k".to_owned(), data: vec![0, 13] };
        assert_eq!(publish("s", 3, &record), b"PUB s _INBOX.bench.3 2\r\n\0\r\r\n");
        assert_eq!(payload_length(b"MSG _INBOX.bench.3 1 25"), Some(25));
        assert_eq!(payload_length(b"MSG _INBOX.bench.3 1 25000000"), None);
    }
}
