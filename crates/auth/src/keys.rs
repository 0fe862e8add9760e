//! Access keys: made, listed and deleted in the catalog; found in memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base::caller::{Credential, CredentialSource};
use base::ids::AccountId;
use base::time::Timestamp;
use store::catalog::{CatalogError, Expect, Row, SharedCatalog, Transaction};
use store::root_key::RootKey;
use thiserror::Error;

use crate::rows::access_key::{AccessKeyRow, PREFIX, RowError, catalog_key};
use crate::secret::NewKey;

/// Access keys of one data directory. All are held in memory.
const ACCESS_KEYS_MAX: usize = 10_000;
/// Rows of one read from the catalog.
const PAGE: usize = 500;

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    pub access_key_id: String,
    pub account: AccountId,
    pub created: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeysError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("access key {access_key_id} cannot be used: {reason}")]
    Row { access_key_id: String, reason: RowError },
    #[error("there is no access key {0}")]
    NotFound(String),
    #[error("there are {ACCESS_KEYS_MAX} access keys already, which is the most")]
    TooMany,
}

/// A key in memory, and the version of the row it was read from.
struct Known {
    version: u64,
    credential: Credential,
}

type Snapshot = HashMap<String, Arc<Known>>;

/// The access keys of a node.
pub struct AccessKeys {
    catalog: SharedCatalog,
    root_key: Arc<dyn RootKey>,
    /// Known besides those in the catalog; it wins over a row with the same id.
    fixed: Option<(String, Credential)>,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl AccessKeys {
    /// Knows no key before the first [`AccessKeys::reload`].
    #[must_use]
    pub fn new(catalog: SharedCatalog, root_key: Arc<dyn RootKey>) -> Self {
        Self { catalog, root_key, fixed: None, snapshot: RwLock::default() }
    }

    /// Adds a key that is not in the catalog, such as one from the environment.
    #[must_use]
    pub fn with_fixed(mut self, access_key_id: String, secret_access_key: String, account: AccountId) -> Self {
        self.fixed = Some((access_key_id, Credential { secret_access_key, account, session_token: None }));
        self
    }

    /// Whether the catalog had no key at the last reload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.current().is_empty()
    }

    /// Makes the keys of the catalog those that are found. Other processes change the catalog too, so a node
    /// calls this again and again; rows that have not changed are not decrypted again.
    ///
    /// # Errors
    /// When the catalog fails, or a secret cannot be decrypted; then what was known stays known.
    pub async fn reload(&self) -> Result<(), KeysError> {
        let rows = self.rows().await?;
        let known = self.current();
        let mut next = Snapshot::with_capacity(rows.len());
        for (id, row) in rows {
            let entry = match known.get(&id) {
                Some(entry) if entry.version == row.version => Arc::clone(entry),
                _ => Arc::new(self.open(&id, &row)?),
            };
            next.insert(id, entry);
        }
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// Makes a key and stores it.
    ///
    /// # Errors
    /// When the catalog fails or is full of keys.
    pub async fn create(&self, account: AccountId, now: Timestamp) -> Result<NewKey, KeysError> {
        if self.rows().await?.len() >= ACCESS_KEYS_MAX {
            return Err(KeysError::TooMany);
        }
        let key = NewKey::random(account);
        let (id, secret) = (&key.access_key_id, &key.secret_access_key);
        let row = AccessKeyRow::seal(id, secret, key.account.clone(), now, &*self.root_key);
        let at = catalog_key(id);
        self.catalog.commit(Transaction::new().expect(&at, Expect::Absent).put(&at, row.encode())).await?;
        self.reload().await?;
        Ok(key)
    }

    /// The stored keys, by id.
    ///
    /// # Errors
    /// When the catalog fails or a row is damaged.
    pub async fn list(&self) -> Result<Vec<KeySummary>, KeysError> {
        let rows = self.rows().await?.into_iter();
        rows.map(|(id, row)| {
            let AccessKeyRow { account, created, .. } = decode(&id, &row)?;
            Ok(KeySummary { access_key_id: id, account, created })
        })
        .collect()
    }

    /// # Errors
    /// When there is no such key, or the catalog fails.
    pub async fn delete(&self, access_key_id: &str) -> Result<(), KeysError> {
        let at = catalog_key(access_key_id);
        let row = self.catalog.get(&at).await?.ok_or_else(|| KeysError::NotFound(access_key_id.to_owned()))?;
        self.catalog.commit(Transaction::new().expect(&at, Expect::Version(row.version)).delete(&at)).await?;
        self.reload().await
    }

    async fn rows(&self) -> Result<Vec<(String, Row)>, KeysError> {
        let mut rows: Vec<(String, Row)> = Vec::new();
        loop {
            let after = rows.last().map(|(key, _)| key.as_str());
            let page = self.catalog.scan(PREFIX, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            rows.extend(page);
            if is_last || rows.len() >= ACCESS_KEYS_MAX {
                break;
            }
        }
        Ok(rows.into_iter().map(|(key, row)| (key[PREFIX.len()..].to_owned(), row)).collect())
    }

    fn open(&self, id: &str, row: &Row) -> Result<Known, KeysError> {
        let stored = decode(id, row)?;
        let secret_access_key = stored
            .open(id, &*self.root_key)
            .map_err(|reason| KeysError::Row { access_key_id: id.to_owned(), reason })?;
        let credential = Credential { secret_access_key, account: stored.account, session_token: None };
        Ok(Known { version: row.version, credential })
    }

    fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn decode(id: &str, row: &Row) -> Result<AccessKeyRow, KeysError> {
    AccessKeyRow::decode(row.value.clone()).map_err(|reason| KeysError::Row { access_key_id: id.to_owned(), reason })
}

impl CredentialSource for AccessKeys {
    fn find(&self, access_key_id: &str) -> Option<Credential> {
        if let Some((id, credential)) = &self.fixed
            && id == access_key_id
        {
            return Some(credential.clone());
        }
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        snapshot.get(access_key_id).map(|known| known.credential.clone())
    }
}
