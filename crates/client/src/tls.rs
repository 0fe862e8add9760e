//! Whom to trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::failure::ClientError;

/// Where systems keep the authorities that they trust.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Trusts `extra` alone when it is given, else the system's authorities.
pub(crate) fn connector(extra: Option<&Path>) -> Result<TlsConnector, ClientError> {
    let path = match extra {
        Some(path) => path.to_owned(),
        None => system_bundle().ok_or_else(|| {
            ClientError::Tls("this system has no list of certificate authorities: name a CA file".to_owned())
        })?,
    };
    let roots = read(&path, extra.is_some())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn system_bundle() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named.or_else(|| BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file()))
}

/// Certificates of a PEM file. In a file that the user named each must be one; in a system's list the odd one is
/// passed over.
fn read(path: &Path, is_strict: bool) -> Result<RootCertStore, ClientError> {
    let failed = |error: String| ClientError::Tls(format!("{}: {error}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))? {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        match added {
            Err(error) if is_strict => return Err(failed(error)),
            _ => {}
        }
    }
    if roots.is_empty() { Err(failed("no certificate in it".to_owned())) } else { Ok(roots) }
}
