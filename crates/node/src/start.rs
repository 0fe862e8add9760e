//! Starts a node, room by room, and stops it.

use std::net::SocketAddr;
use std::path::PathBuf;

use auth::KeysError;
use store_local::CatalogOpenError;
use thiserror::Error;

use crate::directory::DirectoryError;
use crate::settings::Settings;
use crate::tls::TlsError;

/// Why a node does not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Catalog(#[from] CatalogOpenError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{address} cannot be listened on: {reason}")]
    Listen { address: SocketAddr, reason: std::io::Error },
}

/// Where a node listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    pub plain: SocketAddr,
    pub tls: Option<SocketAddr>,
}

/// How clients come to trust the certificate of `tls auto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// PEM file of the local CA.
    pub ca_file: PathBuf,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    addresses: Addresses,
}

impl Node {
    /// Starts everything that `settings` ask for; the node serves when this returns. Needs the runtime that
    /// [`runtime`] makes.
    ///
    /// # Errors
    /// What cannot be opened, read or listened on. Nothing keeps running then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let addresses = Addresses { plain: settings.listen, tls: None };
        Ok(Self { addresses })
    }

    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The access key that was made because this data directory had none: to be shown once.
    #[must_use]
    pub fn first_key(&self) -> Option<&auth::NewKey> {
        None
    }

    /// Set with `tls auto`.
    #[must_use]
    pub fn trust(&self) -> Option<&Trust> {
        None
    }

    /// Takes no more requests, waits for those that run as long as the settings say, and closes everything.
    pub async fn shutdown(self) {}
}

/// The runtime that a node runs on.
///
/// # Errors
/// When threads cannot be started.
pub fn runtime(settings: &Settings) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = settings.worker_threads {
        builder.worker_threads(threads);
    }
    builder.enable_all().thread_name("anabranch").build()
}
