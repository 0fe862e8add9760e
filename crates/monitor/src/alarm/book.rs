//! The alarms that exist, in memory, and in the catalog before that.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::ByteString;
use base::time::Timestamp;
use store::catalog::{SharedCatalog, Transaction};

use super::{Alarm, message};
use crate::alarm::verdict::Verdict;
use crate::metric::Scope;
use crate::rows::{ActionRow, AlarmRow, RowError, keys};
use crate::storage::StorageError;

/// Rows read at once at the start.
const ROWS_PER_SCAN: usize = 500;
/// Actions that wait to be carried out; more are left out.
const ACTIONS_MAX: u64 = 10_000;

/// Scope and name of an alarm.
type Key = (Scope, String);

pub struct Book {
    catalog: SharedCatalog,
    alarms: Mutex<BTreeMap<Key, Arc<Alarm>>>,
    /// Held by whoever changes alarms, over the commit.
    change: tokio::sync::Mutex<()>,
    next_action: AtomicU64,
    actions_waiting: AtomicU64,
}

/// Something that is to be told somebody, once it is in the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct Promised {
    pub number: u64,
    pub action: ActionRow,
}

impl Book {
    /// Reads all alarms, and the actions that an earlier process has left.
    ///
    /// # Errors
    /// When the catalog cannot be read, or holds what cannot be understood.
    pub async fn load(catalog: SharedCatalog) -> Result<(Self, Vec<Promised>), StorageError> {
        let mut alarms = BTreeMap::new();
        for (key, bytes) in all(&catalog, keys::ALARMS).await? {
            let row = AlarmRow::decode(&bytes).map_err(|error| StorageError::Row { key, error })?;
            alarms.insert((row.0.scope.clone(), row.0.name().to_owned()), Arc::new(row.0));
        }
        let mut promised = Vec::new();
        for (key, bytes) in all(&catalog, keys::ACTIONS).await? {
            let damaged = |error| StorageError::Row { key: key.clone(), error };
            let number = keys::action_of(&key).ok_or_else(|| damaged(RowError::Damaged { field: "key" }))?;
            promised.push(Promised { number, action: ActionRow::decode(&bytes).map_err(damaged)? });
        }
        let book = Self {
            catalog,
            alarms: Mutex::new(alarms),
            change: tokio::sync::Mutex::default(),
            next_action: AtomicU64::new(promised.last().map_or(1, |last| last.number + 1)),
            actions_waiting: AtomicU64::new(promised.len() as u64),
        };
        Ok((book, promised))
    }

