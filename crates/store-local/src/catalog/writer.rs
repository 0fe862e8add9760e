//! The thread that writes: takes all transactions that wait and commits them with one flush.

use std::sync::mpsc::Receiver;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use store::catalog::{CatalogError, Expect, Transaction, Write};
use tokio::sync::watch;

use super::WriteRequest;
use super::connection::{explain, last_version};

/// Transactions that share a flush.
const GROUP_COUNT_MAX: usize = 128;

type Answers = Vec<Result<u64, CatalogError>>;

/// Serves the queue until the catalog is dropped.
pub(super) fn run(mut connection: Connection, queue: &Receiver<WriteRequest>, version: &watch::Sender<u64>) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP_COUNT_MAX - 1));
        let transactions: Vec<&Transaction> = group.iter().map(|request| &request.transaction).collect();
        let answers = match commit(&mut connection, &transactions) {
            Ok(answers) => answers,
            // One of them may be what the file has no room for: let each stand for itself.
            Err(_) if group.len() > 1 => transactions.iter().map(|one| commit_alone(&mut connection, one)).collect(),
            Err(error) => vec![Err(error)],
        };
        if let Some(last) = answers.iter().filter_map(|answer| answer.as_ref().ok()).max() {
            version.send_if_modified(|version| {
                let newer = last > version;
                *version = *version.max(&mut last.clone());
                newer
            });
        }
        for (request, answer) in group.into_iter().zip(answers) {
            // A caller that has gone away does not need its answer.
            let _ = request.answer.send(answer);
        }
    }
}

fn commit_alone(connection: &mut Connection, transaction: &Transaction) -> Result<u64, CatalogError> {
    commit(connection, &[transaction]).and_then(|mut answers| answers.swap_remove(0))
}

/// Commits all whose expectations hold. An error means that none was committed.
fn commit(connection: &mut Connection, transactions: &[&Transaction]) -> Result<Answers, CatalogError> {
    try_commit(connection, transactions).map_err(|error| explain(&error))
}

fn try_commit(connection: &mut Connection, transactions: &[&Transaction]) -> rusqlite::Result<Answers> {
    let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = last_version(&sql)?;
    let mut last = before;
    let mut answers = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        if let Some(key) = broken_expectation(&sql, &transaction.expect)? {
            answers.push(Err(CatalogError::Conflict { key }));
            continue;
        }
        last += 1;
        for write in &transaction.writes {
            apply(&sql, write, last)?;
        }
        answers.push(Ok(last));
    }
    if last > before {
        sql.prepare_cached("UPDATE commits SET version = ?1")?.execute([last.cast_signed()])?;
    }
    sql.commit()?;
    Ok(answers)
}

fn broken_expectation(sql: &Connection, expectations: &[(String, Expect)]) -> rusqlite::Result<Option<String>> {
    let mut select = sql.prepare_cached("SELECT version FROM entries WHERE key = ?1")?;
    for (key, expect) in expectations {
        let found: Option<i64> = select.query_row([key], |row| row.get(0)).optional()?;
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found == Some(version.cast_signed()),
        };
        if !holds {
            return Ok(Some(key.clone()));
        }
    }
    Ok(None)
}

fn apply(sql: &Connection, write: &Write, version: u64) -> rusqlite::Result<()> {
    match write {
        Write::Put { key, value } => {
            sql.prepare_cached("INSERT OR REPLACE INTO entries (key, value, version) VALUES (?1, ?2, ?3)")?
                .execute(params![key, &value[..], version.cast_signed()])?;
        }
        Write::Delete { key } => {
            sql.prepare_cached("DELETE FROM entries WHERE key = ?1")?.execute([key])?;
        }
        Write::DeletePrefix { prefix } => {
            let mut delete = sql.prepare_cached("DELETE FROM entries WHERE key = ?1")?;
            for key in keys_with_prefix(sql, prefix)? {
                delete.execute([key])?;
            }
        }
    }
    Ok(())
}

fn keys_with_prefix(sql: &Connection, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = sql.prepare_cached("SELECT key FROM entries WHERE key >= ?1 ORDER BY key")?;
    let mut rows = select.query([prefix])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        if !key.starts_with(prefix) {
            break;
        }
        keys.push(key);
    }
    Ok(keys)
}
