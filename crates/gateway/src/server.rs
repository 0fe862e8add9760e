//! The listeners, and how they stop.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use api::service::Service;
use base::caller::CredentialSource;
use base::limits::MIB;
use base::time::Clock;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::budget::Budget;
use crate::call::Hosted;
use crate::connection::{self, Counted};
use crate::dev::{Dev, DevControl};
use crate::identity::Gate;
use crate::inlet;
use crate::monitor::Monitor;
use crate::router::Context;
use crate::settings::Settings;
use crate::unread::Unread;

/// What clients choose from by ALPN; who offers nothing is understood by the first bytes.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// After the system refused to accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Large buffers of connections may take one part in so many of what the bodies of requests may.
const BUFFERS_SHARE: usize = 4;
/// What operations answer at most: 16 MiB of items, as text.
const ANSWER_BYTES_MAX: usize = 32 * MIB;
/// Connections that are accepted before it is the turn of those that are open.
const ACCEPTS_IN_A_ROW: usize = 16;
/// For operations to end whose connections were cut.
const LAST_OPERATIONS: Duration = Duration::from_secs(1);

/// What a gateway is made of.
pub struct Parts {
    pub services: Vec<Arc<dyn Service>>,
    /// `None`: authentication is off.
    pub credentials: Option<Arc<dyn CredentialSource>>,
    /// The time by which signatures are judged.
    pub clock: Arc<dyn Clock>,
    pub monitor: Arc<dyn Monitor>,
    /// `Some`: the control API is served, to everybody.
    pub dev: Option<Arc<dyn DevControl>>,
    pub settings: Settings,
}

/// Bound sockets.
pub struct Listeners {
    pub plain: TcpListener,
    /// ALPN is the gateway's to set.
    pub tls: Option<(TcpListener, Arc<ServerConfig>)>,
}

/// The running listeners.
pub struct Gateway {
    stop: watch::Sender<bool>,
    acceptors: Vec<JoinHandle<JoinSet<()>>>,
    /// Ends when nothing is being served any more.
    drained: mpsc::Receiver<Infallible>,
}

impl Gateway {
    /// Serves from now on. Must be called in a tokio runtime.
    #[must_use]
    pub fn start(parts: Parts, listeners: Listeners) -> Self {
        let (acceptor, stop, drained) = Acceptor::new(parts);
        let mut acceptors = Vec::new();
        if let Some((listener, config)) = listeners.tls {
            let mut config = ServerConfig::clone(&config);
            config.alpn_protocols = ALPN.map(<[u8]>::to_vec).into();
            let tls = TlsAcceptor::from(Arc::new(config));
            acceptors.push(tokio::spawn(acceptor.clone().run(listener, Some(tls))));
        }
        acceptors.push(tokio::spawn(acceptor.run(listeners.plain, None)));
        Self { stop, acceptors, drained }
    }

    /// As [`Gateway::start`], for connections that somebody else accepts, over whatever they run: a simulation's
    /// network, say. Dropping the gateway and the sender cuts all connections.
    #[must_use]
    pub fn start_over<I>(parts: Parts, connections: mpsc::Receiver<I>) -> Self
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (acceptor, stop, drained) = Acceptor::new(parts);
        Self { stop, acceptors: vec![tokio::spawn(acceptor.run_given(connections))], drained }
    }

    /// Accepts no more, ends event streams, lets idle connections go and waits for the others for `patience`;
    /// then cuts them.
    pub async fn shutdown(mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.stop.send_replace(true);
        let mut connections = Vec::new();
        for acceptor in self.acceptors {
            connections.extend(acceptor.await);
        }
        if timeout_at(deadline, self.drained.recv()).await.is_ok() {
            return;
        }
        let left: usize = connections.iter().map(JoinSet::len).sum();
        info!(connections = left, "connections are cut because they did not end in time");
        drop(connections);
        if timeout_at(Instant::now() + LAST_OPERATIONS, self.drained.recv()).await.is_err() {
            warn!("operations are left to themselves because they did not end in time");
        }
    }
}

/// What the listeners share.
#[derive(Clone)]
struct Acceptor {
    context: Arc<Context>,
    builder: Arc<Builder<TokioExecutor>>,
    slots: Arc<Semaphore>,
}

impl Acceptor {
    /// With what stops it, and what ends when nothing is being served any more.
    fn new(parts: Parts) -> (Self, watch::Sender<bool>, mpsc::Receiver<Infallible>) {
        let (stop, stopped) = watch::channel(false);
        let (drain, drained) = mpsc::channel(1);
        let limits = parts.settings.limits;
        let context = Arc::new(Context {
            services: parts.services.into_iter().map(Hosted::new).collect(),
            gate: Gate::new(parts.credentials),
            clock: parts.clock,
            monitor: parts.monitor,
            dev: parts.dev.map(Dev::new),
            budget: Budget::new(limits.body_memory_bytes.max(limits.body_bytes_max), limits.body_bytes_max),
            buffers: inlet::rooms(limits.body_memory_bytes / BUFFERS_SHARE),
            unread: Unread::new(limits.body_memory_bytes, ANSWER_BYTES_MAX),
            settings: parts.settings,
            stop: stopped,
            drain,
        });
        let acceptor = Self {
            context,
            builder: Arc::new(connection::builder(limits.idle)),
            slots: Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS))),
        };
        (acceptor, stop, drained)
    }

    /// As [`Acceptor::run`], until no more connections are given.
    async fn run_given<I>(self, mut given: mpsc::Receiver<I>) -> JoinSet<()>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connections = JoinSet::new();
        let mut stop = self.context.stop.clone();
        loop {
            let io = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return connections,
                io = given.recv() => io,
            };
            while connections.try_join_next().is_some() {}
            let Some(io) = io else { return connections };
            let counted = Counted::new(Arc::clone(&self.context));
            let (context, builder) = (Arc::clone(&self.context), Arc::clone(&self.builder));
            connections.spawn(async move {
                connection::serve(io, context, builder).await;
                drop(counted);
            });
        }
    }

    /// Answers the connections that are open when the gateway stops.
    async fn run(self, listener: TcpListener, tls: Option<TlsAcceptor>) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        let mut stop = self.context.stop.clone();
        for turn in 1_usize.. {
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return connections,
                accepted = self.accept(&listener) => accepted,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((socket, slot)) => {
                    connections.spawn(self.clone().serve(socket, slot, tls.clone()));
                }
                Err(error) => {
                    warn!(%error, "no connection can be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
            if turn.is_multiple_of(ACCEPTS_IN_A_ROW) {
                yield_now().await;
            }
        }
        connections
    }

    async fn accept(&self, listener: &TcpListener) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
        let slot = match Arc::clone(&self.slots).acquire_owned().await {
            Ok(slot) => slot,
            // The semaphore is never closed.
            Err(_) => pending().await,
        };
        let (socket, _) = listener.accept().await?;
        // Answers are written whole; waiting to join them with more would only delay them.
        socket.set_nodelay(true)?;
        Ok((socket, slot))
    }

    async fn serve(self, socket: TcpStream, slot: OwnedSemaphorePermit, tls: Option<TlsAcceptor>) {
        let counted = Counted::new(self.context);
        let context = Arc::clone(&counted.context);
        match tls {
            Some(tls) => connection::serve_tls(socket, tls, context, self.builder).await,
            None => connection::serve(socket, context, self.builder).await,
        }
        drop((counted, slot));
    }
}
