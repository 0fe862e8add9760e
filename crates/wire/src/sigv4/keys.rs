//! Signing keys, which are good for a day, region and service, and a small cache of them.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::hmac;

use super::TERMINATOR;
use super::canonical::Scope;

/// Slots of the cache: many more than the keys that a server sees in one day.
const SLOTS: usize = 256;

/// Derives signing keys and remembers the last ones. A key is remembered in the one slot to which it hashes, so
/// the cache is bounded and nobody waits for anybody else's slot.
pub(super) struct SigningKeys {
    slots: Box<[RwLock<Option<Arc<Entry>>>]>,
    hasher: RandomState,
}

struct Entry {
    access_key_id: String,
    /// Kept so that a key whose secret has changed is not found again.
    secret: String,
    scope: Scope<'static>,
    key: hmac::Key,
}

impl SigningKeys {
    pub fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| RwLock::new(None)).collect(), hasher: RandomState::new() }
    }

    /// Runs `work` with the signing key of these.
    pub fn with<T>(
        &self,
        access_key_id: &str,
        secret: &str,
        scope: &Scope<'_>,
        work: impl FnOnce(&hmac::Key) -> T,
    ) -> T {
        let hash = self.hasher.hash_one((access_key_id, &*scope.date, &*scope.region, &*scope.service));
        let slot = &self.slots[hash as usize % SLOTS];
        let found = slot.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(entry) = found
            && entry.access_key_id == access_key_id
            && entry.secret == secret
            && entry.scope == *scope
        {
            return work(&entry.key);
        }
        let entry = Arc::new(Entry {
            access_key_id: access_key_id.to_owned(),
            secret: secret.to_owned(),
            scope: Scope {
                date: scope.date.clone().into_owned().into(),
                region: scope.region.clone().into_owned().into(),
                service: scope.service.clone().into_owned().into(),
            },
            key: derive(secret, scope),
        });
        *slot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&entry));
        work(&entry.key)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").finish_non_exhaustive()
    }
}

fn derive(secret: &str, scope: &Scope<'_>) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in [&*scope.date, &scope.region, &scope.service, TERMINATOR] {
        let tag = hmac::sign(&key, part.as_bytes());
        key = hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref());
    }
    key
}
