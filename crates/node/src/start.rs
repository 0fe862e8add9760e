//! Starts a node, room by room, and stops it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth::{AccessKeys, KeysError, NewKey};
use base::caller::CredentialSource;
use base::ids::Region;
use base::time::{Clock, OffsetClock, SystemClock};
use gateway::{DevControl, Gateway, Limits, Listeners, Monitor, Parts};
use store::catalog::CatalogError;
use store::root_key::RootKey;
use store_local::{CatalogOpenError, LocalLog, OpenError};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::dev::Control;
use crate::directory::{DataDirectory, DirectoryError};
use crate::engines::{Current, Engines, Stores};
use crate::files;
use crate::metrics::Metrics;
use crate::preflight::preflight;
use crate::root_key;
use crate::settings::{Settings, TlsMode, UnknownVariable, unknown_variables};
use crate::tls::{Certificates, TlsError};

/// How soon a key that another process makes is known here.
const KEYS_LOOK: Duration = Duration::from_secs(1);
/// Connections that wait to be accepted: some clients open one for each request.
const BACKLOG: u32 = 1024;
/// The region of requests that name none.
const REGION_DEFAULT: &str = "us-east-1";

/// Why a node does not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Catalog(#[from] CatalogOpenError),
    #[error(transparent)]
    Log(#[from] OpenError),
    #[error("a thread panicked")]
    Panicked,
    #[error(transparent)]
    Rows(#[from] CatalogError),
    #[error(transparent)]
    Streams(#[from] streams::StartError),
    #[error(transparent)]
    Tables(#[from] tables::StartError),
    #[error(transparent)]
    Monitor(#[from] monitor::StorageError),
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
pub struct Node {
    addresses: Addresses,
    first_key: Option<NewKey>,
    trust: Option<Trust>,
    gateway: Gateway,
    engines: Arc<Current>,
    local_log: Option<Arc<LocalLog>>,
    /// Ended when the node is dropped.
    background: JoinSet<()>,
    drain: Duration,
}

impl Node {
    /// Starts everything that `settings` ask for; the node serves when this returns. Needs the runtime that
    /// [`runtime`] makes.
    ///
    /// # Errors
    /// What cannot be opened, read or listened on. Nothing keeps running then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        warn_of_unknown_variables();
        preflight(&settings)?;
        // What takes long is begun first, side by side.
        let seeded = tokio::task::spawn_blocking(root_key::seed_randomness);
        let (sockets, addresses) = bind_all(&settings)?;
        let of_tls = settings.clone();
        let certified = tokio::task::spawn_blocking(move || certificates(&of_tls));
        let mut background = JoinSet::new();
        let offset_clock = settings.dev.then(|| Arc::new(OffsetClock::default()));
        let clock: Arc<dyn Clock> = match &offset_clock {
            Some(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            None => Arc::new(SystemClock),
        };
        let (stores, root_key) = open_stores(&settings, &clock).await?;
        seeded.await.map_err(|_| StartError::Panicked)?;
        let certificates = certified.await.map_err(|_| StartError::Panicked)??;
        let started = Engines::start(&stores, &settings, Arc::clone(&clock)).await?;
        let services = started.services();
        let engines = Current::new(started);
        let listeners = listeners(sockets, certificates.as_ref())?;
        let keys = access_keys(&settings, &stores, root_key).await?;
        let first_key = first_key(&settings, keys.as_ref()).await?;
        if let Some(keys) = &keys {
            background.spawn(follow_keys(Arc::clone(keys)));
        }
        let trust = certificates.as_ref().and_then(|c| c.ca_file()).map(|ca_file| Trust { ca_file });
        if let Some(certificates) = certificates {
            background.spawn(certificates.keep_fresh());
        }
        let dev = offset_clock.map(|clock| {
            let control = Control { settings: settings.clone(), clock, engines: Arc::clone(&engines) };
            Arc::new(control) as Arc<dyn DevControl>
        });
        let parts = Parts {
            services,
            credentials: keys.map(|keys| keys as Arc<dyn CredentialSource>),
            // Signatures are made by the clocks of clients, which nobody advances.
            clock: Arc::new(SystemClock),
            monitor: Arc::new(Metrics::new(Arc::clone(&engines))) as Arc<dyn Monitor>,
            dev,
            settings: gateway_settings(&settings),
        };
        let gateway = Gateway::start(parts, listeners);
        info!(plain = %addresses.plain, tls = addresses.tls.map(tracing::field::display), "listening");
        let (local_log, drain) = (stores.local_log, settings.drain);
        Ok(Self { addresses, first_key, trust, gateway, engines, local_log, background, drain })
    }

    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The access key that was made because this data directory had none: to be shown once.
    #[must_use]
    pub fn first_key(&self) -> Option<&NewKey> {
        self.first_key.as_ref()
    }

    /// Set with `tls auto`.
    #[must_use]
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    /// Takes no more requests, waits for those that run as long as the settings say, and closes everything.
    pub async fn shutdown(mut self) {
        // Subscriptions last for minutes; they end here, before anybody waits for them.
        self.engines.get().streams.stop();
        self.gateway.shutdown(self.drain).await;
        self.background.shutdown().await;
        if let Err(error) = self.engines.get().monitor.flush().await {
            error!(%error, "the last seconds of metrics could not be stored");
        }
        drop(self.engines);
        if let Some(log) = self.local_log {
            let closed = tokio::task::spawn_blocking(move || log.shut_down()).await;
            if closed.is_err() {
                error!("the log could not be closed; the next start will read its journal back");
            }
        }
    }
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

fn warn_of_unknown_variables() {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for UnknownVariable { name, nearest } in unknown_variables(names) {
        match nearest {
            Some(nearest) => warn!("the variable {name} is not a setting and is ignored; did you mean {nearest}?"),
            None => warn!("the variable {name} is not a setting and is ignored"),
        }
    }
}

fn certificates(settings: &Settings) -> Result<Option<Arc<Certificates>>, StartError> {
    Ok(match &settings.tls {
        TlsMode::Off => None,
        TlsMode::Auto => Some(Certificates::from_authority(&DataDirectory::open(&settings.data)?.tls()?)?),
        TlsMode::Files { certificate, key } => Some(Certificates::from_files(certificate.clone(), key.clone())?),
    })
}

/// The plaintext listener, and the one for TLS if it is wanted.
type Sockets = (TcpListener, Option<TcpListener>);

fn bind_all(settings: &Settings) -> Result<(Sockets, Addresses), StartError> {
    let (plain, plain_address) = bind(settings.listen)?;
    if settings.tls == TlsMode::Off {
        return Ok(((plain, None), Addresses { plain: plain_address, tls: None }));
    }
    let (tls, tls_address) = bind(settings.tls_listen)?;
    Ok(((plain, Some(tls)), Addresses { plain: plain_address, tls: Some(tls_address) }))
}

fn listeners(sockets: Sockets, certificates: Option<&Arc<Certificates>>) -> Result<Listeners, StartError> {
    let (plain, tls) = sockets;
    let tls = match tls.zip(certificates) {
        Some((socket, certificates)) => Some((socket, certificates.server_config()?)),
        None => None,
    };
    Ok(Listeners { plain, tls })
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restart must not wait for the connections of the last run to be forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|reason| StartError::Listen { address, reason })
}

/// The root key goes with what is on disk.
async fn open_stores(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<(Stores, Option<Arc<dyn RootKey>>), StartError> {
    if settings.dev {
        return Ok((Stores::in_memory(settings, Arc::clone(clock)), None));
    }
    let (stores, root_key) = Stores::on_disk(settings, Arc::clone(clock)).await?;
    Ok((stores, Some(root_key)))
}

/// `None` when everybody is served.
async fn access_keys(
    settings: &Settings,
    stores: &Stores,
    root_key: Option<Arc<dyn RootKey>>,
) -> Result<Option<Arc<AccessKeys>>, StartError> {
    let Some(root_key) = root_key.filter(|_| settings.auth.is_on()) else { return Ok(None) };
    let mut keys = AccessKeys::new(Arc::clone(&stores.catalog), root_key);
    if let Some((id, secret)) = &settings.environment_key {
        keys = keys.with_fixed(id.clone(), secret.0.clone(), settings.account.clone());
    }
    keys.reload().await?;
    Ok(Some(Arc::new(keys)))
}

/// Makes a key where there is none. Its secret is told once, so this comes when nothing can fail any more.
async fn first_key(settings: &Settings, keys: Option<&Arc<AccessKeys>>) -> Result<Option<NewKey>, StartError> {
    match keys {
        Some(keys) if keys.is_empty() && settings.environment_key.is_none() => {
            Ok(Some(keys.create(settings.account.clone(), SystemClock.now()).await?))
        }
        _ => Ok(None),
    }
}

/// Sees what other processes do to the access keys. Never ends.
async fn follow_keys(keys: Arc<AccessKeys>) {
    let mut was_well = true;
    loop {
        tokio::time::sleep(KEYS_LOOK).await;
        match keys.reload().await {
            Ok(()) => was_well = true,
            Err(error) if was_well => {
                was_well = false;
                error!(%error, "access keys stay as they were, because they cannot be read");
            }
            Err(_) => {}
        }
    }
}

fn gateway_settings(settings: &Settings) -> gateway::Settings {
    let region_default = Region::new(REGION_DEFAULT).expect("a region's name");
    gateway::Settings {
        region: settings.region.clone(),
        region_default,
        account: settings.account.clone(),
        limits: Limits {
            body_memory_bytes: settings.body_memory.0,
            connections_max: files::room_for_connections(settings.connections_max),
            ..Limits::default()
        },
    }
}
