//! What a connection is doing, as its watchdog sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Limits;

/// How long a connection that was asked to end may take to send what is left.
const FAREWELL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Activity {
    opened: Instant,
    /// Requests that have begun.
    requests: AtomicUsize,
    /// Requests whose answer is not complete, event streams among them.
    running: AtomicUsize,
    /// Those of them that have not arrived whole.
    arriving: AtomicUsize,
    streaming: AtomicUsize,
    /// When the last request began or ended, or an event stream was last asked for more.
    touched_millis: AtomicU64,
}

/// What the watchdog should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Look again then.
    Wait(Instant),
    /// Ask the connection to end, politely.
    Finish,
    /// The connection holds us up.
    Drop,
}

impl Activity {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            requests: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            arriving: AtomicUsize::new(0),
            streaming: AtomicUsize::new(0),
            touched_millis: AtomicU64::new(0),
        })
    }

    /// Notes a request until the guard is dropped.
    pub fn request(self: &Arc<Self>) -> Running {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        self.arriving.fetch_add(1, Ordering::Relaxed);
        self.touch();
        Running { activity: Arc::clone(self), has_arrived: false }
    }

    /// How many requests have begun.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether a request is not answered completely.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    pub fn touch(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.touched_millis.store(millis, Ordering::Relaxed);
    }

    /// When the watchdog should look for the first time.
    pub fn first_look(&self, limits: &Limits) -> Instant {
        self.opened + limits.first_request
    }

    /// `asked`: when the connection was asked to end, if it was.
    pub fn verdict(&self, now: Instant, limits: &Limits, asked: Option<Instant>) -> Verdict {
        let touched = self.opened + Duration::from_millis(self.touched_millis.load(Ordering::Relaxed));
        let running = self.running.load(Ordering::Relaxed);
        if self.requests() == 0 {
            let first = self.opened + limits.first_request;
            return due(now, asked.map_or(first, |at| first.min(at + limits.last_request)), Verdict::Drop);
        }
        if running == 0 {
            return match asked {
                None => due(now, touched + limits.idle, Verdict::Finish),
                Some(at) => due(now, at.max(touched) + FAREWELL, Verdict::Drop),
            };
        }
        if let Some(at) = asked {
            // A client that holds back the rest of its request must not hold up the end.
            let none_has_arrived = running <= self.arriving.load(Ordering::Relaxed);
            let patience = at.max(touched) + limits.last_request;
            return if none_has_arrived {
                due(now, patience, Verdict::Drop)
            } else {
                Verdict::Wait(now + limits.last_request)
            };
        }
        if self.streaming.load(Ordering::Relaxed) > 0 {
            return due(now, touched + limits.stall, Verdict::Drop);
        }
        Verdict::Wait(now + limits.stall)
    }
}

fn due(now: Instant, at: Instant, verdict: Verdict) -> Verdict {
    if now >= at { verdict } else { Verdict::Wait(at) }
}

/// A request whose answer is not complete.
#[derive(Debug)]
pub struct Running {
    activity: Arc<Activity>,
    has_arrived: bool,
}

impl Running {
    /// The request has arrived whole.
    pub fn arrived(&mut self) {
        if !std::mem::replace(&mut self.has_arrived, true) {
            self.activity.arriving.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Notes what is still to come of a request that was answered before all of it had arrived.
    pub fn remainder(&self) -> Self {
        self.activity.request()
    }

    /// Goes on as an event stream.
    pub fn stream(self) -> Streaming {
        self.activity.streaming.fetch_add(1, Ordering::Relaxed);
        Streaming(self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.arrived();
        self.activity.running.fetch_sub(1, Ordering::Relaxed);
        self.activity.touch();
    }
}

/// An event stream whose last event has not been sent.
#[derive(Debug)]
pub struct Streaming(Running);

impl Streaming {
    /// The connection asks for more.
    pub fn touch(&self) {
        self.0.activity.touch();
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.activity.streaming.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_knows_idle_from_busy() {
        let limits = Limits::default();
        let activity = Activity::new();
        let after = |d: Duration| Instant::now() + d;
        assert_eq!(activity.verdict(after(limits.first_request), &limits, None), Verdict::Drop);
        let at_once = Some(Instant::now());
        assert_eq!(activity.verdict(after(limits.last_request), &limits, at_once), Verdict::Drop, "nothing was sent");
        let mut running = activity.request();
        assert!(matches!(activity.verdict(after(limits.idle * 2), &limits, None), Verdict::Wait(_)));
        assert!(matches!(activity.verdict(Instant::now(), &limits, at_once), Verdict::Wait(_)));
        assert_eq!(activity.verdict(after(limits.last_request), &limits, at_once), Verdict::Drop, "half was sent");
        running.arrived();
        assert!(matches!(activity.verdict(after(limits.idle * 2), &limits, at_once), Verdict::Wait(_)));
        let streaming = running.stream();
        assert_eq!(activity.verdict(after(limits.stall), &limits, None), Verdict::Drop);
        tokio::time::advance(limits.stall).await;
        streaming.touch();
        assert!(matches!(activity.verdict(Instant::now(), &limits, None), Verdict::Wait(_)));
        drop(streaming);
        assert!(matches!(activity.verdict(Instant::now(), &limits, None), Verdict::Wait(_)));
        assert_eq!(activity.verdict(after(limits.idle), &limits, None), Verdict::Finish);
        let asked = Some(Instant::now());
        assert_eq!(activity.verdict(after(FAREWELL), &limits, asked), Verdict::Drop);
    }
}
