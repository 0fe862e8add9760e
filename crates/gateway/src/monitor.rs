//! What the gateway tells its operator, and asks about the node.

use std::time::Duration;

/// One answered request.
#[derive(Debug, Clone, Copy)]
pub struct Finished {
    /// `None` when the request named no operation of ours.
    pub operation: Option<&'static str>,
    /// The error's name on the wire; `OK` when there was none.
    pub code: &'static str,
    pub status: u16,
    /// From the last byte of the head to the answer, or to the first byte of an event stream.
    pub elapsed: Duration,
    pub request_bytes: usize,
    /// 0 for an event stream, whose length is not known yet.
    pub reply_bytes: usize,
}

/// Sees what passes, and knows how the node is. Called on every request: must not wait.
pub trait Monitor: Send + Sync {
    fn finished(&self, request: &Finished);
    fn connection_opened(&self);
    fn connection_closed(&self);

    /// # Errors
    /// Why the node should get no requests now: the body of `/readyz`.
    fn ready(&self) -> Result<(), String>;

    /// The body of `/metrics`, in OpenMetrics' text format, which Prometheus reads.
    fn metrics(&self) -> String;
}