    fn alarms(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Alarm>>> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn all(&self) -> Vec<Arc<Alarm>> {
        self.alarms().values().cloned().collect()
    }

    /// Alarms of a scope whose names come after one, in order of their names.
    #[must_use]
    pub fn of_scope(&self, scope: &Scope, after: &str) -> Vec<Arc<Alarm>> {
        let alarms = self.alarms();
        let first = (scope.clone(), after.to_owned());
        let rest = alarms.range(first.clone()..).filter(|(key, _)| **key != first);
        rest.take_while(|((of, _), _)| of == scope).map(|(_, alarm)| Arc::clone(alarm)).collect()
    }

    #[must_use]
    pub fn find(&self, scope: &Scope, name: &str) -> Option<Arc<Alarm>> {
        self.alarms().get(&(scope.clone(), name.to_owned())).cloned()
    }

    #[must_use]
    pub fn count(&self, scope: &Scope) -> usize {
        self.alarms().keys().filter(|(of, _)| of == scope).count()
    }

    #[must_use]
    pub fn count_all(&self) -> usize {
        self.alarms().len()
    }

    /// Makes an alarm, or replaces what it watches; `merge` is given the alarm of that name.
    ///
    /// # Errors
    /// Those of `merge`, and when the catalog takes nothing.
    pub async fn put<E: From<StorageError>>(
        &self,
        scope: &Scope,
        name: &str,
        merge: impl FnOnce(Option<Arc<Alarm>>) -> Result<Alarm, E>,
    ) -> Result<(), E> {
        let _change = self.change.lock().await;
        let bytes = AlarmRow(merge(self.find(scope, name))?).encode();
        let key = keys::alarm(scope, name);
        // What was read back has texts of its own.
        let alarm = AlarmRow::decode(&bytes).map_err(|error| StorageError::Row { key: key.clone(), error })?.0;
        self.commit(Transaction::new().put(key, bytes)).await?;
        self.alarms().insert((scope.clone(), name.to_owned()), Arc::new(alarm));
        Ok(())
    }

    /// Removes alarms.
    ///
    /// # Errors
    /// When the catalog takes nothing.
    pub async fn remove(&self, scope: &Scope, names: &[ByteString]) -> Result<(), StorageError> {
        let _change = self.change.lock().await;
        let deleted = names.iter().fold(Transaction::new(), |all, name| all.delete(keys::alarm(scope, name)));
        self.commit(deleted).await?;
        let mut alarms = self.alarms();
        for name in names {
            alarms.remove(&(scope.clone(), name.to_string()));
        }
        Ok(())
    }

    /// Brings an alarm into a state, and promises in the same commit what follows from a change of it. Nothing happens
    /// when `seen` has been changed meanwhile.
    ///
    /// # Errors
    /// When the catalog takes nothing.
    pub async fn set_state(
        &self,
        seen: &Arc<Alarm>,
        verdict: Verdict,
        reason_data: Option<ByteString>,
        now: Timestamp,
    ) -> Result<Vec<Promised>, StorageError> {
        let _change = self.change.lock().await;
        let known = self.find(&seen.scope, seen.name());
        if !known.is_some_and(|known| Arc::ptr_eq(&known, seen)) {
            return Ok(Vec::new());
        }
        let mut alarm = Alarm::clone(seen);
        let is_other = *seen.state() != verdict.state;
        alarm.shape.state_value = Some(verdict.state);
        alarm.shape.state_reason = Some(ByteString::from(verdict.reason));
        alarm.shape.state_reason_data = reason_data.map(|data| ByteString::from(&*data));
        alarm.shape.state_updated_timestamp = Some(now);
        if is_other {
            alarm.shape.state_transitioned_timestamp = Some(now);
        }
        let promised = if is_other { self.promise(seen, &alarm, now) } else { Vec::new() };
        let row = AlarmRow(alarm);
        let mut transaction = Transaction::new().put(keys::alarm(&seen.scope, seen.name()), row.encode());
        for promise in &promised {
            transaction = transaction.put(keys::action(promise.number), promise.action.encode());
        }
        self.commit(transaction).await?;
        self.actions_waiting.fetch_add(promised.len() as u64, Ordering::Relaxed);
        self.alarms().insert((seen.scope.clone(), seen.name().to_owned()), Arc::new(row.0));
        Ok(promised)
    }

    fn promise(&self, before: &Alarm, after: &Alarm, now: Timestamp) -> Vec<Promised> {
        let actions = after.actions();
        if actions.is_empty() {
            return Vec::new();
        }
        if self.actions_waiting.load(Ordering::Relaxed) >= ACTIONS_MAX {
            tracing::error!(alarm = after.name(), "too many actions of alarms wait: those of this change are left out");
            return Vec::new();
        }
        let body = message::text(before, after, now);
        let promise = |target: &ByteString| Promised {
            number: self.next_action.fetch_add(1, Ordering::Relaxed),
            action: ActionRow {
                scope: after.scope.clone(),
                alarm: after.name().to_owned(),
                target: target.to_string(),
                body: body.clone(),
            },
        };
        actions.iter().map(promise).collect()
    }

    /// Forgets an action that was carried out or given up.
    ///
    /// # Errors
    /// When the catalog takes nothing: the action will be carried out again after a restart.
    pub async fn done(&self, promised: &Promised) -> Result<(), StorageError> {
        self.actions_waiting.fetch_sub(1, Ordering::Relaxed);
        self.commit(Transaction::new().delete(keys::action(promised.number))).await
    }

    async fn commit(&self, transaction: Transaction) -> Result<(), StorageError> {
        self.catalog.commit(transaction).await?;
        Ok(())
    }
}

async fn all(catalog: &SharedCatalog, prefix: &str) -> Result<Vec<(String, base::Bytes)>, StorageError> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|(key, _): &(String, base::Bytes)| key.clone());
        let rows = catalog.scan(prefix, after.as_deref(), ROWS_PER_SCAN).await?;
        let is_last = rows.len() < ROWS_PER_SCAN;
        all.extend(rows.into_iter().map(|(key, row)| (key, row.value)));
        if is_last {
            return Ok(all);
        }
    }
}
