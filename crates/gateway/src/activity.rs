//! What a connection is doing, as its watchdog sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Limits;

/// How long a connection that was asked to end may take to send what is left.
const FAREWELL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Activity {
    opened: Instant,
    has_requested: AtomicBool,
    /// Requests whose answer is not complete, event streams among them.
    running: AtomicUsize,
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
            has_requested: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            streaming: AtomicUsize::new(0),
            touched_millis: AtomicU64::new(0),
        })
    }

    /// Notes a request until the guard is dropped.
    pub fn request(self: &Arc<Self>) -> Running {
        self.has_requested.store(true, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        self.touch();
        Running(Arc::clone(self))
    }

    pub fn touch(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.touched_millis.store(millis, Ordering::Relaxed);
    }

    /// When the watchdog should look for the first time.
    pub fn first_look(&self, limits: &Limits) -> Instant {
        self.opened + limits.first_request
    }

    /// `asked` is whether the connection has been asked to end.
    pub fn verdict(&self, now: Instant, limits: &Limits, asked: Option<Instant>) -> Verdict {
        let touched = self.opened + Duration::from_millis(self.touched_millis.load(Ordering::Relaxed));
        if !self.has_requested.load(Ordering::Relaxed) {
            return due(now, self.opened + limits.first_request, Verdict::Drop);
        }
        if self.running.load(Ordering::Relaxed) == 0 {
            return match asked {
                None => due(now, touched + limits.idle, Verdict::Finish),
                Some(at) => due(now, at.max(touched) + FAREWELL, Verdict::Drop),
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
pub struct Running(Arc<Activity>);

impl Running {
    /// Goes on as an event stream.
    pub fn stream(self) -> Streaming {
        self.0.streaming.fetch_add(1, Ordering::Relaxed);
        Streaming(self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.touch();
    }
}

/// An event stream whose last event has not been sent.
#[derive(Debug)]
pub struct Streaming(Running);

impl Streaming {
    /// The connection asks for more.
    pub fn touch(&self) {
        self.0.0.touch();
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.0.streaming.fetch_sub(1, Ordering::Relaxed);
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
        let running = activity.request();
        assert!(matches!(activity.verdict(after(limits.idle * 2), &limits, None), Verdict::Wait(_)));
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
