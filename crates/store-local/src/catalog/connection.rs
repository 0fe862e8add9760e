//! Opening the file, its schema, and whether it is as it was left.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction};

use super::failure::Failure;
use super::sums::{Totals, row_sum, verify};
use super::witness::{Testimony, Witness, path_of};

/// Stored as SQLite's `user_version`; 0 means a file without a schema.
const FORMAT_VERSION: i64 = 2;
/// The format without checksums.
const UNGUARDED_VERSION: i64 = 1;
/// Stored as SQLite's `application_id`, so that the file tells what it is: "ANAB".
const APPLICATION_ID: i64 = 0x414e_4142;
/// Memory of a connection for pages, in SQLite's notation for KiB. The rows are kept in memory by those who own them, and
/// the file stays in the page cache of the operating system.
const CACHE_SIZE: i32 = -256;
/// How long one process waits for another that writes the same file.
const BUSY_WAIT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE entries (
        key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, sum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";
const TOTALS_SCHEMA: &str = "
    CREATE TABLE commits (
        one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,
        rows INTEGER NOT NULL, sums INTEGER NOT NULL, seal INTEGER NOT NULL
    ) STRICT;
";

/// The VFS of SQLite that keeps the index of the write-ahead log in memory, for this process alone, and not in a file
/// beside the database.
const ALONE: &str = "unix-excl";

/// Connections to one file.
pub(super) struct Connections {
    pub writer: Connection,
    pub reader: Connection,
    pub witness: Witness,
    /// Number of the last commit.
    pub version: u64,
}

/// Opens the file, creates what is missing, and makes sure that all is there that was committed.
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
    connections.map_err(|error| error.to_string())
}

/// SQLite does not tell a full disk from others when it makes the file of the index.
fn may_lack_space(error: &Failure) -> bool {
    let Failure::Sql(error) = error else { return false };
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::CannotOpen))
}

fn open_on(path: &Path, pages_max: u32, vfs: Option<&str>) -> Result<Connections, Failure> {
    let mut writer = connect(path, vfs)?;
    prepare(&mut writer, path, pages_max)?;
    let reader = connect(path, vfs)?;
    reader.pragma_update(None, "query_only", true)?;
    let (version, witness) = compare(&writer, path)?;
    Ok(Connections { writer, reader, witness, version })
}

/// Holds the rows against their checksums, and the last commit against what stands outside of the file.
fn compare(sql: &Connection, path: &Path) -> Result<(u64, Witness), Failure> {
    let side = path_of(path);
    // Before the file, because another process may commit meanwhile.
    let testimony = Witness::look(&side).map_err(Failure::Witness)?;
    let Totals { version, .. } = verify(sql)?;
    let lost = match testimony {
        Testimony::Missing if version == 0 => None,
        Testimony::Missing => Some(format!("{} is missing", side.display())),
        Testimony::Damaged => Some(format!("{} is damaged", side.display())),
        Testimony::Version(last) if last > version => {
            Some(format!("the commits from {} to {last} are missing", version + 1))
        }
        Testimony::Version(_) => None,
    };
    match lost {
        Some(lost) => Err(Failure::Damaged(lost)),
        None => Ok((version, Witness::open(&side, version).map_err(Failure::Witness)?)),
    }
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

fn prepare(connection: &mut Connection, path: &Path, pages_max: u32) -> Result<(), Failure> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update_and_check(None, "max_page_count", pages_max, |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    match transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
        0 => {
            transaction.execute_batch(SCHEMA)?;
            transaction.execute_batch(TOTALS_SCHEMA)?;
            Totals::default().store(&transaction)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        UNGUARDED_VERSION => guard(&transaction, path)?,
        FORMAT_VERSION => return Ok(()),
        other => return Err(Failure::Format(other)),
    }
    transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
    Ok(transaction.commit()?)
}

/// Gives the rows of a file of the format before their checksums.
fn guard(sql: &Transaction<'_>, path: &Path) -> Result<(), Failure> {
    let version: i64 = sql.query_row("SELECT version FROM commits", [], |row| row.get(0))?;
    let mut totals = Totals { version: version.cast_unsigned(), ..Totals::default() };
    sql.execute_batch("ALTER TABLE entries RENAME TO unguarded; DROP TABLE commits;")?;
    sql.execute_batch(SCHEMA)?;
    sql.execute_batch(TOTALS_SCHEMA)?;
    {
        let mut select = sql.prepare("SELECT key, value, version FROM unguarded")?;
        let mut insert = sql.prepare("INSERT INTO entries VALUES (?1, ?2, ?3, ?4)")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (key, value, version): (String, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let sum = row_sum(&key, version.cast_unsigned(), &value);
            insert.execute(rusqlite::params![key, value, version, sum.cast_signed()])?;
            totals.add(sum);
        }
    }
    sql.execute_batch("DROP TABLE unguarded;")?;
    totals.store(sql)?;
    // First, so that there is never a guarded catalog with commits and without it.
    Witness::open(&path_of(path), totals.version).map_err(Failure::Witness)?;
    Ok(())
}
