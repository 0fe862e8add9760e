//! Row `tables/table/<account>/<region>/<name>`: what a table is, without its items.
//!
//! Version 1: `incarnation u64 | id text | created at i64 | keys | list of index | billing | on demand since ?i64 |
//! protected u8 | time to live ?text | recovery since ?i64 | class u8 | list of (tag text, value text)`, where
//! keys are `attribute, ?attribute`; attribute `name text, type u8` (1 S, 2 N, 3 B); index `name text, scope u8
//! (1 global, 2 local), keys, projection, ?throughput`; projection `1 all | 2 keys only | 3 include, list of text`;
//! billing `1 on demand | 2 provisioned, throughput`; throughput `read i64, write i64`; class `1 standard |
//! 2 infrequent access`.

use std::collections::BTreeMap;

use base::time::Timestamp;
use base::{ByteString, Bytes};

use super::field::{RowError, RowReader, RowWriter};
use crate::schema::{Index, KeyAttribute, KeySchema, Projection, Scope, Throughput};
use crate::value::Kind;

const VERSION: u8 = 1;

/// What is persisted of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// Tells it from an earlier table of the same name.
    pub incarnation: u64,
    /// TableId: a random UUID.
    pub id: ByteString,
    pub created_at: Timestamp,
    pub keys: KeySchema,
    pub indexes: Vec<Index>,
    pub billing: Billing,
    /// When it was last made PAY_PER_REQUEST.
    pub on_demand_since: Option<Timestamp>,
    /// DeletionProtectionEnabled.
    pub is_protected: bool,
    /// The attribute that says when an item expires.
    pub time_to_live: Option<ByteString>,
    /// When point-in-time recovery was switched on.
    pub recovery_since: Option<Timestamp>,
    pub class: Class,
    pub tags: BTreeMap<ByteString, ByteString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    OnDemand,
    Provisioned(Throughput),
}

/// TableClass; makes no difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Standard,
    InfrequentAccess,
}

impl TableRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.u64(self.incarnation);
        row.text(&self.id);
        row.time(self.created_at);
        write_keys(&mut row, &self.keys);
        row.list(self.indexes.iter(), write_index);
        match self.billing {
            Billing::OnDemand => row.u8(1),
            Billing::Provisioned(throughput) => {
                row.u8(2);
                write_throughput(&mut row, throughput);
            }
        }
        row.option(self.on_demand_since, RowWriter::time);
        row.u8(u8::from(self.is_protected));
        row.option(self.time_to_live.as_ref(), |row, name| row.text(name));
        row.option(self.recovery_since, RowWriter::time);
        row.u8(match self.class {
            Class::Standard => 1,
            Class::InfrequentAccess => 2,
        });
        row.list(self.tags.iter(), |row, (key, value)| {
            row.text(key);
            row.text(value);
        });
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a table's row of a known version.
    pub fn decode(bytes: Bytes) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let table = Self {
            incarnation: row.u64("incarnation")?,
            id: row.text("id")?,
            created_at: row.time("created_at")?,
            keys: read_keys(&mut row)?,
            indexes: row.list("indexes", read_index)?,
            billing: match row.u8("billing")? {
                1 => Billing::OnDemand,
                2 => Billing::Provisioned(read_throughput(&mut row)?),
                _ => return Err(RowError::Damaged { field: "billing" }),
            },
            on_demand_since: row.option("on_demand_since", |row| row.time("on_demand_since"))?,
            is_protected: row.u8("is_protected")? != 0,
            time_to_live: row.option("time_to_live", |row| row.text("time_to_live"))?,
            recovery_since: row.option("recovery_since", |row| row.time("recovery_since"))?,
            class: match row.u8("class")? {
                1 => Class::Standard,
                2 => Class::InfrequentAccess,
                _ => return Err(RowError::Damaged { field: "class" }),
            },
            tags: row.list("tags", |row| Ok((row.text("tag")?, row.text("tag's value")?)))?,
        };
        row.finish()?;
        Ok(table)
    }
}

fn write_keys(row: &mut RowWriter, keys: &KeySchema) {
    write_attribute(row, &keys.partition);
    row.option(keys.sort.as_ref(), write_attribute);
}

fn read_keys(row: &mut RowReader) -> Result<KeySchema, RowError> {
    Ok(KeySchema { partition: read_attribute(row)?, sort: row.option("sort key", read_attribute)? })
}

