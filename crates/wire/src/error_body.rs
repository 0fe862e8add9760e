//! Bodies of error replies.

use base::codec::{Encode, Writer};
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

    #[test]
    fn xml_form() {
        assert_eq!(bare_xml("A", "<b>"), "<A>\n  <Message>&lt;b&gt;</Message>\n</A>\n");
    }
}
