//! Certificates for the TLS listener: from files that may change while the node runs, or from a local CA.
//!
//! The CA is made once and kept in the data directory; clients trust its file. The server's own certificate lives
//! in memory: every start makes a new one, and so does a node that has run for long.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base::time::{Clock, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tracing::{error, info};

use crate::directory::{DirectoryError, PRIVATE, PUBLIC, write_once};

const CA_CERTIFICATE: &str = "ca.pem";
const CA_KEY: &str = "ca.key";
/// What the server's certificate is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAY: Duration = Duration::from_secs(86_400);
/// Life of the server's certificate; some clients refuse those that live longer than 398 days.
const LEAF_LIFE: Duration = Duration::from_secs(397 * 86_400);
/// Clocks of clients may be behind ours.
const LEAF_BACKDATE: Duration = DAY;
const LEAF_RENEWAL: Duration = Duration::from_secs(30 * 86_400);
/// How often certificate files are looked at.
const FILES_LOOK: Duration = Duration::from_secs(30);

#[derive(Debug, Error)]
pub enum TlsError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error("{path} cannot be used: {reason}", path = path.display())]
    File { path: PathBuf, reason: String },
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("TLS cannot be set up: {0}")]
    Config(#[from] rustls::Error),
}

/// Where certificates come from.
#[derive(Debug)]
enum Source {
    Files { certificate: PathBuf, key: PathBuf },
    Authority(PathBuf),
}

/// The certificate in force.
pub struct Certificates {
    source: Source,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificates {
    /// From PEM files: the chain, leaf first, and its key.
    pub fn from_files(certificate: PathBuf, key: PathBuf) -> Result<Arc<Self>, TlsError> {
        Self::load(Source::Files { certificate, key })
    }

    /// From the local CA in `directory`, which is made when there is none.
    pub fn from_authority(directory: &Path) -> Result<Arc<Self>, TlsError> {
        // Clients are told where its certificate is, and run in other directories.
        let unusable = |error: std::io::Error| TlsError::File { path: directory.to_owned(), reason: error.to_string() };
        let directory = &std::path::absolute(directory).map_err(unusable)?;
        if !directory.join(CA_CERTIFICATE).exists() {
            make_authority(directory)?;
        }
        Self::load(Source::Authority(directory.to_owned()))
    }

    fn load(source: Source) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(source.certify()?));
        Ok(Arc::new(Self { source, current }))
    }

    /// The file that clients must trust; `None` when that is not known here.
    pub fn ca_file(&self) -> Option<PathBuf> {
        match &self.source {
            Source::Files { .. } => None,
            Source::Authority(directory) => Some(directory.join(CA_CERTIFICATE)),
        }
    }

    /// For the listener.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        Ok(Arc::new(config))
    }

    /// Follows the files, or renews in time. Never ends.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut seen = self.source.stamp();
        loop {
            match self.source {
                Source::Files { .. } => {
                    tokio::time::sleep(FILES_LOOK).await;
                    let stamp = self.source.stamp();
                    if stamp == seen {
                        continue;
                    }
                    seen = stamp;
                }
                Source::Authority(_) => tokio::time::sleep(LEAF_RENEWAL).await,
            }
            match self.source.certify() {
                Ok(fresh) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                    info!("the TLS certificate was replaced");
                }
                Err(error) => error!(%error, "the TLS certificate stays, because a new one cannot be used"),
            }
        }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("source", &self.source).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Source {
    fn certify(&self) -> Result<CertifiedKey, TlsError> {
        match self {
            Self::Authority(directory) => {
                let (chain, key) = issue(directory)?;
                Ok(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?)
            }
            Self::Files { certificate, key } => read_files(certificate, key),
        }
    }

    /// Changes when the files change.
    fn stamp(&self) -> [Option<(std::time::SystemTime, u64)>; 2] {
        let Self::Files { certificate, key } = self else { return [None, None] };
        [certificate, key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

fn read_files(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unusable = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(certificate, "there is no certificate in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            unusable(key, format!("it is not the key of the certificate in {}", certificate.display()))
        }
        error => unusable(certificate, error.to_string()),
    })
}

/// The key is written first: a certificate without its key would be of no use.
fn make_authority(directory: &Path) -> Result<(), TlsError> {
    let path = directory.join(CA_KEY);
    write_once(&path, KeyPair::generate()?.serialize_pem().as_bytes(), PRIVATE)?;
    let certificate = authority_params().self_signed(&read_key(&path)?)?;
    let path = directory.join(CA_CERTIFICATE);
    // Clients of other users read it too, wherever it is copied to.
    write_once(&path, certificate.pem().as_bytes(), PUBLIC)?;
    info!(path = %path.display(), "a local CA was made: clients must be told to trust it");
    Ok(())
}

/// The CA outlives every installation, so that clients are told of it once.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Anabranch local CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

fn read_key(path: &Path) -> Result<KeyPair, TlsError> {
    let unusable = |reason: String| TlsError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    KeyPair::from_pem(&text).map_err(|error| unusable(error.to_string()))
}

/// A new certificate for this server, signed by the CA.
fn issue(directory: &Path) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let authority = Issuer::new(authority_params(), read_key(&directory.join(CA_KEY))?);
    let now = Duration::from_millis(u64::try_from(SystemClock.now().millis()).unwrap_or(0));
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Anabranch");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(LEAF_BACKDATE);
    params.not_after = date_time_ymd(1970, 1, 1) + (now + LEAF_LIFE);
    let key = KeyPair::generate()?;
    let leaf = params.signed_by(&key, &authority)?;
    Ok((vec![leaf.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}

#[cfg(test)]
mod tests;
