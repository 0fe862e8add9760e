//! Access keys over a catalog in memory.

use std::sync::Arc;

use auth::{AccessKeys, KeysError};
use base::caller::CredentialSource as _;
use base::ids::AccountId;
use base::time::Timestamp;
use store::catalog::SharedCatalog;
use store::memory::MemoryCatalog;
use store::root_key::{DataKey, RootKey, UnwrapError};

/// Exclusive-or with one byte: a root key for tests.
struct Xor(&'static str, u8);

impl RootKey for Xor {
    fn id(&self) -> &str {
        self.0
    }
    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        data_key.iter().map(|byte| byte ^ self.1).collect()
    }
    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        let bytes: Vec<u8> = wrapped.iter().map(|byte| byte ^ self.1).collect();
        let error = UnwrapError { root_key_id: self.0.to_owned(), reason: "wrong length".to_owned() };
        bytes.try_into().map_err(|_| error)
    }
}

fn account() -> AccountId {
    AccountId::new("123456789012").expect("twelve digits")
}

fn keys(catalog: &SharedCatalog) -> AccessKeys {
    AccessKeys::new(Arc::clone(catalog), Arc::new(Xor("x", 0x5a)))
}

fn catalog() -> SharedCatalog {
    Arc::new(MemoryCatalog::new())
}

#[tokio::test]
async fn a_key_lives_from_create_to_delete() {
    let catalog = catalog();
    let keys = keys(&catalog);
    let now = Timestamp::from_millis(1_700_000_000_000);
    let new = keys.create(account(), now).await.expect("created");
    let found = keys.find(&new.access_key_id).expect("found at once");
    assert_eq!((found.secret_access_key, found.account), (new.secret_access_key, account()));
    let listed = keys.list().await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].access_key_id, listed[0].created), (&new.access_key_id, now));
    keys.delete(&new.access_key_id).await.expect("deleted");
    assert_eq!(keys.find(&new.access_key_id), None);
    assert_eq!(keys.delete(&new.access_key_id).await, Err(KeysError::NotFound(new.access_key_id)));
}

#[tokio::test]
async fn what_another_process_does_is_seen_after_a_reload() {
    let catalog = catalog();
    let (here, there) = (keys(&catalog), keys(&catalog));
    let new = there.create(account(), Timestamp::default()).await.expect("created");
    assert_eq!(here.find(&new.access_key_id), None);
    here.reload().await.expect("reloaded");
    assert!(here.find(&new.access_key_id).is_some());
    there.delete(&new.access_key_id).await.expect("deleted");
    here.reload().await.expect("reloaded");
    assert_eq!(here.find(&new.access_key_id), None);
}

#[tokio::test]
async fn many_keys_are_all_found() {
    let catalog = catalog();
    let mut made = Vec::new();
    let writer = keys(&catalog);
    for _ in 0..20 {
        made.push(writer.create(account(), Timestamp::default()).await.expect("created"));
    }
    let reader = keys(&catalog);
    assert!(reader.is_empty());
    reader.reload().await.expect("reloaded");
    for key in made {
        assert_eq!(reader.find(&key.access_key_id).map(|c| c.secret_access_key), Some(key.secret_access_key));
    }
}

#[tokio::test]
async fn a_wrong_root_key_is_named_and_what_was_known_stays() {
    let catalog = catalog();
    let new = keys(&catalog).create(account(), Timestamp::default()).await.expect("created");
    let stranger = AccessKeys::new(catalog, Arc::new(Xor("y", 1)));
    let error = stranger.reload().await.expect_err("another root key").to_string();
    assert!(error.contains(&new.access_key_id) && error.contains("\"y\"") && error.contains("\"x\""), "{error}");
    assert!(stranger.is_empty());
}

#[tokio::test]
async fn a_fixed_key_needs_no_catalog() {
    let keys = keys(&catalog()).with_fixed("AKIAIOSFODNN7EXAMPLE".to_owned(), "s".to_owned(), account());
    keys.reload().await.expect("reloaded");
    assert!(keys.is_empty());
    assert_eq!(keys.find("AKIAIOSFODNN7EXAMPLE").map(|c| c.secret_access_key), Some("s".to_owned()));
    assert_eq!(keys.find("AKIAIOSFODNN7EXAMPLF"), None);
}
