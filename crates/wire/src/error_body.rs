//! Bodies of error replies.

use base::codec::{Encode, Writer};
use bytes::Bytes;

use crate::Protocol;

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

/// Whose fault a query error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Sender,
    Receiver,
}

/// An error of the query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryError<'a> {
    /// The service's XML namespace, such as `https://sts.amazonaws.com/doc/2011-06-15/`.
    pub namespace: &'a str,
    pub fault: Fault,
    pub code: &'a str,
    pub message: &'a str,
    pub request_id: &'a str,
}

impl QueryError<'_> {
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let fault = match self.fault {
            Fault::Sender => "Sender",
            Fault::Receiver => "Receiver",
        };
        let xml = format!(
            "<ErrorResponse xmlns=\"{}\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error>\
             <RequestId>{}</RequestId></ErrorResponse>",
            escape_xml(self.namespace),
            escape_xml(self.code),
            escape_xml(self.message),
            escape_xml(self.request_id),
        );
        xml.into()
    }
}

/// The XML in which AWS refuses a request whose protocol it cannot tell; sent without a content type.
#[must_use]
pub fn bare_xml(code: &str, message: &str) -> Bytes {
    format!("<{code}>\n  <Message>{}</Message>\n</{code}>\n", escape_xml(message)).into()
}

fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write the other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\r' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
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
    fn xml_forms() {
        assert_eq!(bare_xml("A", "<b>"), "<A>\n  <Message>&lt;b&gt;</Message>\n</A>\n");
        let error =
            QueryError { namespace: "urn:x", fault: Fault::Sender, code: "C", message: "a & b", request_id: "r" };
        assert_eq!(
            error.to_bytes(),
            "<ErrorResponse xmlns=\"urn:x\"><Error><Type>Sender</Type><Code>C</Code><Message>a &amp; b</Message>\
             </Error><RequestId>r</RequestId></ErrorResponse>"
        );
    }
}
