//! Creates, changes and deletes tables.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::ByteString;
use store::catalog::{Expect, Transaction};

use super::{TableJob, Writer};
use crate::error::{self, Answer};
use crate::rows::{IncarnationRow, TableRow, keys};
use crate::table::Table;
use crate::table_name::TableId;

type Edited = Answer<(Arc<Table>, Arc<TableRow>)>;

impl Writer {
    pub(super) async fn edit(&mut self, job: TableJob) {
        let TableJob { id, edit, answer } = job;
        let table = self.shared.registry.find(&id);
        let definition = table.as_ref().map(|table| table.definition());
        let edited = match edit(definition.as_deref()) {
            Err(error) => Err(error),
            Ok(next) => match (table, next) {
                (None, None) => Err(error::table_not_found(&id.name)),
                (None, Some(next)) => self.create(id, next).await,
                (Some(table), Some(next)) => self.change(table, next).await,
                (Some(table), None) => self.delete(table).await,
            },
        };
        // A caller that has gone away does not need its answer.
        let _ = answer.send(edited);
    }

    async fn create(&mut self, id: TableId, definition: TableRow) -> Edited {
        let tables = self.shared.registry.all();
        let count =
            tables.iter().filter(|table| table.id.account == id.account && table.id.region == id.region).count();
        if count >= self.shared.settings.tables_max {
            return Err(error::too_many_tables(self.shared.settings.tables_max));
        }
        let incarnation = self.next_incarnation;
        let definition = TableRow { incarnation, ..definition };
        let (key, row) = (keys::table(&id), definition.encode());
        let transaction = Transaction::new()
            .expect(key.clone(), Expect::Absent)
            .put(keys::NEXT_INCARNATION, IncarnationRow(incarnation + 1).encode())
            .put(key, row.clone());
        let version = self.shared.catalog.commit(transaction).await.map_err(error::catalog)?;
        self.next_incarnation += 1;
        // Read back, so that it does not hold the request that it came with.
        let definition = TableRow::decode(row).map_err(error::row)?;
        let table = Arc::new(Table::new(id, definition, version));
        self.shared.registry.insert(Arc::clone(&table));
        let definition = table.definition();
        Ok((table, definition))
    }

    async fn change(&mut self, table: Arc<Table>, next: TableRow) -> Edited {
        let before = table.read().version;
        let (key, row) = (keys::table(&table.id), next.encode());
        let transaction = Transaction::new().expect(key.clone(), Expect::Version(before)).put(key, row.clone());
        let version = self.shared.catalog.commit(transaction).await.map_err(error::catalog)?;
        let definition = Arc::new(TableRow::decode(row).map_err(error::row)?);
        // Only the writer changes items, so what is filled now is still right when it is put in its place.
        let filled = {
            let state = table.read();
            let known = |name: &ByteString| state.definition.indexes.iter().any(|index| index.name == *name);
            let new = definition.indexes.iter().filter(|index| !known(&index.name));
            new.map(|index| (index.name.clone(), state.fill(index))).collect()
        };
        table.write().redefine(Arc::clone(&definition), version, filled);
        Ok((table, definition))
    }

    async fn delete(&mut self, table: Arc<Table>) -> Edited {
        let before = table.read().version;
        let key = keys::table(&table.id);
        let transaction = Transaction::new()
            .expect(key.clone(), Expect::Version(before))
            .delete(key)
            .delete_prefix(keys::items(table.incarnation));
        self.shared.catalog.commit(transaction).await.map_err(error::catalog)?;
        self.shared.registry.remove(&table);
        table.retire();
        let memory: usize = table.read().items().map(|stored| stored.item.memory()).sum();
        self.shared.memory.fetch_sub(memory, Ordering::Relaxed);
        let definition = table.definition();
        Ok((table, definition))
    }
}
