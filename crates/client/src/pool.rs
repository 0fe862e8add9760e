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
    idle: Mutex<Vec<(Sender, Instant)>>,
    /// One for each call under way.
    permits: Arc<Semaphore>,
}

type Sender = SendRequest<Full<Bytes>>;

/// One connection, for one request at a time.
pub(crate) struct Connection {
    sender: Sender,
    _permit: Option<OwnedSemaphorePermit>,
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

    /// Sends on an idle connection or a new one, when fewer calls than allowed are under way. The connection comes back
    /// with the answer's head: hand it to [`Pool::keep`] after the body has been read to its end.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        self.send_with(Some(permit), request).await
    }

    /// As [`Pool::send`], for an answer that lasts for minutes: it does not count, or a few of them would keep all calls
    /// from going on.
    pub(crate) async fn send_lasting(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        self.send_with(None, request).await
    }

    async fn send_with(
        &self,
        permit: Option<OwnedSemaphorePermit>,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Connection), ClientError> {
        let mut sender = match self.take().await {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = sender.send_request(request).await.map_err(|error| self.broken(&error))?;
        Ok((response, Connection { sender, _permit: permit }))
    }

    /// Ends the call: the next one finds the connection.
    pub(crate) fn keep(&self, connection: Connection) {
        let Connection { sender, _permit } = connection;
        if !sender.is_closed() {
            self.lock().push((sender, Instant::now()));
        }
    }

    /// The text of what broke a connection.
    pub(crate) fn broken(&self, error: &dyn std::error::Error) -> ClientError {
        let reason = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        ClientError::Connection { endpoint: self.endpoint.to_string(), reason }
    }

    async fn take(&self) -> Option<Sender> {
        loop {
            let (mut sender, since) = self.lock().pop()?;
            if since.elapsed() < IDLE_MAX && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> Result<Sender, ClientError> {
        let failed = |reason: String| ClientError::Connect { endpoint: self.endpoint.to_string(), reason };
        let opened = timeout(self.connect_timeout, self.open()).await;
        opened
            .map_err(|_| failed(format!("no connection within {} s", self.connect_timeout.as_secs())))?
            .map_err(failed)
    }

    async fn open(&self) -> Result<Sender, String> {
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

    async fn handshake<I>(io: I) -> Result<Sender, String>
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(io).await.map_err(|error| error.to_string())?;
        // It ends when its sender is dropped or the server closes; whoever waits for an answer learns of errors.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Sender, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
