//! The operator of the server: starts it, starts it again when it has died or failed, and stops it when told to.

use std::sync::Arc;
use std::time::Duration;

use store_local::OpenError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::random::Random;
use crate::server::{Server, StartError};
use crate::world::World;

/// How often the operator looks whether the server needs a restart.
pub const LOOK: Duration = Duration::from_millis(500);
/// Starts that may fail one after the other.
const STARTS_MAX: usize = 200;

/// Stop the server in order and start it again; a bit on the disk may flip meanwhile. Answered when it serves.
struct Restart {
    flips: bool,
    done: oneshot::Sender<()>,
}

/// A way to talk to the operator.
#[derive(Clone)]
pub struct Operator {
    wishes: mpsc::UnboundedSender<Restart>,
    serving: watch::Receiver<bool>,
}

impl Operator {
    /// Begins to run the server. What the operator cannot mend is sent to `violations`.
    #[must_use]
    pub fn begin(world: &Arc<World>, violations: mpsc::UnboundedSender<String>) -> Self {
        let (wishes, wished) = mpsc::unbounded_channel();
        let (serves, serving) = watch::channel(false);
        let work = Work {
            world: Arc::clone(world),
            random: world.random.fork("operator"),
            crashes: world.crashes(),
            wished,
            serves,
            violations,
        };
        tokio::spawn(work.run());
        Self { wishes, serving }
    }

    /// Stops the server in order and starts it again.
    pub async fn restart(&self, flips: bool) {
        let (done, restarted) = oneshot::channel();
        if self.wishes.send(Restart { flips, done }).is_ok() {
            // The operator may have given up.
            let _ = restarted.await;
        }
    }

    /// Waits until the server serves.
    pub async fn serving(&self) {
        // The operator may have given up.
        let _ = self.serving.clone().wait_for(|serving| *serving).await;
    }
}

struct Work {
    world: Arc<World>,
    random: Random,
    crashes: watch::Receiver<u64>,
    wished: mpsc::UnboundedReceiver<Restart>,
    serves: watch::Sender<bool>,
    violations: mpsc::UnboundedSender<String>,
}

/// Why a server is no more.
enum End {
    Crashed,
    Failed(String),
    Wished(Restart),
}

impl Work {
    async fn run(mut self) {
        let mut waiting: Option<oneshot::Sender<()>> = None;
        loop {
            let Some(server) = self.start().await else { return };
            self.serves.send_replace(true);
            if let Some(done) = waiting.take() {
                // Whoever asked may have gone away.
                let _ = done.send(());
            }
            let end = self.watch(&server).await;
            self.serves.send_replace(false);
            match end {
                End::Crashed => drop(server),
                End::Failed(reason) => {
                    self.world.note("operator", format_args!("restarts the server: {reason}"));
                    self.stop(server).await;
                }
                End::Wished(Restart { flips, done }) => {
                    // After any other end, damage at the end of the log looks like a write that was cut short.
                    let is_in_order = self.stop(server).await;
                    if flips
                        && is_in_order
                        && let Some(what) = self.world.disk.flip_a_bit()
                    {
                        self.world.note("operator", format_args!("{what} flips"));
                    }
                    waiting = Some(done);
                }
            }
            let pause = self.random.millis(1..=2_000);
            sleep(pause).await;
        }
    }

    /// Stops the server in order; a crash meanwhile is an end too. Answers which it was.
    async fn stop(&mut self, server: Server) -> bool {
        self.world.note("operator", format_args!("stops the server"));
        let world = Arc::clone(&self.world);
        let is_in_order = tokio::select! {
            biased;
            _ = self.crashes.changed() => false,
            is_in_order = server.shut_down(&world) => is_in_order,
        };
        self.crashes.mark_unchanged();
        is_in_order
    }

    /// Waits for the end of a server.
    async fn watch(&mut self, server: &Server) -> End {
        loop {
            tokio::select! {
                biased;
                _ = self.crashes.changed() => return End::Crashed,
                Some(restart) = self.wished.recv() => return End::Wished(restart),
                () = sleep(LOOK) => {}
            }
            if let Some(reason) = server.failed() {
                return End::Failed(reason);
            }
        }
    }

    /// Starts the server, however often it takes; `None` when that makes no sense any more.
    async fn start(&mut self) -> Option<Server> {
        for _ in 0..STARTS_MAX {
            self.crashes.mark_unchanged();
            let world = Arc::clone(&self.world);
            let started = tokio::select! {
                biased;
                _ = self.crashes.changed() => None,
                started = Server::start(&world) => Some(started),
            };
            match started {
                None => world.note("operator", format_args!("the server dies while it starts")),
                Some(Ok(server)) => {
                    world.note("operator", format_args!("the server has started"));
                    return Some(server);
                }
                Some(Err(error)) => {
                    world.note("operator", format_args!("the server does not start: {error}"));
                    // What is left of it is gone.
                    world.kill();
                    self.judge(&error)?;
                }
            }
            let pause = self.random.millis(100..=3_000);
            sleep(pause).await;
        }
        self.give_up(format!("the server does not start in {STARTS_MAX} attempts"))
    }

    /// Whether the server may refuse to start for this reason; mends the disk if that was it.
    fn judge(&mut self, error: &StartError) -> Option<()> {
        let is_damage = match error {
            StartError::Log(OpenError::Io { .. } | OpenError::Segments(_)) => false,
            StartError::Log(_) => true,
            StartError::Streams(streams::StartError::Catalog(_)) => false,
            StartError::Streams(_) => true,
        };
        if !is_damage {
            return Some(());
        }
        if self.world.disk.mend() {
            self.world.note("operator", format_args!("mends the disk"));
            return Some(());
        }
        self.give_up(format!("the server does not start, and nothing was done to the disk: {error}"))
    }

    fn give_up<T>(&self, why: String) -> Option<T> {
        // Whoever listens has all violations already, or none.
        let _ = self.violations.send(why);
        None
    }
}

/// Waits for the server to serve, but not for ever.
pub async fn served(operator: &Operator, at_most: Duration) -> bool {
    timeout(at_most, operator.serving()).await.is_ok()
}
