//! Pulls shapes out of a form. Values are slices of one buffer per form.
//!
//! Unlike JSON, numbers are taken as they are or not at all, and there is no null.

use std::ops::Range;

use base::codec::{DecodeError, Reader};
use base::time::Timestamp;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::form::{Form, is_number};
use crate::coral::{self, Found, Wanted, wrong_type};
use crate::{DEPTH_MAX, base64, iso8601};

/// A [`Reader`] over one form.
#[derive(Debug)]
pub struct QueryReader {
    form: Form,
    /// What the next value is read from.
    value: Branch,
    /// What has not been visited of each open container, the innermost last.
    open: Vec<Branch>,
}

/// Neighbouring parameters that share the first segments of their names.
#[derive(Debug, Clone)]
struct Branch {
    parameters: Range<usize>,
    /// Where in their names the next segment begins: behind the shared ones and a dot.
    at: usize,
}

impl QueryReader {
    /// # Errors
    /// When the body is not a form, or larger than forms may be.
    pub fn new(body: &Bytes) -> Result<Self, DecodeError> {
        let form = Form::decode(body)?;
        let value = Branch { parameters: 0..form.len(), at: 0 };
        Ok(Self { form, value, open: Vec::with_capacity(8) })
    }

    /// The parameter that gives a branch a value of its own: the one whose name ends before the next segment.
    fn leaf(&self, branch: &Branch) -> Option<usize> {
        let first = branch.parameters.start;
        (!branch.parameters.is_empty() && self.form.name(first).len() < branch.at).then_some(first)
    }

    /// Everything below a branch.
    fn children(&self, branch: &Branch) -> Branch {
        let own = usize::from(self.leaf(branch).is_some());
        Branch { parameters: branch.parameters.start + own..branch.parameters.end, at: branch.at }
    }

    /// Takes the first branch off the children of another: its segment, and what belongs to it.
    fn take_child<'a>(form: &'a Form, children: &mut Branch) -> Option<(&'a str, Branch)> {
        if children.parameters.is_empty() {
            return None;
        }
        let first = children.parameters.start;
        let rest = &form.name(first)[children.at..];
        let segment = &rest[..memchr::memchr(b'.', rest.as_bytes()).unwrap_or(rest.len())];
        let belongs = |index: usize| {
            let after = form.name(index)[children.at..].strip_prefix(segment);
            after.is_some_and(|after| after.is_empty() || after.starts_with('.'))
        };
        let end = (first + 1..children.parameters.end).find(|index| !belongs(*index));
        let end = end.unwrap_or(children.parameters.end);
        children.parameters.start = end;
        Some((segment, Branch { parameters: first..end, at: children.at + segment.len() + 1 }))
    }

    /// The child of that name.
    fn find_child(&self, branch: &Branch, name: &str) -> Option<Branch> {
        let mut children = self.children(branch);
        while let Some((segment, child)) = Self::take_child(&self.form, &mut children) {
            if segment == name {
                return Some(child);
            }
        }
        None
    }

    /// Moves to the next child of the innermost container; leaves it when there is none.
    fn advance(&mut self) -> Result<Option<&str>, DecodeError> {
        let children = self.open.last_mut().ok_or_else(DecodeError::malformed)?;
        match Self::take_child(&self.form, children) {
            Some((segment, child)) => {
                self.value = child;
                Ok(Some(segment))
            }
            None => {
                self.open.pop();
                Ok(None)
            }
        }
    }

    fn enter(&mut self, children: Branch) -> Result<(), DecodeError> {
        if self.open.len() == DEPTH_MAX {
            return Err(DecodeError::malformed());
        }
        self.open.push(children);
        Ok(())
    }

    /// Fails when the current value is a text; an empty one stands for an empty container.
    fn require_container(&self, wanted: Wanted) -> Result<(), DecodeError> {
        let text = self.leaf(&self.value).map_or("", |leaf| self.form.value(leaf));
        if text.is_empty() || self.value.parameters.len() > 1 { Ok(()) } else { Err(wrong_type(wanted, Found::String)) }
    }

    /// Enters a container whose elements stand below one segment of that name.
    fn enter_below(&mut self, segment: &str, wanted: Wanted) -> Result<(), DecodeError> {
        self.require_container(wanted)?;
        let end = self.value.parameters.end;
        let elements = self.find_child(&self.value, segment).map(|below| self.children(&below));
        self.enter(elements.unwrap_or(Branch { parameters: end..end, at: self.value.at }))
    }

    fn text(&self, wanted: Wanted) -> Result<&str, DecodeError> {
        let leaf = self.leaf(&self.value).ok_or_else(|| wrong_type(wanted, Found::Map))?;
        Ok(self.form.value(leaf))
    }

    fn number(&self, wanted: Wanted) -> Result<&str, DecodeError> {
        match self.text(wanted)? {
            "" => Err(DecodeError::new("missing value for decimal type")),
            text => Ok(text),
        }
    }
}

