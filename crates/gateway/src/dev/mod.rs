//! The control API of `--dev`, under `/_anabranch/dev/`: reset, move the clock, inject errors.
//!
//! Served without authentication, so only ever on loopback listeners; pages in browsers are refused.

mod faults;
mod fields;

use std::sync::Arc;
use std::time::Duration;

use api::service::Service;
use base::BoxFuture;
use base::time::Timestamp;
use http::request::Parts;
use http::{Method, header};
use serde_json::{Value, json};

pub use faults::{Fault, Faults};

use crate::call::Hosted;
use crate::reply::Reply;

/// Of the paths that belong to this API.
pub const PREFIX: &str = "/_anabranch/dev/";
const JSON: &str = "application/json";
/// The clock moves at most this far at once: ten years.
const ADVANCE_SECONDS_MAX: f64 = 10.0 * 366.0 * 86_400.0;

/// What the control API may do to the node.
pub trait DevControl: Send + Sync {
    /// Starts afresh: answers services that know nothing and take the places of those of the same model.
    fn reset(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Service>>, String>>;
    /// Moves the node's clock forward, and lets happen what that makes due.
    fn advance(&self, by: Duration) -> BoxFuture<'_, ()>;
    fn now(&self) -> Timestamp;
}

/// The control API.
pub struct Dev {
    control: Arc<dyn DevControl>,
    pub faults: Faults,
}

impl Dev {
    pub fn new(control: Arc<dyn DevControl>) -> Self {
        Self { control, faults: Faults::default() }
    }

    /// `path` is what follows [`PREFIX`].
    pub async fn answer(&self, head: &Parts, path: &str, body: &[u8], hosts: &[Hosted]) -> Reply {
        if head.headers.contains_key(header::ORIGIN) {
            return refused(403, "the control API is not for pages in browsers");
        }
        let is_operation = |name: &str| hosts.iter().any(|hosted| hosted.model.operation(name).is_some());
        match (&head.method, path) {
            (&Method::POST, "reset") | (&Method::DELETE, "faults") if !is_empty(body) => {
                refused(400, "this request takes no fields: it is about everything")
            }
            (&Method::POST, "reset") => match self.control.reset().await {
                Ok(services) => {
                    for service in services {
                        if let Some(hosted) = hosts.iter().find(|hosted| hosted.model.name == service.model().name) {
                            hosted.replace(service);
                        }
                    }
                    self.faults.clear();
                    self.state()
                }
                Err(reason) => refused(500, &reason),
            },
            (&Method::POST, "clock/advance") => match seconds(body) {
                Ok(by) => {
                    self.control.advance(by).await;
                    self.state()
                }
                Err(reason) => refused(400, &reason),
            },
            (&Method::PUT, "faults") => match Fault::parse(body, is_operation).and_then(|fault| self.faults.put(fault))
            {
                Ok(()) => self.state(),
                Err(reason) => refused(400, &reason),
            },
            (&Method::DELETE, "faults") => {
                self.faults.clear();
                self.state()
            }
            (&Method::GET, "state") => self.state(),
            _ => refused(404, "POST reset, POST clock/advance, PUT faults, DELETE faults, GET state"),
        }
    }

    fn state(&self) -> Reply {
        let now = self.control.now();
        answer(200, &json!({ "now": now.millis() as f64 / 1000.0, "faults": self.faults.to_json() }))
    }
}

/// Nothing, or an object without fields. With fields it would be a wish to reset or to end a part, which there is not.
fn is_empty(body: &[u8]) -> bool {
    body.is_empty() || fields::fields(body, &[]).is_ok()
}

fn seconds(body: &[u8]) -> Result<Duration, String> {
    let fields = fields::fields(body, &["seconds"])?;
    let seconds = fields.get("seconds").and_then(Value::as_f64).filter(|s| (0.0..=ADVANCE_SECONDS_MAX).contains(s));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        format!(
            "the body must be like {{\"seconds\": 300}}, from 0 to {ADVANCE_SECONDS_MAX}: the clock moves forward only"
        )
    })
}

fn refused(status: u16, message: &str) -> Reply {
    answer(status, &json!({ "message": message }))
}

fn answer(status: u16, value: &Value) -> Reply {
    let code = if status == 200 { "OK" } else { "Refused" };
    Reply::plain(status, code, JSON, format!("{value}\n"))
}
