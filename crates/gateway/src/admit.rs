//! Which operation a request asks for. Its path says so in rpcv2Cbor, a parameter of its form in the query protocol,
//! and `X-Amz-Target` everywhere else.

use api::service::{OperationModel, ServiceModel, protocol};
use base::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use wire::Protocol;
use wire::front_door::{self, Admitted, Head, TargetKind};
use wire::query::{self, Call};

use crate::call::Hosted;
use crate::exchange::{Exchange, Language, Problem, is_rpc_v2, text};
use crate::identity::claimed_service;
use crate::random::RequestId;
use crate::reply::Reply;
use crate::router::Context;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// In AWS's words, where a form has no version.
const NO_VERSION: &str = "NO_VERSION_SPECIFIED";

/// A request that may go on to authentication.
pub struct Asked<'a> {
    pub hosted: &'a Hosted,
    pub exchange: Exchange,
    pub operation: Named,
}

/// Where the name of the operation stands.
#[derive(Clone, Copy)]
pub enum Named {
    /// Found already.
    Known(&'static OperationModel),
    /// In the form that is the body. Not looked at before the sender is known, because it may have to be decompressed.
    InForm,
    /// In the form behind the question mark of the URL.
    InUrl,
}

/// Finds the service, and the operation too unless a form names it.
///
/// # Errors
/// The answer to a request that goes no further.
pub fn admit<'a>(context: &'a Context, head: &Parts, body: &Bytes, id: RequestId) -> Result<Asked<'a>, Reply> {
    if is_rpc_v2(head) {
        return by_path(context, head, id);
    }
    if let Some((form, operation)) = form(context, head, body)
        && let Some(hosted) = by_scope(context, head).or_else(|| by_version(context, form))
    {
        let exchange = Exchange::new(head, Language::Query, Some(hosted.model), id);
        return Ok(Asked { hosted, exchange, operation });
    }
    by_target(context, head, body, id)
}

fn by_path<'a>(context: &'a Context, head: &Parts, id: RequestId) -> Result<Asked<'a>, Reply> {
    let named = front_door::rpc_path(head.uri.path()).filter(|_| head.method == Method::POST);
    let found = named.and_then(|(service, operation)| context.find(protocol::RPC_V2_CBOR, service, operation));
    let Some((hosted, operation)) = found else {
        let unknown = Problem::new(404, front_door::UNKNOWN_OPERATION, None);
        return Err(Exchange::unknown(head, id).failure(&unknown));
    };
    let exchange = Exchange::new(head, Language::Value(Protocol::RpcV2Cbor), Some(hosted.model), id);
    Ok(Asked { hosted, exchange, operation: Named::Known(operation) })
}

/// The form of a request, if it has one. A page of any origin can make a browser fetch a URL without saying where it
/// comes from, so that URLs name operations only where signatures are needed.
fn form<'a>(context: &Context, head: &'a Parts, body: &'a [u8]) -> Option<(&'a [u8], Named)> {
    match head.method {
        Method::POST if !body.is_empty() && query::is_form(text(&head.headers, &CONTENT_TYPE)?) => {
            Some((body, Named::InForm))
        }
        Method::GET if context.gate.is_closed() => Some((head.uri.query()?.as_bytes(), Named::InUrl)),
        _ => None,
    }
}

/// The service that the request is signed for.
fn by_scope<'a>(context: &'a Context, head: &Parts) -> Option<&'a Hosted> {
    let name = claimed_service(head)?;
    context.speakers(protocol::QUERY).find(|hosted| hosted.model.signing_name == name)
}

/// The service with that version of its API: no two have the same.
fn by_version<'a>(context: &'a Context, form: &[u8]) -> Option<&'a Hosted> {
    let version = Call::of(form)?.version?;
    context.speakers(protocol::QUERY).find(|hosted| hosted.model.api_version == version)
}

/// The operation that a form names.
///
/// # Errors
/// The answer to a request that names none of the service.
pub fn by_form(service: &ServiceModel, form: &[u8], exchange: &Exchange) -> Result<&'static OperationModel, Reply> {
    let Some(Call { action, version }) = Call::of(form) else {
        let message = "The request is missing an action or a required parameter.";
        return Err(exchange.failure(&Problem::new(400, "MissingAction", Some(message))));
    };
    let version = version.as_deref().unwrap_or(NO_VERSION);
    match service.operation(&action) {
        Some(operation) if version == service.api_version => Ok(operation),
        _ => {
            let message = format!("Could not find operation {action} for version {version}");
            let unknown = Problem::new(400, front_door::UNKNOWN_OPERATION, Some(&message));
            Err(exchange.without_service().failure(&unknown))
        }
    }
}

fn by_target<'a>(context: &'a Context, head: &Parts, body: &Bytes, id: RequestId) -> Result<Asked<'a>, Reply> {
    let asked = Head {
        method: head.method.as_str(),
        content_type: text(&head.headers, &CONTENT_TYPE),
        target: text(&head.headers, &TARGET),
        body_is_empty: body.is_empty(),
    };
    let find = |prefix: &str, operation: &str| context.find(protocol::JSON, prefix, operation);
    let kind = |prefix: &str, operation: &str| match find(prefix, operation) {
        Some(_) => TargetKind::Known,
        None => TargetKind::Unknown,
    };
    let Admitted { protocol, prefix, operation } =
        front_door::admit(&asked, kind).map_err(|refused| refusal(refused, &asked, head, body, id))?;
    let (hosted, operation) = find(prefix, operation).expect("admitted requests name a known operation");
    let exchange = Exchange::new(head, Language::Value(protocol), Some(hosted.model), id);
    Ok(Asked { hosted, exchange, operation: Named::Known(operation) })
}

/// AWS parses the body before it looks at the target. Here that is done only when the answer depends on it, so that
/// strangers cost little.
fn refusal(refused: front_door::Reply, asked: &Head<'_>, head: &Parts, body: &Bytes, id: RequestId) -> Reply {
    if refused.status == 400
        && !asked.body_is_empty
        && let Some(protocol) = asked.content_type.and_then(Protocol::detect)
    {
        let exchange = Exchange::new(head, Language::Value(protocol), None, id);
        if let Err(error) = exchange.require_structure(body) {
            return exchange.malformed(&error);
        }
    }
    Reply { content_type: refused.content_type, ..Reply::plain(refused.status, "Refused", "", refused.body) }
}