impl Reader for QueryReader {
    fn begin_struct(&mut self) -> Result<(), DecodeError> {
        self.require_container(Wanted::Structure)?;
        self.enter(self.children(&self.value))
    }

    fn next_field(&mut self, names: &'static [&'static str]) -> Result<Option<usize>, DecodeError> {
        while let Some(segment) = self.advance()? {
            if let Some(index) = names.iter().position(|name| *name == segment) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn begin_list(&mut self) -> Result<(), DecodeError> {
        self.enter_below("member", Wanted::List)
    }

    fn next_element(&mut self) -> Result<bool, DecodeError> {
        match self.advance()? {
            Some(segment) if is_number(segment) => Ok(true),
            Some(_) => Err(DecodeError::malformed()),
            None => Ok(false),
        }
    }

    fn begin_map(&mut self) -> Result<(), DecodeError> {
        self.enter_below("entry", Wanted::Map)
    }

    /// Passes over entries without a value.
    fn next_key(&mut self) -> Result<Option<ByteString>, DecodeError> {
        while self.next_element()? {
            let key = self.find_child(&self.value, "key").and_then(|key| self.leaf(&key));
            let key = self.form.shared_value(key.ok_or_else(DecodeError::malformed)?);
            if let Some(value) = self.find_child(&self.value, "value") {
                self.value = value;
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn string(&mut self) -> Result<ByteString, DecodeError> {
        let leaf = self.leaf(&self.value).ok_or_else(|| wrong_type(Wanted::String, Found::Map))?;
        Ok(self.form.shared_value(leaf))
    }

    fn blob(&mut self) -> Result<Bytes, DecodeError> {
        let leaf = self.leaf(&self.value).ok_or_else(|| wrong_type(Wanted::Blob, Found::Map))?;
        let text = self.form.value(leaf).as_bytes();
        let mut blob = BytesMut::new();
        base64::decode(&mut blob, text.len() / 4 * 3, text)?;
        Ok(blob.freeze())
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        coral::boolean(self.text(Wanted::Boolean)?)
    }

    fn integer(&mut self) -> Result<i32, DecodeError> {
        self.number(Wanted::Integer)?.parse().map_err(|_| DecodeError::malformed())
    }

    fn long(&mut self) -> Result<i64, DecodeError> {
        self.number(Wanted::Long)?.parse().map_err(|_| DecodeError::malformed())
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        match self.number(Wanted::Double)? {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            text if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) => {
                text.parse().map_err(|_| DecodeError::malformed())
            }
            _ => Err(DecodeError::malformed()),
        }
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        let text = self.text(Wanted::Timestamp)?;
        iso8601::parse(text).ok_or_else(|| DecodeError::new("timestamp must follow ISO8601"))
    }

    /// A form ends where its parameters do.
    fn finish(&mut self) -> Result<(), DecodeError> {
        Ok(())
    }
}
