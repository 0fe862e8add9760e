//! What AWS checks before anything else: which operation is meant, and in which protocol to answer.
//!
//! Pure, in AWS's order: method, empty body, content type, target. The path counts for rpcv2Cbor alone.

use bytes::Bytes;

use crate::Protocol;
use crate::error_body::{ErrorBody, SERIALIZATION_EXCEPTION, bare_xml};
use crate::protocol::essence;

/// Value of the header `smithy-protocol` of rpcv2Cbor, in requests and answers.
pub const RPC_V2_CBOR: &str = "rpc-v2-cbor";

/// The service and the operation in the path of rpcv2Cbor: `/service/<service>/operation/<operation>`, whatever is
/// before it.
#[must_use]
pub fn rpc_path(path: &str) -> Option<(&str, &str)> {
    let mut segments = path.rsplit('/');
    let (operation, word, service) = (segments.next()?, segments.next()?, segments.next()?);
    (word == "operation" && segments.next()? == "service" && segments.next().is_some()).then_some((service, operation))
}

/// What of a request these checks look at.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub method: &'a str,
    pub content_type: Option<&'a str>,
    /// Value of `X-Amz-Target`.
    pub target: Option<&'a str>,
    pub body_is_empty: bool,
}

/// A request that may go on to authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted<'a> {
    pub protocol: Protocol,
    /// The target before its dot, such as `Kinesis_20131202`.
    pub prefix: &'a str,
    /// The target after its dot.
    pub operation: &'a str,
}

/// Whether the server has the operation that a target names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    Known,
    Unknown,
}

/// A finished reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub body: Bytes,
}

/// AWS's code for a request that names no operation.
pub const UNKNOWN_OPERATION: &str = "UnknownOperationException";

/// Decides what a request is; `find` is asked with the two parts of a target.
///
/// # Errors
/// The reply to send when the request goes no further.
pub fn admit<'a>(head: &Head<'a>, find: impl Fn(&str, &str) -> TargetKind) -> Result<Admitted<'a>, Reply> {
    if head.method != "POST" {
        return Err(not_determined());
    }
    let content_type = essence(head.content_type.unwrap_or_default());
    let protocol = Protocol::detect(content_type);
    let (prefix, operation) = head.target.and_then(|t| t.split_once('.')).unwrap_or_default();
    let is_known = find(prefix, operation) == TargetKind::Known;
    if head.body_is_empty {
        let code = if is_known { SERIALIZATION_EXCEPTION } else { UNKNOWN_OPERATION };
        return Err(modelled(protocol.unwrap_or(Protocol::Cbor), code));
    }
    let Some(protocol) = protocol else {
        return Err(if content_type.eq_ignore_ascii_case("application/json") {
            plain_json()
        } else if prefix.is_empty() || operation.is_empty() {
            not_determined()
        } else {
            Reply { status: 404, content_type: None, body: Bytes::from_static(b"<UnknownOperationException/>\n") }
        });
    };
    if is_known { Ok(Admitted { protocol, prefix, operation }) } else { Err(modelled(protocol, UNKNOWN_OPERATION)) }
}

fn modelled(protocol: Protocol, code: &str) -> Reply {
    let body = ErrorBody { code, message: None }.to_bytes(protocol);
    Reply { status: 400, content_type: Some(protocol.content_type()), body }
}

fn not_determined() -> Reply {
    let message = "Unable to determine service/operation name to be authorized";
    Reply { status: 403, content_type: None, body: bare_xml("AccessDeniedException", message) }
}

/// AWS takes `application/json` for another, older protocol that has no such operations.
fn plain_json() -> Reply {
    let body = br#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    Reply { status: 404, content_type: Some("application/json"), body: Bytes::from_static(body) }
}
