//! One API request: front door, signature, input, operation, answer. In AWS's order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use api::service::{self, CallError, Failure, OperationModel, Service, ServiceModel};
use base::Bytes;
use base::caller::Caller;
use base::limits::MIB;
use http::request::Parts;
use wire::sigv4::AuthError;
use wire::{event_stream, front_door};

use crate::activity::Running;
use crate::admit::{Asked, Named, admit, by_form};
use crate::body_in::Held;
use crate::events::EventBody;
use crate::exchange::{Exchange, Language, Problem, VALIDATION_EXCEPTION};
use crate::random::RequestId;
use crate::reply::{Reply, ReplyBody};
use crate::router::Context;
use crate::unabandoned::Unabandoned;
use crate::unpack::{is_packed, unpack};
use crate::unread::Full;

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
pub async fn answer(context: &Context, head: &Parts, body: Held, running: Running, id: RequestId) -> Reply {
    let Asked { hosted, exchange, operation } = match admit(context, head, &body.bytes, id) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let caller = match context.caller(head, &body.bytes, hosted.model) {
        Ok(caller) => caller,
        Err(error) => {
            let body = (!is_packed(head)).then_some(&body.bytes);
            return not_authentic(&exchange, operation, &error, body);
        }
    };
    let body = match operation {
        Named::InUrl => Held::of_url(&head.uri),
        Named::Known(_) | Named::InForm => match unpack(context, head, body).await {
            Ok(body) => body,
            Err(error) => return exchange.without_body(error),
        },
    };
    let operation = match operation {
        Named::Known(operation) => operation,
        Named::InForm | Named::InUrl => match by_form(hosted.model, &body.bytes, &exchange) {
            Ok(operation) => operation,
            Err(refused) => return refused,
        },
    };
    let reply = call(context, hosted, operation, exchange, caller, body, running).await;
    Reply { operation: Some(operation.name), ..reply }
}

/// Where the operation is known before its body is read, AWS judges the body before the signature. It is parsed only
/// now, so that strangers cost little; and not at all, `None`, when it is compressed.
fn not_authentic(exchange: &Exchange, operation: Named, error: &AuthError, body: Option<&Bytes>) -> Reply {
    let Named::Known(operation) = operation else {
        let message = error.query_message();
        return exchange.failure(&Problem::new(error.query_status(), error.code(), Some(&message)));
    };
    let reply = match body.map_or(Ok(()), |body| exchange.require_structure(body)) {
        Err(error) => exchange.malformed(&error),
        Ok(()) => exchange.failure(&Problem::new(400, error.code(), Some(&error.to_string()))),
    };
    Reply { operation: Some(operation.name), ..reply }
}

/// Runs the operation, to its end even when the client goes away, and encodes what it answers.
async fn call(
    context: &Context,
    hosted: &Hosted,
    operation: &'static OperationModel,
    exchange: Exchange,
    caller: Caller,
    body: Held,
    running: Running,
) -> Reply {
    if let Some((status, code, message)) = context.injected(operation) {
        return exchange.failure(&Problem::new(status, code, Some(message)));
    }
    let service = hosted.service();
    let drain = context.drain.clone();
    let work = Unabandoned::new(Box::pin(async move {
        let answered = run(&*service, operation, &exchange, &caller, &body.bytes).await;
        // The body's memory and the server's life are held until here.
        drop((body, drain));
        answered
    }));
    match work.await {
        Ok(service::Reply::Empty) => {
            let mut out = Vec::new();
            exchange.write(operation.name, None, &mut out);
            exchange.success(ReplyBody::Whole(out.into()))
        }
        Ok(service::Reply::Output(output)) => {
            let expected = &hosted.reply_bytes[operation.index];
            let mut out = Vec::with_capacity(expected.load(Ordering::Relaxed).min(REPLY_BYTES_EXPECTED_MAX));
            exchange.write(operation.name, Some(&*output), &mut out);
            expected.store(out.len() + out.len() / 8, Ordering::Relaxed);
            match context.unread.hold(out) {
                Ok(body) => exchange.success(ReplyBody::Whole(body)),
                Err(Full) => {
                    let message = "There is no memory for the answer now. Ask again later.";
                    exchange.failure(&Problem::new(503, "SlowDown", Some(message)))
                }
            }
        }
        Ok(service::Reply::Events(events)) => {
            let Language::Value(protocol) = exchange.language else {
                // XML has no events, and no service that speaks it has any.
                return exchange.failure(&Problem::new(400, front_door::UNKNOWN_OPERATION, None));
            };
            let body = EventBody::new(events, protocol, context.stop.clone(), running.stream());
            Reply {
                content_type: Some(event_stream::CONTENT_TYPE),
                ..exchange.success(ReplyBody::Events(Box::new(body)))
            }
        }
        Err(Fault::Failed(error)) => exchange.failure(&Problem::of(&*error)),
        Err(Fault::Call(CallError::Invalid(message))) => {
            exchange.failure(&Problem::new(400, VALIDATION_EXCEPTION, Some(&message)))
        }
        Err(Fault::Call(CallError::Malformed(error))) => exchange.malformed(&error),
    }
}

async fn run(
    service: &dyn Service,
    operation: &'static OperationModel,
    exchange: &Exchange,
    caller: &Caller,
    input: &Bytes,
) -> Result<service::Reply, Fault> {
    let answer = exchange
        .read(input, |reader| service.call(caller, operation, reader))
        .map_err(|error| Fault::Call(CallError::Malformed(error)))?
        .map_err(Fault::Call)?;
    answer.await.map_err(Fault::Failed)
}
