//! Connections to the server, kept open for the next request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::connect::Connect;
use crate::endpoint::Endpoint;
use crate::failure::ClientError;

/// A connection that nobody used for so long is closed: the server may be about to do so.
const IDLE_MAX: Duration = Duration::from_secs(45);

pub(crate) struct Pool {
    endpoint: Endpoint,
    tls: Option<TlsConnector>,
    /// In place of the system's sockets.
    connector: Option<Arc<dyn Connect>>,
    connect_timeout: Duration,
    idle: Mutex<Vec<(Connection, Instant)>>,
    /// One for each open connection, idle ones too.
    permits: Arc<Semaphore>,
}

/// One connection, for one request at a time.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        endpoint: Endpoint,
        tls: Option<TlsConnector>,
        connector: Option<Arc<dyn Connect>>,
        connect_timeout: Duration,
        connections_max: usize,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(connections_max));
        Self { endpoint, tls, connector, connect_timeout, idle: Mutex::new(Vec::new()), permits }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends on an idle connection or a new one. The connection comes back with the answer's head: hand it to
    /// [`Pool::keep`] after the body has been read to its end.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let mut connection = match self.take().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let response = connection.sender.send_request(request).await.map_err(|error| self.broken(&error))?;
        Ok((response, connection))
    }

    pub(crate) fn keep(&self, connection: Connection) {
        if !connection.sender.is_closed() {
            self.lock().push((connection, Instant::now()));
        }
    }

    /// The text of what broke a connection.
    pub(crate) fn broken(&self, error: &dyn std::error::Error) -> ClientError {
        let reason = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        ClientError::Connection { endpoint: self.endpoint.to_string(), reason }
    }

    async fn take(&self) -> Option<Connection> {
        loop {
            let (mut connection, since) = self.lock().pop()?;
            if since.elapsed() < IDLE_MAX && connection.sender.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let failed = |reason: String| ClientError::Connect { endpoint: self.endpoint.to_string(), reason };
        let opened = timeout(self.connect_timeout, self.open()).await;
        let sender = opened
            .map_err(|_| failed(format!("no connection within {} s", self.connect_timeout.as_secs())))?
            .map_err(failed)?;
        Ok(Connection { sender, _permit: permit })
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        if let Some(connector) = &self.connector {
            let stream = connector.connect(&self.endpoint).await.map_err(|error| error.to_string())?;
            return Self::handshake(TokioIo::new(stream)).await;
        }
        let address = (self.endpoint.host(), self.endpoint.port());
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        // Requests are written whole, so waiting for more to send would only delay them.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let Some(tls) = &self.tls else {
            return Self::handshake(TokioIo::new(stream)).await;
        };
        let name = ServerName::try_from(self.endpoint.host().to_owned()).map_err(|error| error.to_string())?;
        let stream = tls.connect(name, stream).await.map_err(|error| error.to_string())?;
        Self::handshake(TokioIo::new(stream)).await
    }

    async fn handshake<I>(io: I) -> Result<SendRequest<Full<Bytes>>, String>
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(io).await.map_err(|error| error.to_string())?;
        // It ends when its sender is dropped or the server closes; whoever waits for an answer learns of errors.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
