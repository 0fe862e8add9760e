//! Writes shapes as XML: members are elements of their names, elements of lists are `member`, those of maps `entry`
//! with `key` and `value`.

use std::io::Write as _;

use base::codec::Writer;
use base::time::Timestamp;

use super::xml::{Xml, escape};
use crate::{base64, iso8601};

/// A [`Writer`] that appends one value as an element.
pub(super) struct XmlWriter<'a> {
    xml: Xml<'a>,
    open: Vec<Open<'a>>,
    /// The name of the member whose value is written next.
    member: &'a str,
}

/// An open container, and the name of its element.
#[derive(Debug, Clone, Copy)]
struct Open<'a> {
    name: &'a str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Structure,
    List,
    Map,
    Entry,
}

impl<'a> XmlWriter<'a> {
    /// `name` is that of the element, and `depth` is how many are open around it.
    pub fn new(out: &'a mut Vec<u8>, depth: usize, name: &'a str) -> Self {
        Self { xml: Xml::new(out, depth), open: Vec::with_capacity(8), member: name }
    }

    /// The name of the next value's element.
    fn name(&self) -> &'a str {
        match self.open.last() {
            Some(Open { kind: Kind::List, .. }) => "member",
            Some(Open { kind: Kind::Entry, .. }) => "value",
            _ => self.member,
        }
    }

    fn begin(&mut self, name: &'a str, kind: Kind) {
        self.xml.start(name);
        self.open.push(Open { name, kind });
    }

    fn begin_value(&mut self, kind: Kind) {
        self.begin(self.name(), kind);
    }

    fn end_value(&mut self) {
        let Open { name, .. } = self.open.pop().expect("shapes end what they have begun");
        self.xml.end(name);
        self.after_value();
    }

    fn leaf(&mut self, text: impl FnOnce(&mut Vec<u8>)) {
        let name = self.name();
        self.xml.leaf(name, text);
        self.after_value();
    }

    /// An entry has one value and ends with it.
    fn after_value(&mut self) {
        if let Some(Open { name, .. }) = self.open.pop_if(|open| open.kind == Kind::Entry) {
            self.xml.end(name);
        }
    }
}

impl Writer for XmlWriter<'_> {
    fn begin_struct(&mut self) {
        self.begin_value(Kind::Structure);
    }

    fn field(&mut self, name: &'static str) {
        self.member = name;
    }

    fn end_struct(&mut self) {
        self.end_value();
    }

    fn begin_list(&mut self, _len: usize) {
        self.begin_value(Kind::List);
    }

    fn end_list(&mut self) {
        self.end_value();
    }

    fn begin_map(&mut self, _len: usize) {
        self.begin_value(Kind::Map);
    }

    fn key(&mut self, key: &str) {
        self.begin("entry", Kind::Entry);
        self.xml.leaf("key", |out| escape(out, key));
    }

    fn end_map(&mut self) {
        self.end_value();
    }

    fn string(&mut self, value: &str) {
        self.leaf(|out| escape(out, value));
    }

    fn blob(&mut self, value: &[u8]) {
        self.leaf(|out| base64::encode(out, value));
    }

    fn boolean(&mut self, value: bool) {
        self.leaf(|out| out.extend_from_slice(if value { b"true" } else { b"false" }));
    }

    fn integer(&mut self, value: i32) {
        self.long(value.into());
    }

    fn long(&mut self, value: i64) {
        self.leaf(|out| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()));
    }

    fn double(&mut self, value: f64) {
        self.leaf(|out| {
            let written = match value {
                value if value.is_finite() => write!(out, "{value:?}"),
                value if value.is_nan() => write!(out, "NaN"),
                value => write!(out, "{}Infinity", if value > 0.0 { "" } else { "-" }),
            };
            written.expect("a buffer in memory takes every write");
        });
    }

    fn timestamp(&mut self, value: Timestamp) {
        self.leaf(|out| iso8601::write(out, value));
    }
}
