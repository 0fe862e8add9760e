//! Works out what jobs do to items, on top of each other, before anything of it is committed.

use std::collections::HashMap;
use std::sync::Arc;

use base::Bytes;
use store::catalog::{Expect, Transaction};

use super::{Change, ItemWrite, Job, Outcome, Refusal, WriteError};
use crate::core::Shared;
use crate::item_key::ItemKey;
use crate::limits::ITEM_BYTES_MAX;
use crate::rows::{item, keys};
use crate::table::{Item, Stored, Table};
use crate::tokens::{Seen, TokenUse};
use crate::update::UpdateError;
use crate::value::{self, Attributes};

/// An item that the plan changes.
pub struct Changed {
    pub table: Arc<Table>,
    pub key: ItemKey,
    /// As it is in memory now.
    pub base: Option<Stored>,
    /// As it will be.
    pub next: Next,
}

/// An item that is not committed yet, and its row.
#[derive(Clone, Default)]
pub struct Next {
    pub item: Option<Arc<Item>>,
    row: Bytes,
}

/// The changes of a group of jobs.
pub struct Plan<'a> {
    shared: &'a Shared,
    /// Tables are told apart by their incarnation.
    changed: HashMap<(u64, ItemKey), Changed>,
    tokens: Vec<TokenUse>,
    /// How much more memory the items will take.
    growth: isize,
}

impl<'a> Plan<'a> {
    pub fn new(shared: &'a Shared) -> Self {
        Self { shared, changed: HashMap::new(), tokens: Vec::new(), growth: 0 }
    }

    /// Adds a job, or leaves everything as it is when the job cannot be carried out.
    pub fn add(&mut self, job: &Job) -> Result<Vec<Outcome>, WriteError> {
        if let Some(token) = &job.token {
            match self.seen(token) {
                Seen::Never => {}
                Seen::Same => return Ok(vec![Outcome::default(); job.writes.len()]),
                Seen::Different => return Err(WriteError::TokenMismatch),
            }
        }
        let mut found = Vec::with_capacity(job.writes.len());
        let mut refusals = Vec::with_capacity(job.writes.len());
        for write in &job.writes {
            let worked_out = self.work_out(write);
            refusals.push(worked_out.as_ref().err().cloned());
            found.extend(worked_out);
        }
        if refusals.iter().any(Option::is_some) {
            return Err(WriteError::Refused(refusals));
        }
        let growth: isize = found.iter().map(|(outcome, _)| growth(outcome)).sum();
        let max = self.shared.settings.memory_bytes_max;
        let memory = self.shared.memory().saturating_add_signed(self.growth.saturating_add(growth));
        if growth > 0 && memory > max {
            return Err(WriteError::Memory { max });
        }
        self.growth += growth;
        self.tokens.extend(job.token.clone());
        let mut outcomes = Vec::with_capacity(found.len());
        for (write, (outcome, next)) in job.writes.iter().zip(found) {
            self.stage(write, next);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn seen(&self, token: &TokenUse) -> Seen {
        match self.tokens.iter().find(|used| used.id == token.id) {
            Some(used) if used.row.digest == token.row.digest => Seen::Same,
            Some(_) => Seen::Different,
            None => self.shared.tokens().seen(token, self.shared.now()),
        }
    }

    /// The item as the plan leaves it so far.
    fn current(&self, write: &ItemWrite) -> Option<Arc<Item>> {
        match self.changed.get(&(write.table.incarnation, write.key.clone())) {
            Some(changed) => changed.next.item.clone(),
            None => write.table.read().get(&write.key).map(|stored| Arc::clone(&stored.item)),
        }
    }

    /// What a write makes of an item; no [`Next`] when it leaves the item as it is.
    fn work_out(&self, write: &ItemWrite) -> Result<(Outcome, Option<Next>), Refusal> {
        if write.table.is_gone() {
            return Err(Refusal::TableGone);
        }
        let old = self.current(write);
        let nothing = Attributes::new();
        let attributes = old.as_ref().map_or(&nothing, |item| &item.attributes);
        if write.condition.as_ref().is_some_and(|condition| !condition.holds(attributes)) {
            return Err(Refusal::Condition(old));
        }
        let next = match &write.change {
            Change::Check => None,
            Change::Delete => old.is_some().then(Next::default),
            Change::Put(item) => Some(next(&write.table, item)?),
            Change::Update(update) if old.is_none() && update.only_takes_away() => None,
            Change::Update(update) => {
                let mut item = old.as_ref().map_or(&write.key_attributes, |item| &item.attributes).clone();
                update.apply(&mut item).map_err(|error| match error {
                    UpdateError::TooLarge => Refusal::TooLarge,
                    error => Refusal::Update(error),
                })?;
                Some(next(&write.table, &item)?)
            }
        };
        let new = next.as_ref().map_or_else(|| old.clone(), |next| next.item.clone());
        Ok((Outcome { old, new }, next))
    }

    fn stage(&mut self, write: &ItemWrite, next: Option<Next>) {
        let Some(next) = next else { return };
        let place = (write.table.incarnation, write.key.clone());
        let changed = self.changed.entry(place).or_insert_with(|| Changed {
            table: Arc::clone(&write.table),
            key: write.key.clone(),
            base: write.table.read().get(&write.key).cloned(),
            next: Next::default(),
        });
        changed.next = next;
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.tokens.is_empty()
    }

    pub fn transaction(&self) -> Transaction {
        let mut transaction = Transaction::new();
        for changed in self.changed.values() {
            let key = keys::item(changed.table.incarnation, &changed.key);
            let expect = changed.base.as_ref().map_or(Expect::Absent, |stored| Expect::Version(stored.version));
            transaction = transaction.expect(key.clone(), expect);
            match &changed.next.item {
                Some(_) => transaction = transaction.put(key, changed.next.row.clone()),
                // What came and went within the plan was never stored.
                None if changed.base.is_none() => {}
                None => transaction = transaction.delete(key),
            }
        }
        for token in &self.tokens {
            transaction = transaction.put(token.id.key(), token.row.encode());
        }
        transaction
    }

    /// The parts, to be applied when they are committed.
    pub fn into_parts(self) -> (Vec<Changed>, Vec<TokenUse>) {
        (self.changed.into_values().collect(), self.tokens)
    }
}

/// The item that is to be stored: read back from its row, so that it lives in the row's bytes alone.
fn next(table: &Table, attributes: &Attributes) -> Result<Next, Refusal> {
    if value::size(attributes) > ITEM_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let definition = table.definition();
    definition.indexes.iter().try_for_each(|index| index.check(attributes)).map_err(Refusal::Key)?;
    let row = item::encode(attributes);
    let stored = item::decode(row.clone()).expect("what was encoded can be decoded");
    Ok(Next { item: Some(Arc::new(Item::new(stored))), row })
}

fn growth(outcome: &Outcome) -> isize {
    let memory = |item: &Option<Arc<Item>>| item.as_ref().map_or(0, |item| item.memory()).cast_signed();
    memory(&outcome.new) - memory(&outcome.old)
}
