//! What of the settings can only be judged by looking at the disk. Nothing is made or changed.

use crate::directory::{DataDirectory, read_root_key};
use crate::settings::{Settings, TlsMode};
use crate::start::StartError;
use crate::tls::Certificates;

/// Checks what a start would stumble over: the data directory, the root key, the certificate and its key. A node does
/// this first when it starts.
///
/// # Errors
/// What cannot be used, with its path.
pub fn preflight(settings: &Settings) -> Result<(), StartError> {
    if !settings.dev {
        if let Some(directory) = DataDirectory::find(&settings.data)? {
            directory.check_catalog()?;
            if settings.root_key_file.is_none() && directory.has_log() {
                directory.root_key(None, false)?;
            }
        }
        if let Some(path) = &settings.root_key_file {
            read_root_key(path)?;
        }
    }
    if let TlsMode::Files { certificate, key } = &settings.tls {
        Certificates::from_files(certificate.clone(), key.clone())?;
    }
    Ok(())
}
