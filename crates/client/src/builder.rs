//! Settings of a client.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::ServiceModel;
use base::ids::Region;
use wire::Protocol;
use wire::sigv4::Signer;

use crate::connect::Connect;
use crate::credentials::CredentialsSource;
use crate::endpoint::Endpoint;
use crate::failure::ClientError;
use crate::kinesis::KinesisClient;
use crate::pool::Pool;
use crate::span::clamped;
use crate::tls;
use crate::transport::Transport;

/// A client of one service. Made by [`Builder::build`].
pub trait ServiceClient: Sized {
    #[doc(hidden)]
    const SERVICE: &'static ServiceModel;

    #[doc(hidden)]
    fn over(transport: Arc<Transport>) -> Self;
}

/// Makes a client of one service, of [`KinesisClient`] unless it says otherwise.
#[derive(Clone)]
pub struct Builder<C = KinesisClient> {
    protocol: Protocol,
    endpoint: Endpoint,
    region: Region,
    credentials: CredentialsSource,
    ca_file: Option<PathBuf>,
    connector: Option<Arc<dyn Connect>>,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    attempts_max: u32,
    connections_max: usize,
    reply_bytes_max: usize,
    client: PhantomData<fn() -> C>,
}

impl Builder<KinesisClient> {
    /// Writes bodies in CBOR, as the AWS SDK for Java does, in place of JSON: smaller, and cheaper for both ends.
    #[must_use]
    pub fn cbor(mut self) -> Self {
        self.protocol = Protocol::Cbor;
        self
    }
}

impl<C: ServiceClient> Builder<C> {
    pub(crate) fn new(endpoint: Endpoint, region: Region, credentials: CredentialsSource) -> Self {
        Self {
            protocol: if C::SERVICE.json_version == "1.0" { Protocol::Json10 } else { Protocol::Json11 },
            endpoint,
            region,
            credentials,
            ca_file: None,
            connector: None,
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(60),
            attempts_max: 3,
            connections_max: 256,
            reply_bytes_max: 32 * base::limits::MIB,
            client: PhantomData,
        }
    }

    /// Certificates (PEM) to trust in place of the system's. Must be readable even when the endpoint has no TLS.
    #[must_use]
    pub fn ca_file(mut self, path: Option<PathBuf>) -> Self {
        self.ca_file = path;
        self
    }

    /// Opens connections in place of the operating system.
    #[must_use]
    pub fn connector(mut self, connector: Arc<dyn Connect>) -> Self {
        self.connector = Some(connector);
        self
    }

    /// Longest time to establish a connection; 5 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = clamped(timeout);
        self
    }

    /// Longest time from a request to the end of its answer, and between two events of a stream; 60 s unless set.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = clamped(timeout);
        self
    }

    /// Requests sent for one call at most, the first included; 3 unless set.
    #[must_use]
    pub fn attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = attempts.max(1);
        self
    }

    /// Calls under way at a time, each on a connection; 256 unless set. Further calls wait. Subscriptions do not count:
    /// there is one for each shard.
    #[must_use]
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.connections_max = connections.max(1);
        self
    }

    /// Largest answer that is read; 32 MiB unless set.
    #[must_use]
    pub fn reply_bytes_max(mut self, bytes: usize) -> Self {
        self.reply_bytes_max = bytes;
        self
    }

    /// # Errors
    /// When the certificates to trust cannot be read, those of the system only if the endpoint wants TLS.
    pub fn build(self) -> Result<C, ClientError> {
        let is_tls = self.endpoint.is_tls();
        let tls = if is_tls || self.ca_file.is_some() { Some(tls::connector(self.ca_file.as_deref())?) } else { None };
        let tls = tls.filter(|_| is_tls);
        Ok(C::over(Arc::new(Transport {
            service: C::SERVICE,
            protocol: self.protocol,
            pool: Pool::new(self.endpoint, tls, self.connector, self.connect_timeout, self.connections_max),
            signer: Signer::new(self.region.as_str(), C::SERVICE.signing_name),
            credentials: self.credentials,
            attempt_timeout: self.attempt_timeout,
            attempts_max: self.attempts_max,
            reply_bytes_max: self.reply_bytes_max,
        })))
    }
}
