//! Whole answers: what is around the members of an output, and errors.

use base::codec::Encode;
use bytes::Bytes;

use super::writer::XmlWriter;
use super::xml::{Xml, escape};

/// `Content-Type` of answers.
pub const CONTENT_TYPE: &str = "text/xml";
/// The XML namespace of errors that belong to no service.
pub const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// The answer of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryReply<'a> {
    pub operation: &'a str,
    /// The service's XML namespace, such as `https://sts.amazonaws.com/doc/2011-06-15/`.
    pub namespace: &'a str,
    pub request_id: &'a str,
}

impl QueryReply<'_> {
    /// Appends the whole answer; `output` is `None` for operations whose model has none.
    pub fn encode(&self, output: Option<&dyn Encode>, out: &mut Vec<u8>) {
        let Self { operation, namespace, request_id } = self;
        document(out, &format!("{operation}Response"), namespace, |xml| {
            if let Some(output) = output {
                output.encode(&mut XmlWriter::new(xml.out, 1, &format!("{operation}Result")));
            }
            xml.start("ResponseMetadata");
            xml.leaf("RequestId", |out| escape(out, request_id));
            xml.end("ResponseMetadata");
        });
    }
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Sender,
    Receiver,
}

impl Fault {
    /// From the HTTP status of an error.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        if status >= 500 { Self::Receiver } else { Self::Sender }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        }
    }
}

/// An error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryError<'a> {
    /// The service's XML namespace, or [`FAULT_NAMESPACE`].
    pub namespace: &'a str,
    pub fault: Fault,
    pub code: &'a str,
    /// What AWS says; some errors come without a text.
    pub message: Option<&'a str>,
    pub request_id: &'a str,
}

impl QueryError<'_> {
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(256 + self.message.map_or(0, str::len));
        document(&mut out, "ErrorResponse", self.namespace, |xml| {
            xml.start("Error");
            xml.leaf("Type", |out| escape(out, self.fault.as_str()));
            xml.leaf("Code", |out| escape(out, self.code));
            if let Some(message) = self.message {
                xml.leaf("Message", |out| escape(out, message));
            }
            xml.end("Error");
            xml.leaf("RequestId", |out| escape(out, self.request_id));
        });
        out.into()
    }
}

/// The root element, in its namespace, around what `content` writes.
fn document(out: &mut Vec<u8>, root: &str, namespace: &str, content: impl FnOnce(&mut Xml<'_>)) {
    out.extend_from_slice(format!("<{root} xmlns=\"").as_bytes());
    escape(out, namespace);
    out.extend_from_slice(b"\">");
    content(&mut Xml::new(out, 1));
    out.extend_from_slice(format!("\n</{root}>\n").as_bytes());
}

/// What this protocol calls an error that belongs to no service and that the others call `code`.
#[must_use]
pub fn error_code(code: &'static str) -> &'static str {
    match code {
        "IncompleteSignatureException" => "IncompleteSignature",
        "InvalidSignatureException" => "SignatureDoesNotMatch",
        "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
        "SerializationException" => "MalformedInput",
        "ThrottlingException" => "Throttling",
        "UnknownOperationException" => "InvalidAction",
        "UnrecognizedClientException" => "InvalidClientTokenId",
        "ValidationException" => "ValidationError",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use base::codec::Writer;

    use super::*;

    struct Output(Option<&'static str>);

    impl Encode for Output {
        fn encode(&self, writer: &mut dyn Writer) {
            writer.begin_struct();
            if let Some(text) = self.0 {
                writer.field("Text");
                writer.string(text);
            }
            writer.end_struct();
        }
    }

    #[track_caller]
    fn check(output: Option<&dyn Encode>, result: &str) {
        let mut out = Vec::new();
        QueryReply { operation: "Do", namespace: "urn:x", request_id: "r" }.encode(output, &mut out);
        let expected = format!(
            "<DoResponse xmlns=\"urn:x\">\n{result}  <ResponseMetadata>\n    <RequestId>r</RequestId>\n  \
             </ResponseMetadata>\n</DoResponse>\n"
        );
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn replies() {
        check(Some(&Output(Some("a & b"))), "  <DoResult>\n    <Text>a &amp; b</Text>\n  </DoResult>\n");
        check(Some(&Output(None)), "  <DoResult/>\n");
        check(None, "");
    }

    #[test]
    fn errors() {
        let error = QueryError {
            namespace: "urn:x",
            fault: Fault::of_status(400),
            code: "C",
            message: Some("a & b"),
            request_id: "r",
        };
        assert_eq!(
            error.to_bytes(),
            "<ErrorResponse xmlns=\"urn:x\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>C</Code>\n    \
             <Message>a &amp; b</Message>\n  </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>\n"
        );
        let silent = QueryError { fault: Fault::of_status(500), message: None, ..error };
        assert_eq!(
            silent.to_bytes(),
            "<ErrorResponse xmlns=\"urn:x\">\n  <Error>\n    <Type>Receiver</Type>\n    <Code>C</Code>\n  \
             </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>\n"
        );
    }
}
