//! The thread that reads. When idle it looks whether another process has committed.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use store::catalog::Row;
use tokio::sync::watch;

use super::failure::Failure;
use super::sums::{Totals, checked};
use super::{Read, ReadRequest, Rows};

/// How soon commits of another process (the command line, say) are noticed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Reader {
    pub connection: Connection,
    /// The file, for messages.
    pub path: String,
}

impl Reader {
    /// Serves the queue until the catalog is dropped.
    pub(super) fn run(&self, queue: &Receiver<ReadRequest>, version: &watch::Sender<u64>) {
        loop {
            match queue.recv_timeout(POLL_INTERVAL) {
                Ok(request) => self.serve(request.read),
                Err(RecvTimeoutError::Timeout) => self.poll(version),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn poll(&self, version: &watch::Sender<u64>) {
        match Totals::load(&self.connection) {
            Ok(Totals { version: last, .. }) => {
                version.send_if_modified(|version| {
                    let newer = last > *version;
                    *version = last.max(*version);
                    newer
                });
            }
            Err(error) => tracing::warn!(path = self.path, %error, "the catalog cannot be polled"),
        }
    }

    fn serve(&self, read: Read) {
        // A caller that has gone away does not need its answer.
        match read {
            Read::Get { key, answer } => {
                let _ = answer.send(self.get(&key).map_err(|error| error.explain(&self.path)));
            }
            Read::Scan { prefix, after, limit, answer } => {
                let found = self.scan(&prefix, after.as_deref(), limit);
                let _ = answer.send(found.map_err(|error| error.explain(&self.path)));
            }
        }
    }

    fn get(&self, key: &str) -> Result<Option<Row>, Failure> {
        let mut select = self.connection.prepare_cached("SELECT value, version, sum FROM entries WHERE key = ?1")?;
        let mut rows = select.query([key])?;
        rows.next()?.map(|row| checked(row, key, 0).map(|(row, _)| row)).transpose()
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Rows, Failure> {
        let (sql, start) = match after {
            Some(after) if after >= prefix => {
                ("SELECT key, value, version, sum FROM entries WHERE key > ?1 ORDER BY key", after)
            }
            Some(_) | None => ("SELECT key, value, version, sum FROM entries WHERE key >= ?1 ORDER BY key", prefix),
        };
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query([start])?;
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(row) = rows.next()? else { break };
            let key: String = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            let (row, _) = checked(row, &key, 1)?;
            found.push((key, row));
        }
        Ok(found)
    }
}
