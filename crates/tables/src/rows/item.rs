//! Row `tables/item/<incarnation>/<partition key>/<sort key>`: an item with all its attributes, those of its key too.
//!
//! Version 1: `list of (name text, value)`. A value is a u8 for its type and what the type has: 1 S text | 2 N text,
//! canonical | 3 B blob | 4 SS list of text | 5 NS list of text | 6 BS list of blob | 7 L list of value | 8 M list of
//! (name text, value) | 9 BOOL u8 | 10 NULL nothing.

use base::{ByteString, Bytes};

use super::field::{RowError, RowReader, RowWriter};
use crate::limits::NESTING_MAX;
use crate::number::Number;
use crate::value::{Attributes, Value};

const VERSION: u8 = 1;
const DAMAGED: RowError = RowError::Damaged { field: "value" };

pub fn encode(item: &Attributes) -> Bytes {
    let mut row = RowWriter::new(VERSION);
    write_map(&mut row, item);
    row.finish()
}

/// # Errors
/// When the bytes are not an item of a known version.
pub fn decode(bytes: Bytes) -> Result<Attributes, RowError> {
    let mut row = RowReader::new(bytes, VERSION)?;
    let item = read_map(&mut row, NESTING_MAX)?;
    row.finish()?;
    Ok(item)
}

fn write_map(row: &mut RowWriter, map: &Attributes) {
    row.list(map.iter(), |row, (name, value)| {
        row.text(name);
        write(row, value);
    });
}

fn write(row: &mut RowWriter, value: &Value) {
    match value {
        Value::S(text) => {
            row.u8(1);
            row.text(text);
        }
        Value::N(number) => {
            row.u8(2);
            write_number(row, number);
        }
        Value::B(bytes) => {
            row.u8(3);
            row.blob(bytes);
        }
        Value::Ss(set) => {
            row.u8(4);
            row.list(set.iter(), |row, text| row.text(text));
        }
        Value::Ns(set) => {
            row.u8(5);
            row.list(set.iter(), write_number);
        }
        Value::Bs(set) => {
            row.u8(6);
            row.list(set.iter(), |row, bytes| row.blob(bytes));
        }
        Value::L(list) => {
            row.u8(7);
            row.list(list.iter(), write);
        }
        Value::M(map) => {
            row.u8(8);
            write_map(row, map);
        }
        Value::Bool(bool) => {
            row.u8(9);
            row.u8(u8::from(*bool));
        }
        Value::Null => row.u8(10),
    }
}

fn write_number(row: &mut RowWriter, number: &Number) {
    row.text(&number.to_string());
}

fn read_map(row: &mut RowReader, depth_left: usize) -> Result<Attributes, RowError> {
    row.list("attributes", |row| {
        let name: ByteString = row.text("name")?;
        Ok((name, read(row, depth_left)?))
    })
}

fn read(row: &mut RowReader, depth_left: usize) -> Result<Value, RowError> {
    let kind = row.u8("type")?;
    let within = || depth_left.checked_sub(1).ok_or(DAMAGED);
    Ok(match kind {
        1 => Value::S(row.text("string")?),
        2 => Value::N(read_number(row)?),
        3 => Value::B(row.blob("binary")?),
        4 => Value::Ss(row.list("string set", |row| row.text("string"))?),
        5 => Value::Ns(row.list("number set", read_number)?),
        6 => Value::Bs(row.list("binary set", |row| row.blob("binary"))?),
        7 => {
            let depth_left = within()?;
            Value::L(row.list("list", |row| read(row, depth_left))?)
        }
        8 => Value::M(read_map(row, within()?)?),
        9 => match row.u8("boolean")? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(DAMAGED),
        },
        10 => Value::Null,
        _ => return Err(DAMAGED),
    })
}

fn read_number(row: &mut RowReader) -> Result<Number, RowError> {
    row.text("number")?.parse().map_err(|_| DAMAGED)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = ByteString> {
        "\\PC{0,8}".prop_map(ByteString::from)
    }

    fn blob() -> impl Strategy<Value = Bytes> {
        vec(any::<u8>(), 0..8).prop_map(Bytes::from)
    }

    fn number() -> impl Strategy<Value = Number> {
        any::<i64>().prop_map(Number::from)
    }

    /// Values of every type, some levels deep.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            text().prop_map(Value::S),
            number().prop_map(Value::N),
            blob().prop_map(Value::B),
            any::<bool>().prop_map(Value::Bool),
            Just(Value::Null),
            btree_set(text(), 1..4).prop_map(Value::Ss),
            btree_set(number(), 1..4).prop_map(Value::Ns),
            btree_set(blob(), 1..4).prop_map(Value::Bs),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::L), btree_map(text(), inner, 0..4).prop_map(Value::M),]
        })
    }

    proptest! {
        #[test]
        fn round_trip(item in btree_map(text(), value(), 0..6)) {
            let bytes = encode(&item);
            prop_assert_eq!(decode(bytes.clone()).expect("what was written"), item);
            // A row that was cut off is damaged, and never anything worse.
            for len in 0..bytes.len() {
                prop_assert!(decode(bytes.slice(..len)).is_err());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..100)) {
            let _ = decode(Bytes::from([&[VERSION][..], &bytes].concat()));
        }
    }
}
