//! Shapes written by hand in the manner of generated ones.

use base::codec::{Decode, DecodeError, Encode, Reader, Writer};
use base::time::Timestamp;
use base::violations::Violations;
use bytes::Bytes;
use bytestring::ByteString;

/// One member of each type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Everything {
    pub text: Option<ByteString>,
    pub blob: Option<Bytes>,
    pub flag: Option<bool>,
    pub small: Option<i32>,
    pub large: Option<i64>,
    pub real: Option<f64>,
    pub time: Option<Timestamp>,
    pub list: Option<Vec<ByteString>>,
    pub map: Option<Vec<(ByteString, ByteString)>>,
    pub nested: Option<Box<Everything>>,
}

impl Decode for Everything {
    #[expect(clippy::only_used_in_recursion, reason = "the shape has no constraint")]
    fn decode(reader: &mut dyn Reader, violations: &mut Violations) -> Result<Self, DecodeError> {
        const NAMES: &[&str] = &["Text", "Blob", "Flag", "Small", "Large", "Real", "Time", "List", "Map", "Nested"];
        let mut shape = Self::default();
        reader.begin_struct()?;
        while let Some(field) = reader.next_field(NAMES)? {
            match field {
                0 => shape.text = Some(reader.string()?),
                1 => shape.blob = Some(reader.blob()?),
                2 => shape.flag = Some(reader.boolean()?),
                3 => shape.small = Some(reader.integer()?),
                4 => shape.large = Some(reader.long()?),
                5 => shape.real = Some(reader.double()?),
                6 => shape.time = Some(reader.timestamp()?),
                7 => {
                    let mut list = Vec::new();
                    reader.begin_list()?;
                    while reader.next_element()? {
                        list.push(reader.string()?);
                    }
                    shape.list = Some(list);
                }
                8 => {
                    let mut map = Vec::new();
                    reader.begin_map()?;
                    while let Some(key) = reader.next_key()? {
                        map.push((key, reader.string()?));
                    }
                    shape.map = Some(map);
                }
                _ => shape.nested = Some(Box::new(Self::decode(reader, violations)?)),
            }
        }
        Ok(shape)
    }
}

impl Encode for Everything {
    fn encode(&self, writer: &mut dyn Writer) {
        writer.begin_struct();
        if let Some(value) = &self.text {
            writer.field("Text");
            writer.string(value);
        }
        if let Some(value) = &self.blob {
            writer.field("Blob");
            writer.blob(value);
        }
        if let Some(value) = self.flag {
            writer.field("Flag");
            writer.boolean(value);
        }
        if let Some(value) = self.small {
            writer.field("Small");
            writer.integer(value);
        }
        if let Some(value) = self.large {
            writer.field("Large");
            writer.long(value);
        }
        if let Some(value) = self.real {
            writer.field("Real");
            writer.double(value);
        }
        if let Some(value) = self.time {
            writer.field("Time");
            writer.timestamp(value);
        }
        self.encode_containers(writer);
        writer.end_struct();
    }
}

impl Everything {
    fn encode_containers(&self, writer: &mut dyn Writer) {
        if let Some(value) = &self.list {
            writer.field("List");
            writer.begin_list(value.len());
            value.iter().for_each(|element| writer.string(element));
            writer.end_list();
        }
        if let Some(value) = &self.map {
            writer.field("Map");
            writer.begin_map(value.len());
            for (key, element) in value {
                writer.key(key);
                writer.string(element);
            }
            writer.end_map();
        }
        if let Some(value) = &self.nested {
            writer.field("Nested");
            value.encode(writer);
        }
    }
}

/// A shape that knows no member, so that a reader passes over everything.
pub struct Nothing;

impl Decode for Nothing {
    fn decode(reader: &mut dyn Reader, _: &mut Violations) -> Result<Self, DecodeError> {
        reader.begin_struct()?;
        while reader.next_field(&[])?.is_some() {}
        Ok(Self)
    }
}

/// PutRecords, for the codecs' main path.
#[derive(Debug, Default, PartialEq)]
pub struct PutRecords {
    pub stream: ByteString,
    pub records: Vec<(Bytes, ByteString)>,
}

impl Decode for PutRecords {
    fn decode(reader: &mut dyn Reader, _: &mut Violations) -> Result<Self, DecodeError> {
        let mut shape = Self::default();
        reader.begin_struct()?;
        while let Some(field) = reader.next_field(&["StreamName", "Records"])? {
            if field == 0 {
                shape.stream = reader.string()?;
                continue;
            }
            reader.begin_list()?;
            while reader.next_element()? {
                let mut record = (Bytes::new(), ByteString::new());
                reader.begin_struct()?;
                while let Some(field) = reader.next_field(&["Data", "ExplicitHashKey", "PartitionKey"])? {
                    match field {
                        0 => record.0 = reader.blob()?,
                        1 => drop(reader.string()?),
                        _ => record.1 = reader.string()?,
                    }
                }
                shape.records.push(record);
            }
        }
        Ok(shape)
    }
}

impl Encode for PutRecords {
    fn encode(&self, writer: &mut dyn Writer) {
        writer.begin_struct();
        writer.field("StreamName");
        writer.string(&self.stream);
        writer.field("Records");
        writer.begin_list(self.records.len());
        for (data, key) in &self.records {
            writer.begin_struct();
            writer.field("Data");
            writer.blob(data);
            writer.field("PartitionKey");
            writer.string(key);
            writer.end_struct();
        }
        writer.end_list();
        writer.end_struct();
    }
}

pub mod strategy {
    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::*;

    use super::{ByteString, Bytes, Everything, Timestamp};

    fn text() -> impl Strategy<Value = ByteString> {
        prop_oneof![any::<String>(), "[ -~]{0,40}", "[\"\\\\/\u{0}-\u{1f}a\u{1f600}é]{0,24}"].prop_map(ByteString::from)
    }

    /// Any shape of three levels; times are those that both encodings can carry exactly.
    pub fn everything() -> impl Strategy<Value = Everything> {
        let leaf = (
            of(text()),
            of(vec(any::<u8>(), 0..100).prop_map(Bytes::from)),
            of(any::<bool>()),
            of(any::<i32>()),
            of(any::<i64>()),
            of(any::<f64>().prop_filter("NaN equals nothing", |v| v.is_finite())),
            of((-10_000_000_000_000i64..10_000_000_000_000).prop_map(Timestamp::from_millis)),
            of(vec(text(), 0..5)),
            of(vec((text(), text()), 0..5)),
        )
            .prop_map(|(text, blob, flag, small, large, real, time, list, map)| Everything {
                text,
                blob,
                flag,
                small,
                large,
                real,
                time,
                list,
                map,
                nested: None,
            });
        leaf.prop_recursive(3, 3, 1, |inner| {
            (inner.clone(), inner).prop_map(|(mut outer, inner)| {
                outer.nested = Some(Box::new(inner));
                outer
            })
        })
    }
}
