//! Removes items whose time to live is over. A round looks at so many items and goes on where the last one ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::dynamodb::DynamoDBError;
use base::time::Timestamp;
use base::{BoxFuture, ByteString};
use futures_util::future::join_all;

use super::Job;
use crate::condition::{Comparison, Condition, Operand};
use crate::core::Core;
use crate::error;
use crate::item_key::ItemKey;
use crate::key_condition::KeyRange;
use crate::path::Path;
use crate::table::{Item, PageLimit, Table};
use crate::table_name::TableId;
use crate::value::Value;
use crate::writer::{Change, ItemWrite, Refusal, WriteError};

/// Items that a round looks at.
const LOOKED_AT_MAX: usize = 20_000;
/// Items that are removed at a time.
const REMOVED_MAX: usize = 500;
/// Times that lie further back are no times to live (service documentation).
const AGE_MAX: Duration = Duration::from_secs(5 * 365 * 24 * 3600);

/// Where the next round goes on: behind an item of a table.
#[derive(Debug, Default)]
pub struct Place(Mutex<Option<(TableId, ItemKey)>>);

impl Place {
    fn take(&self) -> Option<(TableId, ItemKey)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, place: (TableId, ItemKey)) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }
}

pub struct Expiry;

impl Job for Expiry {
    fn name(&self) -> &'static str {
        "item expiry"
    }

    fn run<'a>(&'a self, core: &'a Core) -> BoxFuture<'a, Result<usize, DynamoDBError>> {
        Box::pin(async {
            let mut done = 0;
            let mut left = LOOKED_AT_MAX;
            let mut from = core.jobs.expiry.take();
            for table in core.shared.registry.all() {
                let behind = match from.take() {
                    // Tables come in the order of their names: the one of that place, or a later one, is still to come.
                    Some((id, key)) if table.id < id => {
                        from = Some((id, key));
                        continue;
                    }
                    Some((id, key)) if table.id == id => Some(key),
                    _ => None,
                };
                let Some(attribute) = table.definition().time_to_live.clone() else { continue };
                let range = behind.map_or(KeyRange::ALL, |key| KeyRange::ALL.behind(key, true));
                let page = table.read().page(None, range, true, PageLimit { items: left, bytes: usize::MAX });
                left = left.saturating_sub(page.items.len());
                done += remove(core, &table, &attribute, &page.items).await?;
                if let Some(last) = page.last {
                    core.jobs.expiry.put((table.id.clone(), last));
                    break;
                }
            }
            Ok(done)
        })
    }
}

/// Removes those of the items that are expired and stay so; answers how many.
async fn remove(
    core: &Core,
    table: &Arc<Table>,
    attribute: &ByteString,
    items: &[Arc<Item>],
) -> Result<usize, DynamoDBError> {
    let condition = is_expired(attribute, core.now());
    let expired: Vec<&Arc<Item>> = items.iter().filter(|item| condition.holds(&item.attributes)).collect();
    let mut done = 0;
    for some in expired.chunks(REMOVED_MAX) {
        let removals = some.iter().filter_map(|item| {
            let write = ItemWrite {
                table: Arc::clone(table),
                key: table.keys.in_index(&item.attributes)?,
                key_attributes: table.keys.extract(&item.attributes),
                condition: Some(condition.clone()),
                change: Change::Delete,
            };
            Some(core.write(write.into()))
        });
        for removed in join_all(removals).await {
            match removed {
                Ok(_) => done += 1,
                // Changed or deleted meanwhile.
                Err(WriteError::Refused(refusals))
                    if refusals
                        .iter()
                        .flatten()
                        .all(|refusal| matches!(refusal, Refusal::Condition(_) | Refusal::TableGone)) => {}
                Err(error) => return Err(error::write(error, false)),
            }
        }
    }
    Ok(done)
}

/// The attribute is a number of seconds since 1970 that has passed, and not too long ago.
fn is_expired(attribute: &ByteString, now: Timestamp) -> Condition {
    let than = |comparison, seconds: i64| {
        let path = Operand::Path(Path::attribute(attribute.clone()));
        Condition::Compare(path, comparison, Operand::Value(Value::N(seconds.into())))
    };
    Condition::And(vec![
        than(Comparison::Less, now.seconds()),
        than(Comparison::GreaterOrEqual, now.minus(AGE_MAX).seconds()),
    ])
}
