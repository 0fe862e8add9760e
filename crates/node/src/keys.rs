//! Access keys of a data directory, for the operator: works beside a running node and without one.
//!
//! A running node sees the change within a second, because it reads its keys again and again.

use auth::{AccessKeys, KeySummary, KeysError, NewKey};
use base::ids::AccountId;
use base::time::{Clock as _, SystemClock};

use crate::kept::Kept;
use crate::settings::Settings;
use crate::start::StartError;

/// The access keys of one data directory.
pub struct Keys {
    keys: AccessKeys,
    account: AccountId,
}

impl Keys {
    /// Opens the catalog of the data directory, which is made when there is none.
    ///
    /// # Errors
    /// When the directory, its root key or its catalog cannot be used.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        let kept = Kept::open(settings).await?;
        let keys = AccessKeys::new(kept.catalog, kept.root_key);
        keys.reload().await?;
        Ok(Self { keys, account: settings.account.clone() })
    }

    /// Makes a key. Its secret is not shown again.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn create(&self, account: Option<AccountId>) -> Result<NewKey, KeysError> {
        self.keys.create(account.unwrap_or_else(|| self.account.clone()), SystemClock.now()).await
    }

    /// The keys without their secrets, by id.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn list(&self) -> Result<Vec<KeySummary>, KeysError> {
        self.keys.list().await
    }

    /// # Errors
    /// When there is no such key, or the catalog fails.
    pub async fn delete(&self, access_key_id: &str) -> Result<(), KeysError> {
        self.keys.delete(access_key_id).await
    }
}
