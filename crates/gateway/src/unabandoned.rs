//! An operation that has begun is run to its end, even when its client has gone.

use std::pin::Pin;
use std::task::{Context, Poll};

use base::BoxFuture;

/// Hands its future to a task of its own when it is dropped half way.
pub struct Unabandoned<T: Send + 'static> {
    /// `None` once it has ended, or panicked.
    running: Option<BoxFuture<'static, T>>,
    begun: bool,
}

impl<T: Send + 'static> Unabandoned<T> {
    pub fn new(running: BoxFuture<'static, T>) -> Self {
        Self { running: Some(running), begun: false }
    }
}

impl<T: Send + 'static> Future for Unabandoned<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        // Taken out, so that a future that panics is not run again.
        let mut running = self.running.take().expect("a future is not polled after its end");
        let poll = running.as_mut().poll(context);
        if poll.is_pending() {
            self.running = Some(running);
        }
        poll
    }
}

impl<T: Send + 'static> Drop for Unabandoned<T> {
    fn drop(&mut self) {
        if let (true, Some(running), Ok(runtime)) =
            (self.begun, self.running.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(running);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_has_begun_ends() {
        let (go, gone) = oneshot::channel::<()>();
        let (done, end) = oneshot::channel::<()>();
        let work = Unabandoned::new(Box::pin(async move {
            let _ = gone.await;
            let _ = done.send(());
        }));
        assert!(tokio::time::timeout(Duration::from_millis(1), work).await.is_err(), "waits and is dropped");
        go.send(()).expect("still running");
        end.await.expect("ran to its end");
    }

    #[tokio::test]
    async fn what_has_not_begun_never_runs() {
        let (done, end) = oneshot::channel::<()>();
        drop(Unabandoned::new(Box::pin(async move {
            let _ = done.send(());
        })));
        assert!(end.await.is_err());
    }
}
