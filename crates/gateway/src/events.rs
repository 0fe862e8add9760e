//! The body of an event stream: messages as they come, each sent at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use api::service::{Event, EventStream, Failure};
use base::{BoxFuture, Bytes};
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tracing::error;
use wire::{Protocol, event_stream};

use crate::activity::Streaming;

/// What a failure is called that no model names.
const INTERNAL_FAILURE: &str = "InternalFailureException";

enum State {
    /// Nothing has been sent.
    Fresh,
    Running,
    Ended,
}

/// Events as bytes, until the stream ends or fails or the gateway stops.
pub struct EventBody {
    events: EventStream<Box<dyn Event>, Failure>,
    protocol: Protocol,
    state: State,
    stopped: BoxFuture<'static, ()>,
    activity: Streaming,
}

impl EventBody {
    pub fn new(
        events: EventStream<Box<dyn Event>, Failure>,
        protocol: Protocol,
        mut stop: watch::Receiver<bool>,
        activity: Streaming,
    ) -> Self {
        let stopped = Box::pin(async move {
            // A gateway that is gone has stopped too.
            let _ = stop.wait_for(|stop| *stop).await;
        });
        Self { events, protocol, state: State::Fresh, stopped, activity }
    }

    /// The next message; `None` after the last.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.activity.touch();
        let mut out = Vec::new();
        match self.state {
            State::Ended => return Poll::Ready(None),
            State::Fresh => {
                self.state = State::Running;
                event_stream::encode_initial_response(&mut out, self.protocol);
                return Poll::Ready(Some(out.into()));
            }
            State::Running => {}
        }
        if self.stopped.poll_unpin(context).is_ready() {
            self.state = State::Ended;
            return Poll::Ready(None);
        }
        let events = &mut self.events;
        let polled = catch_unwind(AssertUnwindSafe(|| {
            events.as_mut().poll_next(context).map(|next| {
                next.map(|event| {
                    event.map(|event| {
                        event_stream::encode_event(&mut out, self.protocol, event.event_type(), &*event);
                    })
                })
            })
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Some(Ok(())))) => Poll::Ready(Some(out.into())),
            Ok(Poll::Ready(None)) => {
                self.state = State::Ended;
                Poll::Ready(None)
            }
            Ok(Poll::Ready(Some(Err(failure)))) => {
                Poll::Ready(Some(self.exception(failure.code(), failure.message().unwrap_or_default())))
            }
            Err(_) => {
                error!("an event stream panicked");
                Poll::Ready(Some(self.exception(INTERNAL_FAILURE, "")))
            }
        }
    }

    /// The last message of a stream that failed.
    fn exception(&mut self, code: &str, message: &str) -> Bytes {
        self.state = State::Ended;
        let mut out = Vec::new();
        event_stream::encode_exception(&mut out, self.protocol, code, message);
        out.into()
    }
}
