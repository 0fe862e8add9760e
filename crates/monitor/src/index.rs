//! The metrics that exist, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base::time::Timestamp;
use thiserror::Error;

use crate::metric::{MetricName, Scope};
use crate::rows::MetricRow;
use crate::series::{MetricId, Series};
use crate::settings::Limits;
use crate::unit::{Unit, Units};

/// The row of a metric says when it was last seen; it is written anew when that is this wrong.
const LAST_SEEN_ERROR: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: MetricId,
    pub units: Units,
    pub last_seen: Timestamp,
    last_seen_stored: Timestamp,
}

/// Why a new metric is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TooManyMetrics {
    #[error("an account may have {0} metrics in a region")]
    Count(usize),
    #[error("the names of all metrics may take {0} bytes")]
    Bytes(usize),
}

/// Memory that a metric takes beside its texts, about.
const ENTRY_BYTES: usize = 256;

#[derive(Debug, Default)]
pub struct Index {
    scopes: HashMap<Scope, BTreeMap<Arc<MetricName>, Entry>>,
    names: HashMap<MetricId, (Scope, Arc<MetricName>)>,
    /// Metrics whose rows are to be written.
    changed: BTreeSet<MetricId>,
    last_id: u64,
    /// Memory of all names, about.
    bytes: usize,
}

impl Index {
    /// A metric as it was stored.
    pub fn load(&mut self, id: MetricId, row: MetricRow) {
        let entry = Entry { id, units: row.units, last_seen: row.last_seen, last_seen_stored: row.last_seen };
        self.insert(&row.scope, Arc::new(row.name), entry);
    }

    fn insert(&mut self, scope: &Scope, name: Arc<MetricName>, entry: Entry) {
        self.last_id = self.last_id.max(entry.id.0);
        self.bytes += name.bytes() + ENTRY_BYTES;
        self.names.insert(entry.id, (scope.clone(), Arc::clone(&name)));
        self.scopes.entry(scope.clone()).or_default().insert(name, entry);
    }

    /// Checks that all of `names` have room in a scope.
    ///
    /// # Errors
    /// When they have not.
    pub fn check_room<'a>(
        &self,
        scope: &Scope,
        names: impl Iterator<Item = &'a MetricName>,
        limits: &Limits,
    ) -> Result<(), TooManyMetrics> {
        let known = self.scopes.get(scope);
        let new: BTreeSet<_> = names.filter(|name| known.is_none_or(|known| !known.contains_key(*name))).collect();
        if new.is_empty() {
            return Ok(());
        }
        if known.map_or(0, BTreeMap::len) + new.len() > limits.metrics_max {
            return Err(TooManyMetrics::Count(limits.metrics_max));
        }
        let bytes: usize = new.iter().map(|name| name.bytes() + ENTRY_BYTES).sum();
        if self.bytes + bytes > limits.names_bytes_max {
            return Err(TooManyMetrics::Bytes(limits.names_bytes_max));
        }
        Ok(())
    }

    /// Notes that a metric has a point at `time`, and makes the metric if it is new.
    pub fn see(&mut self, scope: &Scope, name: &MetricName, unit: Unit, time: Timestamp) -> Series {
        if self.scopes.get(scope).is_none_or(|known| !known.contains_key(name)) {
            let id = MetricId(self.last_id + 1);
            let entry = Entry { id, units: Units::default(), last_seen: time, last_seen_stored: time };
            self.insert(scope, Arc::new(name.clone()), entry);
        }
        let entry = self.scopes.get_mut(scope).and_then(|known| known.get_mut(name)).expect("it was made above");
        entry.last_seen = entry.last_seen.max(time);
        if entry.units.insert(unit) || entry.last_seen.since(entry.last_seen_stored) >= LAST_SEEN_ERROR {
            entry.last_seen_stored = entry.last_seen;
            self.changed.insert(entry.id);
        }
        Series { metric: entry.id, unit }
    }

    #[must_use]
    pub fn find(&self, scope: &Scope, name: &MetricName) -> Option<&Entry> {
        self.scopes.get(scope)?.get(name)
    }

    /// All metrics of a scope in order of their names.
    pub fn of_scope(&self, scope: &Scope) -> impl Iterator<Item = (&Arc<MetricName>, &Entry)> {
        self.scopes.get(scope).into_iter().flatten()
    }

    /// Name of a metric, if it is of this scope.
    #[must_use]
    pub fn name_in(&self, scope: &Scope, id: MetricId) -> Option<&Arc<MetricName>> {
        self.names.get(&id).filter(|(of, _)| of == scope).map(|(_, name)| name)
    }

    /// Every metric there is.
    #[must_use]
    pub fn ids(&self) -> Vec<MetricId> {
        self.names.keys().copied().collect()
    }

    #[must_use]
    pub fn entry(&self, id: MetricId) -> Option<&Entry> {
        let (scope, name) = self.names.get(&id)?;
        self.find(scope, name)
    }

    /// At most `max` metrics whose rows are to be written, which is now the caller's business.
    pub fn take_changed(&mut self, max: usize) -> Vec<(MetricId, MetricRow)> {
        let ids: Vec<MetricId> = self.changed.iter().copied().take(max).collect();
        let rows = ids.into_iter().filter_map(|id| {
            self.changed.remove(&id);
            let (scope, name) = self.names.get(&id)?;
            let entry = self.find(scope, name)?;
            let row = MetricRow {
                scope: scope.clone(),
                name: MetricName::clone(name),
                units: entry.units,
                last_seen: entry.last_seen,
            };
            Some((id, row))
        });
        rows.collect::<Vec<_>>()
    }

    /// Gives rows back that could not be written.
    pub fn put_back(&mut self, ids: impl IntoIterator<Item = MetricId>) {
        self.changed.extend(ids);
    }

    pub fn remove(&mut self, id: MetricId) {
        self.changed.remove(&id);
        if let Some((scope, name)) = self.names.remove(&id)
            && let Some(known) = self.scopes.get_mut(&scope)
        {
            known.remove(&name);
            self.bytes = self.bytes.saturating_sub(name.bytes() + ENTRY_BYTES);
        }
    }
}
