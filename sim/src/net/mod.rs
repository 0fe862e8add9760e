//! A network between some clients and one server: connections with seeded delays, cuts and resets.
//!
//! Bytes of a connection arrive in order, like TCP's. While a link is cut they wait; a reset loses what is under way,
//! or lets it arrive first.

mod pipe;
mod stream;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use base::BoxFuture;
use client::{Connect, Endpoint, Socket};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};

use self::pipe::Pipe;
pub use self::stream::SimStream;
use crate::random::Random;

/// How long bytes take.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    pub latency_millis_max: u64,
    /// Of a hundred pieces, so many take a hundred times as long.
    pub spikes_percent: u64,
    /// Of a hundred writes, so many are taken in part only.
    pub partial_percent: u64,
}

/// Which way of a link is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    ToServer,
    ToClient,
    Both,
}

pub struct Net {
    state: Mutex<State>,
    /// Told when a link is whole again.
    healed: Notify,
}

struct State {
    random: Random,
    conditions: Conditions,
    /// Takes the connections for the server, while it is up.
    listener: Option<mpsc::Sender<SimStream>>,
    /// By client.
    cuts: Vec<Option<Cut>>,
    connections: Vec<Connection>,
}

/// The two ways of a connection.
struct Connection {
    client: usize,
    to_server: Weak<Mutex<Pipe>>,
    to_client: Weak<Mutex<Pipe>>,
}

impl Net {
    #[must_use]
    pub fn new(random: Random, conditions: Conditions, clients: usize) -> Arc<Self> {
        let cuts = vec![None; clients];
        let state = State { random, conditions, listener: None, cuts, connections: Vec::new() };
        Arc::new(Self { state: Mutex::new(state), healed: Notify::new() })
    }

    /// The server takes connections from now on.
    pub fn listen(&self, listener: mpsc::Sender<SimStream>) {
        self.state().listener = Some(listener);
    }

    /// The server takes no more connections; those that are open go on.
    pub fn stop_listening(&self) {
        self.state().listener = None;
    }

    /// The server is gone at once: all its connections are reset.
    pub fn crash_server(&self) {
        let mut state = self.state();
        state.listener = None;
        state.reset_all(|_| true);
    }

    /// Resets the connections of one client.
    pub fn reset(&self, client: usize) {
        self.state().reset_all(|connection| connection.client == client);
    }

    pub fn cut(&self, client: usize, cut: Cut) {
        let mut state = self.state();
        state.cuts[client] = Some(cut);
        state.apply_cut(client);
    }

    pub fn heal(&self, client: usize) {
        let mut state = self.state();
        state.cuts[client] = None;
        state.apply_cut(client);
        drop(state);
        self.healed.notify_waiters();
    }

    /// Opens connections of one client.
    #[must_use]
    pub fn connector(self: &Arc<Self>, client: usize) -> Arc<dyn Connect> {
        Arc::new(Connector { net: Arc::clone(self), client })
    }

    /// How long the next piece takes.
    fn latency(&self) -> Duration {
        self.state().latency()
    }

    /// How much of a write is taken.
    fn taken(&self, len: usize) -> usize {
        let mut state = self.state();
        let percent = state.conditions.partial_percent;
        if len > 1 && state.random.percent(percent) { 1 + state.random.index(len - 1) } else { len }
    }

    async fn connect(self: &Arc<Self>, client: usize) -> io::Result<SimStream> {
        sleep(self.latency()).await;
        loop {
            let healed = self.healed.notified();
            if self.state().cuts[client].is_none() {
                break;
            }
            healed.await;
        }
        let (to_server, to_client) = (Pipe::new(), Pipe::new());
        let ours = SimStream::new(Arc::clone(self), Arc::clone(&to_client), Arc::clone(&to_server));
        let theirs = SimStream::new(Arc::clone(self), Arc::clone(&to_server), Arc::clone(&to_client));
        let mut state = self.state();
        let given = state.listener.as_ref().is_some_and(|listener| listener.try_send(theirs).is_ok());
        if !given {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        state.connections.retain(|connection| connection.to_client.strong_count() > 0);
        let connection =
            Connection { client, to_server: Arc::downgrade(&to_server), to_client: Arc::downgrade(&to_client) };
        state.connections.push(connection);
        Ok(ours)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn latency(&mut self) -> Duration {
        let millis = self.random.range(0..=self.conditions.latency_millis_max);
        let spike = self.random.percent(self.conditions.spikes_percent);
        Duration::from_millis(if spike { millis * 100 } else { millis })
    }

    fn reset_all(&mut self, which: impl Fn(&Connection) -> bool) {
        let mut connections = std::mem::take(&mut self.connections);
        connections.retain(|connection| {
            if !which(connection) {
                return true;
            }
            let arrives = self.random.percent(50);
            let at = Instant::now() + self.latency();
            for (pipe, keeps) in [(&connection.to_server, false), (&connection.to_client, arrives)] {
                if let Some(pipe) = pipe.upgrade() {
                    pipe::lock(&pipe).reset(at, keeps);
                }
            }
            false
        });
        self.connections = connections;
    }

    fn apply_cut(&self, client: usize) {
        let cut = self.cuts[client];
        for connection in self.connections.iter().filter(|connection| connection.client == client) {
            let to_server = matches!(cut, Some(Cut::ToServer | Cut::Both));
            let to_client = matches!(cut, Some(Cut::ToClient | Cut::Both));
            for (pipe, is_cut) in [(&connection.to_server, to_server), (&connection.to_client, to_client)] {
                if let Some(pipe) = pipe.upgrade() {
                    pipe::lock(&pipe).set_cut(is_cut);
                }
            }
        }
    }
}

struct Connector {
    net: Arc<Net>,
    client: usize,
}

impl Connect for Connector {
    fn connect<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Socket>>> {
        Box::pin(async { Ok(Box::new(self.net.connect(self.client).await?) as Box<dyn Socket>) })
    }
}
