//! The thread that writes: takes all transactions that wait and commits them with one flush.

use std::sync::mpsc::Receiver;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use store::catalog::{CatalogError, Expect, Transaction, Write};
use tokio::sync::watch;

use super::WriteRequest;
use super::failure::Failure;
use super::sums::{Totals, row_sum};
use super::witness::Witness;
use crate::failure_latch::FailureLatch;

/// Transactions that share a flush.
const GROUP_COUNT_MAX: usize = 128;

type Answers = Vec<Result<u64, CatalogError>>;

pub(super) struct Writer {
    pub connection: Connection,
    pub witness: Witness,
    /// The file, for messages.
    pub path: String,
    pub failure: FailureLatch,
}

impl Writer {
    /// Serves the queue until the catalog is dropped.
    pub(super) fn run(&mut self, queue: &Receiver<WriteRequest>, version: &watch::Sender<u64>) {
        while let Ok(first) = queue.recv() {
            let mut group = vec![first];
            group.extend(queue.try_iter().take(GROUP_COUNT_MAX - 1));
            let transactions: Vec<&Transaction> = group.iter().map(|request| &request.transaction).collect();
            let answers = match self.commit_once(&transactions) {
                Ok(answers) => answers,
                Err(error @ (Failure::Witness(_) | Failure::Latched(_))) => {
                    vec![Err(error.explain(&self.path)); group.len()]
                }
                // One of them may be what the file has no room for: let each stand for itself.
                Err(_) => transactions.iter().map(|one| self.commit_alone(one)).collect(),
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

    fn commit_alone(&mut self, transaction: &Transaction) -> Result<u64, CatalogError> {
        self.commit_once(&[transaction])
            .map_err(|error| error.explain(&self.path))
            .and_then(|mut answers| answers.swap_remove(0))
    }

    /// As [`Writer::commit`], unless nothing is to be committed any more. After a flush that failed nothing is.
    fn commit_once(&mut self, transactions: &[&Transaction]) -> Result<Answers, Failure> {
        self.check_latch()?;
        let committed = self.commit(transactions);
        if let Err(error) = &committed
            && error.is_of_flush()
        {
            self.failure.set(format!("{}: {error}", self.path));
        }
        committed
    }

    fn check_latch(&self) -> Result<(), Failure> {
        self.failure.get().map_or(Ok(()), |reason| Err(Failure::Latched(reason.to_owned())))
    }

    /// Commits all whose expectations hold. After an error that is not of the witness or the latch, none was committed.
    fn commit(&mut self, transactions: &[&Transaction]) -> Result<Answers, Failure> {
        let sql = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = Totals::load(&sql)?;
        let mut totals = before;
        let mut answers = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            if let Some(key) = broken_expectation(&sql, &transaction.expect)? {
                answers.push(Err(CatalogError::Conflict { key }));
                continue;
            }
            totals.version += 1;
            for write in &transaction.writes {
                apply(&sql, write, &mut totals)?;
            }
            answers.push(Ok(totals.version));
        }
        if totals.version > before.version {
            totals.store(&sql)?;
        }
        sql.commit()?;
        // A flush that failed elsewhere may have taken what this one was to flush.
        self.check_latch()?;
        if totals.version > before.version {
            self.witness.put(totals.version).map_err(Failure::Witness)?;
        }
        Ok(answers)
    }
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

/// Carries one write out, and takes it into the totals, whose version is the one of the row.
fn apply(sql: &Connection, write: &Write, totals: &mut Totals) -> rusqlite::Result<()> {
    match write {
        Write::Put { key, value } => {
            let mut select = sql.prepare_cached("SELECT sum FROM entries WHERE key = ?1")?;
            let before: Option<i64> = select.query_row([key], |row| row.get(0)).optional()?;
            let sum = row_sum(key, totals.version, value);
            sql.prepare_cached("INSERT OR REPLACE INTO entries (key, value, version, sum) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![key, &value[..], totals.version.cast_signed(), sum.cast_signed()])?;
            before.into_iter().for_each(|sum| totals.remove(sum.cast_unsigned()));
            totals.add(sum);
        }
        Write::Delete { key } => delete(sql, key, totals)?,
        Write::DeletePrefix { prefix } => {
            for key in keys_with_prefix(sql, prefix)? {
                delete(sql, &key, totals)?;
            }
        }
    }
    Ok(())
}

fn delete(sql: &Connection, key: &str, totals: &mut Totals) -> rusqlite::Result<()> {
    let mut delete = sql.prepare_cached("DELETE FROM entries WHERE key = ?1 RETURNING sum")?;
    let before: Option<i64> = delete.query_row([key], |row| row.get(0)).optional()?;
    before.into_iter().for_each(|sum| totals.remove(sum.cast_unsigned()));
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
