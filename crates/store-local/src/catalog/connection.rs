//! Opening the file, its schema, and what errors mean.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use store::catalog::CatalogError;

/// Stored as SQLite's `user_version`; 0 means a file without a schema.
const FORMAT_VERSION: i64 = 1;
/// Stored as SQLite's `application_id`, so that the file tells what it is: "ANAB".
const APPLICATION_ID: i64 = 0x414e_4142;
/// Memory of a connection for pages, in SQLite's notation for KiB. The rows are kept in memory by those who own them, and
/// the file stays in the page cache of the operating system.
const CACHE_SIZE: i32 = -256;
/// How long one process waits for another that writes the same file.
const BUSY_WAIT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE commits (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
    INSERT INTO commits VALUES (1, 0);
";

/// The VFS of SQLite that keeps the index of the write-ahead log in memory, for this process alone, and not in a file
/// beside the database.
const ALONE: &str = "unix-excl";

/// Connections to one file.
pub(super) struct Connections {
    pub writer: Connection,
    pub reader: Connection,
}

/// Opens the file and creates what is missing.
pub(super) fn open(path: &Path, pages_max: u32) -> Result<Connections, String> {
    // SQLite gives its side files the mode of the main file: it may hold wrapped secrets.
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| format!("cannot be created: {error}"))?;
    let connections = open_on(path, pages_max, None).or_else(|error| {
        if !may_lack_space(&error) {
            return Err(error);
        }
        let alone = open_on(path, pages_max, Some(ALONE)).map_err(|_| error)?;
        tracing::warn!(path = %path.display(), "no space beside the catalog; until a restart no other process can use it");
        Ok(alone)
    });
    let connections = connections.map_err(|error| error.to_string())?;
    let format = user_version(&connections.writer).map_err(|error| error.to_string())?;
    if format == FORMAT_VERSION {
        Ok(connections)
    } else {
        Err(format!("it has format version {format}, this program reads {FORMAT_VERSION}"))
    }
}

/// SQLite does not tell a full disk from others when it makes the file of the index.
fn may_lack_space(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::CannotOpen))
}

fn open_on(path: &Path, pages_max: u32, vfs: Option<&str>) -> rusqlite::Result<Connections> {
    let mut writer = connect(path, vfs)?;
    prepare(&mut writer, pages_max)?;
    let reader = connect(path, vfs)?;
    reader.pragma_update(None, "query_only", true)?;
    Ok(Connections { writer, reader })
}

fn connect(path: &Path, vfs: Option<&str>) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match vfs {
        None => Connection::open_with_flags(path, flags)?,
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
    };
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(16);
    connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, pages_max: u32) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "max_page_count", pages_max, |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if user_version(&transaction)? == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
    }
    transaction.commit()
}

fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Number of the last commit.
pub(super) fn last_version(connection: &Connection) -> rusqlite::Result<u64> {
    let version: Option<i64> =
        connection.prepare_cached("SELECT version FROM commits")?.query_row([], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or(0).unsigned_abs())
}

/// What an error of SQLite means to a caller.
pub(super) fn explain(error: &rusqlite::Error) -> CatalogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => CatalogError::Full(error.to_string()),
        _ => CatalogError::Failed(error.to_string()),
    }
}
