//! A reader and a writer over `serde_json::Value`, enough to see shapes go in and out.

use base::codec::{Decode, DecodeError, Encode, Reader, Writer};
use base::time::Timestamp;
use base::violations::Violations;
use base::{ByteString, Bytes};
use serde_json::{Map, Value};

/// The shape that `value` holds, and what is missing in it.
pub fn decode<T: Decode>(value: Value) -> (T, Violations) {
    let mut violations = Violations::new();
    let shape = T::decode(&mut JsonReader::new(value), &mut violations).expect("of the right type");
    (shape, violations)
}

pub fn encode(shape: &dyn Encode) -> Value {
    let mut writer = JsonWriter::default();
    shape.encode(&mut writer);
    writer.values.pop().expect("a shape writes one value")
}

enum Open {
    Struct(Map<String, Value>),
    List(std::vec::IntoIter<Value>),
    Map(serde_json::map::IntoIter),
}

/// Walks a value from the outside in; blobs are plain text.
pub struct JsonReader {
    open: Vec<Open>,
    next: Option<Value>,
}

impl JsonReader {
    pub fn new(value: Value) -> Self {
        Self { open: Vec::new(), next: Some(value) }
    }

    fn take<T>(&mut self, as_type: impl FnOnce(&Value) -> Option<T>) -> Result<T, DecodeError> {
        self.next.take().as_ref().and_then(as_type).ok_or_else(|| DecodeError::new("wrong type"))
    }
}

impl Reader for JsonReader {
    fn begin_struct(&mut self) -> Result<(), DecodeError> {
        let map = self.take(|v| v.as_object().cloned())?;
        self.open.push(Open::Struct(map));
        Ok(())
    }

    fn next_field(&mut self, names: &'static [&'static str]) -> Result<Option<usize>, DecodeError> {
        let Some(Open::Struct(map)) = self.open.last_mut() else { panic!("not in a structure") };
        for (i, name) in names.iter().enumerate() {
            if let Some(value) = map.remove(*name).filter(|v| !v.is_null()) {
                self.next = Some(value);
                return Ok(Some(i));
            }
        }
        self.open.pop();
        Ok(None)
    }

    fn begin_list(&mut self) -> Result<(), DecodeError> {
        let list = self.take(|v| v.as_array().cloned())?;
        self.open.push(Open::List(list.into_iter()));
        Ok(())
    }

    fn next_element(&mut self) -> Result<bool, DecodeError> {
        let Some(Open::List(list)) = self.open.last_mut() else { panic!("not in a list") };
        self.next = list.next();
        if self.next.is_none() {
            self.open.pop();
        }
        Ok(self.next.is_some())
    }

    fn begin_map(&mut self) -> Result<(), DecodeError> {
        let map = self.take(|v| v.as_object().cloned())?;
        self.open.push(Open::Map(map.into_iter()));
        Ok(())
    }

    fn next_key(&mut self) -> Result<Option<ByteString>, DecodeError> {
        let Some(Open::Map(map)) = self.open.last_mut() else { panic!("not in a map") };
        let Some((key, value)) = map.next() else {
            self.open.pop();
            return Ok(None);
        };
        self.next = Some(value);
        Ok(Some(ByteString::from(key)))
    }

    fn string(&mut self) -> Result<ByteString, DecodeError> {
        self.take(|v| v.as_str().map(ByteString::from))
    }

    fn blob(&mut self) -> Result<Bytes, DecodeError> {
        self.take(|v| v.as_str().map(|s| Bytes::from(s.to_owned())))
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        self.take(Value::as_bool)
    }

    fn integer(&mut self) -> Result<i32, DecodeError> {
        self.take(|v| v.as_i64().and_then(|v| i32::try_from(v).ok()))
    }

    fn long(&mut self) -> Result<i64, DecodeError> {
        self.take(Value::as_i64)
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        self.take(Value::as_f64)
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        self.take(|v| v.as_f64().map(Timestamp::from_seconds))
    }

    fn finish(&mut self) -> Result<(), DecodeError> {
        assert!(self.open.is_empty() && self.next.is_none(), "a shape reads all of its value");
        Ok(())
    }
}

/// Builds a value from the inside out.
#[derive(Default)]
struct JsonWriter {
    /// Open containers, and at the end the finished value.
    values: Vec<Value>,
    /// The name of the member under way, for each open container.
    names: Vec<String>,
}

impl JsonWriter {
    fn put(&mut self, value: Value) {
        match self.values.last_mut() {
            None => self.values.push(value),
            Some(Value::Array(list)) => list.push(value),
            Some(Value::Object(map)) => {
                map.insert(self.names.pop().expect("a member has a name"), value);
            }
            Some(other) => panic!("{other} holds nothing"),
        }
    }

    fn close(&mut self) {
        let value = self.values.pop().expect("opened before");
        self.put(value);
    }
}

impl Writer for JsonWriter {
    fn begin_struct(&mut self) {
        self.values.push(Value::Object(Map::new()));
    }
    fn field(&mut self, name: &'static str) {
        self.names.push(name.to_owned());
    }
    fn end_struct(&mut self) {
        self.close();
    }
    fn begin_list(&mut self, _len: usize) {
        self.values.push(Value::Array(Vec::new()));
    }
    fn end_list(&mut self) {
        self.close();
    }
    fn begin_map(&mut self, _len: usize) {
        self.values.push(Value::Object(Map::new()));
    }
    fn key(&mut self, key: &str) {
        self.names.push(key.to_owned());
    }
    fn end_map(&mut self) {
        self.close();
    }
    fn string(&mut self, value: &str) {
        self.put(value.into());
    }
    fn blob(&mut self, value: &[u8]) {
        self.put(String::from_utf8_lossy(value).into());
    }
    fn boolean(&mut self, value: bool) {
        self.put(value.into());
    }
    fn integer(&mut self, value: i32) {
        self.put(value.into());
    }
    fn long(&mut self, value: i64) {
        self.put(value.into());
    }
    fn double(&mut self, value: f64) {
        self.put(value.into());
    }
    #[expect(clippy::cast_precision_loss, reason = "times in tests are small")]
    fn timestamp(&mut self, value: Timestamp) {
        self.put((value.millis() as f64 / 1000.0).into());
    }
}