fn write_attribute(row: &mut RowWriter, attribute: &KeyAttribute) {
    row.text(&attribute.name);
    row.u8(match attribute.kind {
        Kind::N => 2,
        Kind::B => 3,
        _ => 1,
    });
}

fn read_attribute(row: &mut RowReader) -> Result<KeyAttribute, RowError> {
    let name = row.text("key attribute")?;
    let kind = match row.u8("type of key attribute")? {
        1 => Kind::S,
        2 => Kind::N,
        3 => Kind::B,
        _ => return Err(RowError::Damaged { field: "type of key attribute" }),
    };
    Ok(KeyAttribute { name, kind })
}

fn write_index(row: &mut RowWriter, index: &Index) {
    row.text(&index.name);
    row.u8(match index.scope {
        Scope::Global => 1,
        Scope::Local => 2,
    });
    write_keys(row, &index.keys);
    match &index.projection {
        Projection::All => row.u8(1),
        Projection::KeysOnly => row.u8(2),
        Projection::Include(names) => {
            row.u8(3);
            row.list(names.iter(), |row, name| row.text(name));
        }
    }
    row.option(index.throughput, write_throughput);
}

fn read_index(row: &mut RowReader) -> Result<Index, RowError> {
    Ok(Index {
        name: row.text("index")?,
        scope: match row.u8("scope")? {
            1 => Scope::Global,
            2 => Scope::Local,
            _ => return Err(RowError::Damaged { field: "scope" }),
        },
        keys: read_keys(row)?,
        projection: match row.u8("projection")? {
            1 => Projection::All,
            2 => Projection::KeysOnly,
            3 => Projection::Include(row.list("included attributes", |row| row.text("included attribute"))?),
            _ => return Err(RowError::Damaged { field: "projection" }),
        },
        throughput: row.option("throughput of index", read_throughput)?,
    })
}

fn write_throughput(row: &mut RowWriter, throughput: Throughput) {
    row.i64(throughput.read);
    row.i64(throughput.write);
}

fn read_throughput(row: &mut RowReader) -> Result<Throughput, RowError> {
    Ok(Throughput { read: row.i64("read units")?, write: row.i64("write units")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> TableRow {
        let attribute = |name: &'static str, kind| KeyAttribute { name: name.into(), kind };
        let keys = KeySchema { partition: attribute("p", Kind::S), sort: Some(attribute("s", Kind::N)) };
        let throughput = Throughput { read: 5, write: 6 };
        let index = |name: &'static str, scope, projection, throughput| {
            let keys = KeySchema { partition: attribute("i", Kind::B), sort: None };
            Index { name: name.into(), scope, keys, projection, throughput }
        };
        TableRow {
            incarnation: 3,
            id: "id".into(),
            created_at: Timestamp::from_millis(1),
            keys,
            indexes: vec![
                index("a", Scope::Global, Projection::All, Some(throughput)),
                index("b", Scope::Local, Projection::KeysOnly, None),
                index("c", Scope::Global, Projection::Include(vec!["x".into(), "y".into()]), None),
            ],
            billing: Billing::Provisioned(throughput),
            on_demand_since: Some(Timestamp::from_millis(2)),
            is_protected: true,
            time_to_live: Some("ttl".into()),
            recovery_since: Some(Timestamp::from_millis(3)),
            class: Class::InfrequentAccess,
            tags: [("k".into(), "v".into())].into(),
        }
    }

    #[test]
    fn round_trip() {
        let full = full();
        let bare = TableRow {
            keys: KeySchema { sort: None, ..full.keys.clone() },
            indexes: vec![],
            billing: Billing::OnDemand,
            on_demand_since: None,
            is_protected: false,
            time_to_live: None,
            recovery_since: None,
            class: Class::Standard,
            tags: BTreeMap::new(),
            ..full.clone()
        };
        for table in [full, bare] {
            assert_eq!(TableRow::decode(table.encode()), Ok(table));
        }
    }

    #[test]
    fn damage_is_told() {
        let whole = full().encode();
        for len in 0..whole.len() {
            assert!(TableRow::decode(whole.slice(..len)).is_err(), "{len}");
        }
        let longer = Bytes::from([&whole[..], &[0]].concat());
        assert_eq!(TableRow::decode(longer), Err(RowError::Damaged { field: "end" }));
        let newer = Bytes::from([&[VERSION + 1], &whole[1..]].concat());
        assert_eq!(TableRow::decode(newer), Err(RowError::Version { found: 2, known: 1 }));
    }
}
