//! Bodies of error replies.

use base::codec::{Encode, Writer};
use base::time::Timestamp;
use bytes::Bytes;

use crate::{Protocol, query};

/// AWS's name for a body that cannot be read.
pub const SERIALIZATION_EXCEPTION: &str = "SerializationException";

/// A modelled error as the protocols with `X-Amz-Target` carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorBody<'a> {
    /// Value of `__type`, with the service's prefix where its clients expect one.
    pub code: &'a str,
    /// What AWS says; some errors come without a text.
    pub message: Option<&'a str>,
}

impl ErrorBody<'_> {
    #[must_use]
    pub fn to_bytes(&self, protocol: Protocol) -> Bytes {
        let mut out = Vec::with_capacity(64 + self.code.len() + self.message.map_or(0, str::len));
        protocol.encode(self, &mut out);
        out.into()
    }
}

impl Encode for ErrorBody<'_> {
    fn encode(&self, writer: &mut dyn Writer) {
        writer.begin_struct();
        writer.field("__type");
        writer.string(self.code);
        if let Some(message) = self.message {
            writer.field(if self.code.ends_with(SERIALIZATION_EXCEPTION) { "Message" } else { "message" });
            writer.string(message);
        }
        writer.end_struct();
    }
}

/// An error of a service's model, with all its members.
#[derive(Clone, Copy)]
pub struct ModeledErrorBody<'a> {
    /// Value of `__type`, as in [`ErrorBody`].
    pub code: &'a str,
    /// The structure of the members, the text among them.
    pub members: &'a dyn Encode,
}

impl ModeledErrorBody<'_> {
    #[must_use]
    pub fn to_bytes(&self, protocol: Protocol) -> Bytes {
        let mut out = Vec::with_capacity(256);
        protocol.encode(self, &mut out);
        out.into()
    }
}

impl Encode for ModeledErrorBody<'_> {
    fn encode(&self, writer: &mut dyn Writer) {
        self.members.encode(&mut Typed { writer, code: Some(self.code) });
    }
}

/// Passes a structure on, with its type for its first member.
struct Typed<'a> {
    writer: &'a mut dyn Writer,
    /// `None` once it is written.
    code: Option<&'a str>,
}

impl Writer for Typed<'_> {
    fn begin_struct(&mut self) {
        self.writer.begin_struct();
        if let Some(code) = self.code.take() {
            self.writer.field("__type");
            self.writer.string(code);
        }
    }

    fn field(&mut self, name: &'static str) {
        self.writer.field(name);
    }

    fn end_struct(&mut self) {
        self.writer.end_struct();
    }

    fn begin_list(&mut self, len: usize) {
        self.writer.begin_list(len);
    }

    fn end_list(&mut self) {
        self.writer.end_list();
    }

    fn begin_map(&mut self, len: usize) {
        self.writer.begin_map(len);
    }

    fn key(&mut self, key: &str) {
        self.writer.key(key);
    }

    fn end_map(&mut self) {
        self.writer.end_map();
    }

    fn string(&mut self, value: &str) {
        self.writer.string(value);
    }

    fn blob(&mut self, value: &[u8]) {
        self.writer.blob(value);
    }

    fn boolean(&mut self, value: bool) {
        self.writer.boolean(value);
    }

    fn integer(&mut self, value: i32) {
        self.writer.integer(value);
    }

    fn long(&mut self, value: i64) {
        self.writer.long(value);
    }

    fn double(&mut self, value: f64) {
        self.writer.double(value);
    }

    fn timestamp(&mut self, value: Timestamp) {
        self.writer.timestamp(value);
    }
}

/// The XML in which AWS refuses a request whose protocol it cannot tell; sent without a content type.
#[must_use]
pub fn bare_xml(code: &str, message: &str) -> Bytes {
    let mut out = format!("<{code}>\n  <Message>").into_bytes();
    query::escape(&mut out, message);
    out.extend_from_slice(format!("</Message>\n</{code}>\n").as_bytes());
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_cbor_forms() {
        let error = ErrorBody { code: "ResourceNotFoundException", message: Some("no \"x\"") };
        assert_eq!(error.to_bytes(Protocol::Json11), r#"{"__type":"ResourceNotFoundException","message":"no \"x\""}"#);
        assert_eq!(
            ErrorBody { code: SERIALIZATION_EXCEPTION, message: Some("m") }.to_bytes(Protocol::Json11),
            r#"{"__type":"SerializationException","Message":"m"}"#
        );
        assert_eq!(
            ErrorBody { code: SERIALIZATION_EXCEPTION, message: None }.to_bytes(Protocol::Cbor),
            &b"\xbf\x66__type\x76SerializationException\xff"[..]
        );
    }

    /// A structure with a list of structures, each of one member.
    struct Reasons(&'static [&'static str]);

    impl Encode for Reasons {
        fn encode(&self, writer: &mut dyn Writer) {
            writer.begin_struct();
            writer.field("Reasons");
            writer.begin_list(self.0.len());
            for reason in self.0 {
                writer.begin_struct();
                writer.field("Code");
                writer.string(reason);
                writer.end_struct();
            }
            writer.end_list();
            writer.end_struct();
        }
    }

    #[test]
    fn modelled_errors_keep_their_members() {
        let error = ModeledErrorBody { code: "Cancelled", members: &Reasons(&["None", "Failed"]) };
        let json = r#"{"__type":"Cancelled","Reasons":[{"Code":"None"},{"Code":"Failed"}]}"#;
        assert_eq!(error.to_bytes(Protocol::Json10), json);
        let cbor = b"\xbf\x66__type\x69Cancelled\x67Reasons\x81\xbf\x64Code\x64None\xff\xff";
        let error = ModeledErrorBody { members: &Reasons(&["None"]), ..error };
        assert_eq!(error.to_bytes(Protocol::RpcV2Cbor), &cbor[..]);
    }

    #[test]
    fn xml_form() {
        assert_eq!(bare_xml("A", "<b>"), "<A>\n  <Message>&lt;b&gt;</Message>\n</A>\n");
    }
}
