//! The thread that reads. When idle it looks whether another process has committed.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow};
use store::catalog::{CatalogError, Row};
use tokio::sync::watch;

use super::connection::{explain, last_version};
use super::{Read, ReadRequest, Rows};

/// How soon commits of another process (the command line, say) are noticed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Serves the queue until the catalog is dropped.
pub(super) fn run(connection: &Connection, queue: &Receiver<ReadRequest>, version: &watch::Sender<u64>) {
    loop {
        match queue.recv_timeout(POLL_INTERVAL) {
            Ok(request) => serve(connection, request.read),
            Err(RecvTimeoutError::Timeout) => poll(connection, version),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn poll(connection: &Connection, version: &watch::Sender<u64>) {
    match last_version(connection) {
        Ok(last) => {
            version.send_if_modified(|version| {
                let newer = last > *version;
                *version = last.max(*version);
                newer
            });
        }
        Err(error) => tracing::warn!(%error, "the catalog cannot be polled"),
    }
}

fn serve(connection: &Connection, read: Read) {
    // A caller that has gone away does not need its answer.
    match read {
        Read::Get { key, answer } => {
            let _ = answer.send(get(connection, &key).map_err(|error| explain(&error)));
        }
        Read::Scan { prefix, after, limit, answer } => {
            let _ = answer.send(scan(connection, &prefix, after.as_deref(), limit));
        }
    }
}

fn get(connection: &Connection, key: &str) -> rusqlite::Result<Option<Row>> {
    let mut select = connection.prepare_cached("SELECT value, version FROM entries WHERE key = ?1")?;
    select.query_row([key], |row| row_at(row, 0)).optional()
}

fn scan(connection: &Connection, prefix: &str, after: Option<&str>, limit: usize) -> Result<Rows, CatalogError> {
    let (sql, start) = match after {
        Some(after) if after >= prefix => {
            ("SELECT key, value, version FROM entries WHERE key > ?1 ORDER BY key", after)
        }
        Some(_) | None => ("SELECT key, value, version FROM entries WHERE key >= ?1 ORDER BY key", prefix),
    };
    let collect = || -> rusqlite::Result<Rows> {
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([start])?;
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(row) = rows.next()? else { break };
            let key: String = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key, row_at(row, 1)?));
        }
        Ok(found)
    };
    collect().map_err(|error| explain(&error))
}

/// Value and version from two columns, the first at `column`.
fn row_at(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Row> {
    let value: Vec<u8> = row.get(column)?;
    let version: i64 = row.get(column + 1)?;
    Ok(Row { value: value.into(), version: version.unsigned_abs() })
}
