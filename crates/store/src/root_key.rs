//! Port: the key that wraps the data keys of encrypted segments.

use thiserror::Error;

/// A 256-bit key that encrypts the records of one file.
pub type DataKey = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("data key cannot be unwrapped by root key {root_key_id}: {reason}")]
pub struct UnwrapError {
    pub root_key_id: String,
    pub reason: String,
}

/// Wraps and unwraps data keys. The key itself never leaves the implementation.
pub trait RootKey: Send + Sync {
    /// Stored beside a wrapped key, so that an operator can tell which root key it needs.
    fn id(&self) -> &str;

    /// The data key, encrypted and authenticated.
    fn wrap(&self, data_key: &DataKey) -> Vec<u8>;

    /// # Errors
    /// When the bytes were not wrapped by this key or have been changed.
    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError>;
}
