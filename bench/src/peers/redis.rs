//! Redis Streams: XADD, a whole batch in one pipeline.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use super::installed::Program;
use super::running::{Process, Running, Setup, Spawned};
use crate::connection::connect;
use crate::load::Producer;
use crate::plan::Requests;
use crate::request::{Record, VARIANTS, records};
use crate::server::free_address;

struct Redis {
    process: Spawned,
    address: SocketAddr,
    /// One list of pipelines for each producer.
    pipelines: Vec<Requests>,
    records: usize,
}

pub(super) fn always(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    start(program, setup, "always")
}

pub(super) fn everysec(program: &Program, setup: Setup<'_>) -> Result<Box<dyn Running>, String> {
    start(program, setup, "everysec")
}

fn start(program: &Program, setup: Setup<'_>, fsync: &str) -> Result<Box<dyn Running>, String> {
    let address = free_address()?;
    let (port, folder) = (address.port().to_string(), setup.folder.display().to_string());
    // Without snapshots and rewrites, which would cost it time and memory for nothing that is measured here.
    let arguments = [
        ["--bind", "127.0.0.1"],
        ["--port", &port],
        ["--dir", &folder],
        ["--appendonly", "yes"],
        ["--appendfsync", fsync],
        ["--auto-aof-rewrite-percentage", "0"],
        ["--save", ""],
    ];
    let arguments: Vec<String> = arguments.concat().into_iter().map(str::to_owned).collect();
    let process = Spawned::start(program, &arguments, &[], setup.folder, address)?;
    let pipelines = (0..setup.producers).map(|i| {
        let pipeline = |seed| records(setup.shape, seed).iter().flat_map(|record| xadd(&stream(i), record)).collect();
        (0..VARIANTS).map(pipeline).collect()
    });
    Ok(Box::new(Redis { process, address, pipelines: pipelines.collect(), records: setup.shape.count }))
}

/// Every producer has a stream of its own.
fn stream(producer: usize) -> String {
    format!("bench-{producer}")
}

/// One record: the partition key is the name of its only field.
fn xadd(stream: &str, record: &Record) -> Vec<u8> {
    command(&[b"XADD", stream.as_bytes(), b"*", record.key.as_bytes(), &record.data])
}

fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

impl Running for Redis {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn producer(&self, index: usize) -> Result<Box<dyn Producer>, String> {
        let connection = Connection::open(self.address)?;
        let pipelines = Arc::clone(&self.pipelines[index]);
        Ok(Box::new(Pipelines { connection, pipelines, next: index, records: self.records }))
    }

    fn stored(&self) -> Result<Option<u64>, String> {
        let mut connection = Connection::open(self.address)?;
        let mut sum = 0;
        for i in 0..self.pipelines.len() {
            connection.send(&command(&[b"XLEN", stream(i).as_bytes()]))?;
            let line = connection.line()?;
            sum += line.strip_prefix(':').and_then(|number| number.parse::<u64>().ok()).ok_or(line)?;
        }
        Ok(Some(sum))
    }
}

struct Pipelines {
    connection: Connection,
    pipelines: Requests,
    next: usize,
    records: usize,
}

impl Producer for Pipelines {
    fn send(&mut self) -> Result<(), String> {
        self.connection.send(&self.pipelines[self.next % self.pipelines.len()])?;
        self.next += 1;
        (0..self.records).try_for_each(|_| self.connection.skip_id())
    }
}

struct Connection {
    socket: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self, String> {
        let socket = connect(address).map_err(|error| format!("cannot connect: {error}"))?;
        Ok(Self { socket: BufReader::with_capacity(64 * 1024, socket), line: Vec::new() })
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.socket.get_mut().write_all(bytes).map_err(|error| format!("a command failed: {error}"))
    }

    fn next_line(&mut self) -> Result<(), String> {
        self.line.clear();
        match self.socket.read_until(b'\n', &mut self.line) {
            Ok(0) => Err("the connection was closed".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("a command failed: {error}")),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        self.next_line()?;
        Ok(String::from_utf8_lossy(&self.line).trim_end().to_owned())
    }

    /// Reads the id that an XADD is answered with.
    fn skip_id(&mut self) -> Result<(), String> {
        self.next_line()?;
        if self.line.first() != Some(&b'$') {
            return Err(format!("XADD: {}", String::from_utf8_lossy(&self.line).trim_end()));
        }
        self.next_line()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_framed() {
        let record = Record { key: "k".to_owned(), data: vec![0, 13] };
        assert_eq!(xadd("s", &record), b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nk\r\n$2\r\n\0\r\r\n");
    }
}
