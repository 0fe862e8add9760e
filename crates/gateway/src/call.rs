//! One API request: front door, signature, input, operation, answer. In AWS's order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use api::service::{self, CallError, Failure, OperationModel, Service, ServiceModel};
use base::caller::Caller;
use base::codec::DecodeError;
use base::limits::MIB;
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use wire::error_body::{ErrorBody, SERIALIZATION_EXCEPTION};
use wire::front_door::{self, Admitted, Head, TargetKind};
use wire::sigv4::AuthError;
use wire::{Protocol, event_stream};

use crate::activity::Running;
use crate::body_in::Held;
use crate::events::EventBody;
use crate::reply::{Reply, ReplyBody};
use crate::router::Context;
use crate::unabandoned::Unabandoned;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// Buffers for answers begin with room for one like the last, up to this.
const REPLY_BYTES_EXPECTED_MAX: usize = 16 * MIB;

/// A service, and how long its answers tend to be.
pub struct Hosted {
    pub model: &'static ServiceModel,
    /// Another one takes its place when the control API starts afresh.
    service: RwLock<Arc<dyn Service>>,
    /// By index of the operation.
    reply_bytes: Box<[AtomicUsize]>,
}

impl Hosted {
    pub fn new(service: Arc<dyn Service>) -> Self {
        let model = service.model();
        let reply_bytes = model.operations.iter().map(|_| AtomicUsize::new(256)).collect();
        Self { model, service: RwLock::new(service), reply_bytes }
    }

    pub fn replace(&self, service: Arc<dyn Service>) {
        *self.service.write().unwrap_or_else(PoisonError::into_inner) = service;
    }

    fn service(&self) -> Arc<dyn Service> {
        Arc::clone(&self.service.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why an operation gave no output.
enum Fault {
    Call(CallError),
    Failed(Failure),
}

/// Answers one request whose body has been read. `running` lives as long as the answer's body.
pub async fn answer(context: &Context, head: &Parts, body: Held, running: Running) -> Reply {
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let asked = Head {
        method: head.method.as_str(),
        content_type: text(CONTENT_TYPE),
        target: text(TARGET),
        body_is_empty: body.bytes.is_empty(),
    };
    let find = |prefix: &str, operation: &str| match context.find(prefix, operation) {
        Some(_) => TargetKind::Known,
        None => TargetKind::Unknown,
    };
    let Admitted { protocol, prefix, operation } = match front_door::admit(&asked, find) {
        Ok(admitted) => admitted,
        Err(refused) => return refusal(refused, asked.content_type, &body),
    };
    let (hosted, operation) = context.find(prefix, operation).expect("admitted requests name a known operation");
    let reply = match context.caller(head, &body.bytes, hosted.model) {
        Err(error) => not_authentic(protocol, &error, &body),
        Ok(caller) => call(context, hosted, operation, protocol, caller, body, running).await,
    };
    Reply { operation: Some(operation.name), ..reply }
}

/// AWS parses the body before it looks at the target and at the signature. Here that is done only when the answer
/// depends on it, so that strangers cost little.
fn refusal(refused: front_door::Reply, content_type: Option<&str>, body: &Held) -> Reply {
    if refused.status == 400
        && !body.bytes.is_empty()
        && let Some(protocol) = content_type.and_then(Protocol::detect)
        && let Err(error) = well_formed(protocol, body)
    {
        return malformed(protocol, &error);
    }
    let body = ReplyBody::Whole(refused.body);
    Reply {
        status: refused.status,
        content_type: refused.content_type,
        body,
        operation: None,
        code: "Refused",
        close: false,
    }
}

fn not_authentic(protocol: Protocol, error: &AuthError, body: &Held) -> Reply {
    match well_formed(protocol, body) {
        Err(error) => malformed(protocol, &error),
        Ok(()) => failure(protocol, 400, error.code(), Some(&error.to_string())),
    }
}

/// Whether the body is a structure, whatever is in it.
fn well_formed(protocol: Protocol, body: &Held) -> Result<(), DecodeError> {
    protocol
        .read(body.bytes.clone(), |reader| {
            reader.begin_struct()?;
            while reader.next_field(&[])?.is_some() {}
            reader.finish()
        })?
        .map_err(|_| DecodeError::malformed())
}

/// Runs the operation, to its end even when the client goes away, and encodes what it answers.
async fn call(
    context: &Context,
    hosted: &Hosted,
    operation: &'static OperationModel,
    protocol: Protocol,
    caller: Caller,
    body: Held,
    running: Running,
) -> Reply {
    if let Some((status, code, message)) = context.injected(operation) {
        return failure(protocol, status, code, Some(message));
    }
    let service = hosted.service();
    let drain = context.drain.clone();
    let work = Unabandoned::new(Box::pin(async move {
        let answered = run(&*service, operation, protocol, &caller, &body).await;
        // The body's memory and the server's life are held until here.
        drop((body, drain));
        answered
    }));
    match work.await {
        Ok(service::Reply::Empty) => success(protocol, ReplyBody::Whole(base::Bytes::new())),
        Ok(service::Reply::Output(output)) => {
            let expected = &hosted.reply_bytes[operation.index];
            let mut out = Vec::with_capacity(expected.load(Ordering::Relaxed).min(REPLY_BYTES_EXPECTED_MAX));
            protocol.encode(&*output, &mut out);
            expected.store(out.len() + out.len() / 8, Ordering::Relaxed);
            success(protocol, ReplyBody::Whole(out.into()))
        }
        Ok(service::Reply::Events(events)) => {
            let body = EventBody::new(events, protocol, context.stop.clone(), running.stream());
            Reply {
                content_type: Some(event_stream::CONTENT_TYPE),
                ..success(protocol, ReplyBody::Events(Box::new(body)))
            }
        }
        Err(Fault::Failed(error)) => failure(protocol, error.status(), error.code(), error.message()),
        Err(Fault::Call(CallError::Invalid(message))) => failure(protocol, 400, "ValidationException", Some(&message)),
        Err(Fault::Call(CallError::Malformed(error))) => malformed(protocol, &error),
    }
}

async fn run(
    service: &dyn Service,
    operation: &'static OperationModel,
    protocol: Protocol,
    caller: &Caller,
    body: &Held,
) -> Result<service::Reply, Fault> {
    let answer = protocol
        .read(body.bytes.clone(), |reader| service.call(caller, operation, reader))
        .map_err(|error| Fault::Call(CallError::Malformed(error)))?
        .map_err(Fault::Call)?;
    answer.await.map_err(Fault::Failed)
}

fn success(protocol: Protocol, body: ReplyBody) -> Reply {
    Reply { status: 200, content_type: Some(protocol.content_type()), body, operation: None, code: "OK", close: false }
}

fn malformed(protocol: Protocol, error: &DecodeError) -> Reply {
    failure(protocol, 400, SERIALIZATION_EXCEPTION, error.message.as_deref())
}

/// An error in the protocol's form.
pub fn failure(protocol: Protocol, status: u16, code: &'static str, message: Option<&str>) -> Reply {
    let body = ErrorBody { code, message }.to_bytes(protocol);
    let content_type = Some(protocol.content_type());
    Reply { status, content_type, body: ReplyBody::Whole(body), operation: None, code, close: false }
}
