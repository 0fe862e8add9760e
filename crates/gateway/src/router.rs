//! Where a request goes: health and metrics, the control API, or a service.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use api::service::{OperationModel, ServiceModel};
use base::caller::Caller;
use base::time::Clock;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{debug, error};
use wire::sigv4::AuthError;

use crate::activity::{Activity, Running};
use crate::body_in;
use crate::budget::Budget;
use crate::call::{self, Hosted};
use crate::dev::Dev;
use crate::exchange::{Exchange, Problem};
use crate::identity::Gate;
use crate::monitor::{Finished, Monitor};
use crate::origin::Origin;
use crate::random::RequestId;
use crate::reply::{Reply, ReplyBody, preflight};
use crate::settings::Settings;
use crate::unread::{Full, Unread};

const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What all requests share.
pub struct Context {
    pub services: Vec<Hosted>,
    pub gate: Gate,
    pub clock: Arc<dyn Clock>,
    pub monitor: Arc<dyn Monitor>,
    pub dev: Option<Dev>,
    pub settings: Settings,
    pub budget: Budget,
    /// See [`inlet::rooms`](crate::inlet::rooms).
    pub buffers: Arc<Semaphore>,
    pub unread: Unread,
    /// True once the gateway takes no more requests.
    pub stop: watch::Receiver<bool>,
    /// A stopping gateway waits until the last clone is gone: this one goes with the last connection, others belong
    /// to operations that go on without theirs.
    pub drain: mpsc::Sender<Infallible>,
}

impl Context {
    /// The services that speak a protocol: see [`api::service::protocol`].
    pub fn speakers(&self, protocol: &str) -> impl Iterator<Item = &Hosted> {
        self.services.iter().filter(move |hosted| hosted.model.speaks(protocol))
    }

    /// An operation of a service that speaks the protocol, by the service's name in targets.
    pub fn find(&self, protocol: &str, prefix: &str, operation: &str) -> Option<(&Hosted, &'static OperationModel)> {
        let hosted = self.speakers(protocol).find(|hosted| hosted.model.target_prefix == prefix)?;
        Some((hosted, hosted.model.operation(operation)?))
    }

    pub fn caller(&self, head: &Parts, body: &[u8], service: &ServiceModel) -> Result<Caller, AuthError> {
        self.gate.caller(head, body, service, self.clock.now(), &self.settings)
    }

    /// The status, name and text of an error that the control API wants in place of an answer.
    pub fn injected(&self, operation: &OperationModel) -> Option<(u16, &'static str, &'static str)> {
        self.dev.as_ref()?.faults.draw(operation)
    }
}

/// Answers one request; a panic on the way is an answer too.
pub async fn answer(
    context: Arc<Context>,
    activity: Arc<Activity>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let began = Instant::now();
    let running = activity.request();
    let id = RequestId::random();
    let (head, body) = request.into_parts();
    let origin = Origin::of(&head.headers, context.gate.is_closed());
    if head.method == Method::OPTIONS && origin == Origin::Allowed {
        return Ok(preflight(&head.headers));
    }
    if origin == Origin::Refused {
        let words = "without authentication, pages of this machine only\n";
        return Ok(Reply::plain(403, "ForeignPage", TEXT, words).into_response(&id, origin, head.version));
    }
    let mut request_bytes = 0;
    let routed = AssertUnwindSafe(route(&context, &head, body, running, id, &mut request_bytes)).catch_unwind().await;
    let reply = routed.unwrap_or_else(|_| {
        error!(target = ?head.headers.get("x-amz-target"), "a request panicked");
        Exchange::unknown(&head, id).failure(&Problem::new(500, "InternalFailure", None))
    });
    let finished = Finished {
        operation: reply.operation,
        code: reply.code,
        status: reply.status,
        elapsed: began.elapsed(),
        request_bytes,
        reply_bytes: reply.body_bytes(),
    };
    context.monitor.finished(&finished);
    debug!(operation = finished.operation, code = finished.code, elapsed = ?finished.elapsed, "answered");
    Ok(reply.into_response(&id, origin, head.version))
}

async fn route(
    context: &Context,
    head: &Parts,
    body: Incoming,
    mut running: Running,
    id: RequestId,
    request_bytes: &mut usize,
) -> Reply {
    if matches!(head.method, Method::GET | Method::HEAD)
        && let Some(reply) = operators_page(context, head.uri.path())
    {
        return reply;
    }
    let held = match body_in::read(context, head, body, &running).await {
        Ok(held) => held,
        Err(error) => return Exchange::unknown(head, id).without_body(error).closing(),
    };
    running.arrived();
    *request_bytes = held.bytes.len();
    if let Some(dev) = &context.dev
        && let Some(path) = head.uri.path().strip_prefix(crate::dev::PREFIX)
    {
        return dev.answer(head, path, &held.bytes, &context.services).await;
    }
    call::answer(context, head, held, running, id).await
}

fn operators_page(context: &Context, path: &str) -> Option<Reply> {
    match path {
        "/livez" => Some(Reply::plain(200, "OK", TEXT, "ok\n")),
        "/readyz" => Some(match context.monitor.ready() {
            _ if *context.stop.borrow() => Reply::plain(503, "NotReady", TEXT, "stopping\n"),
            Ok(()) => Reply::plain(200, "OK", TEXT, "ok\n"),
            Err(reason) => Reply::plain(503, "NotReady", TEXT, format!("{reason}\n")),
        }),
        "/metrics" if context.unread.is_full() => Some(Reply::plain(503, "SlowDown", TEXT, "no memory for answers\n")),
        "/metrics" => {
            let text = context.unread.hold(context.monitor.metrics().into_bytes());
            Some(text.map_or_else(
                |Full| Reply::plain(503, "SlowDown", TEXT, "no memory for this answer\n"),
                |text| Reply::plain(200, "OK", METRICS, text),
            ))
        }
        _ => None,
    }
}
