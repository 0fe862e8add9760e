//! One access key. Its catalog key is `auth/key/<access key id>`; the value is
//!
//! ```text
//! version u8 = 1 | account 12 digits | created i64 (milliseconds) | root key id: length u8, text
//! | wrapped data key: length u16, bytes | nonce 12 bytes | secret, AES-256-GCM, with its tag of 16 bytes
//! ```
//! Numbers are big endian. The data key belongs to this row alone and encrypts once; the access key id is
//! authenticated with the secret, so that rows cannot be exchanged.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base::ids::AccountId;
use base::time::Timestamp;
use bytes::{Buf, BufMut, Bytes};
use store::root_key::{DataKey, RootKey};
use thiserror::Error;

use crate::secret::random;

pub const PREFIX: &str = "auth/key/";
const VERSION: u8 = 1;

/// The row of one key, its secret still encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyRow {
    pub account: AccountId,
    pub created: Timestamp,
    /// Which root key unwraps the data key.
    pub root_key_id: String,
    wrapped_data_key: Bytes,
    nonce: [u8; NONCE_LEN],
    sealed_secret: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowError {
    #[error("the row is damaged")]
    Damaged,
    #[error("the row has version {0}, which this release does not know")]
    Version(u8),
    #[error("its secret was encrypted under root key {wanted:?}, and the root key here is {given:?}")]
    RootKey { wanted: String, given: String },
}

pub fn catalog_key(access_key_id: &str) -> String {
    format!("{PREFIX}{access_key_id}")
}

impl AccessKeyRow {
    pub fn seal(id: &str, secret: &str, account: AccountId, created: Timestamp, root_key: &dyn RootKey) -> Self {
        let data_key: DataKey = random();
        let nonce = random();
        let mut sealed = secret.as_bytes().to_vec();
        cipher(&data_key)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(id.as_bytes()), &mut sealed)
            .expect("a secret is far shorter than what AES-GCM can encrypt");
        Self {
            account,
            created,
            root_key_id: root_key.id().to_owned(),
            wrapped_data_key: root_key.wrap(&data_key).into(),
            nonce,
            sealed_secret: sealed.into(),
        }
    }

    pub fn open(&self, id: &str, root_key: &dyn RootKey) -> Result<String, RowError> {
        if self.root_key_id != root_key.id() {
            let (wanted, given) = (self.root_key_id.clone(), root_key.id().to_owned());
            return Err(RowError::RootKey { wanted, given });
        }
        let data_key = root_key.unwrap(&self.wrapped_data_key).map_err(|_| RowError::Damaged)?;
        let mut sealed = self.sealed_secret.to_vec();
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let secret = cipher(&data_key)
            .open_in_place(nonce, Aad::from(id.as_bytes()), &mut sealed)
            .map_err(|_| RowError::Damaged)?;
        String::from_utf8(secret.to_vec()).map_err(|_| RowError::Damaged)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.put_u8(VERSION);
        out.put_slice(self.account.as_str().as_bytes());
        out.put_i64(self.created.millis());
        out.put_u8(u8::try_from(self.root_key_id.len()).expect("ids of root keys are short"));
        out.put_slice(self.root_key_id.as_bytes());
        out.put_u16(u16::try_from(self.wrapped_data_key.len()).expect("a wrapped data key is short"));
        out.put_slice(&self.wrapped_data_key);
        out.put_slice(&self.nonce);
        out.put_slice(&self.sealed_secret);
        out
    }

    pub fn decode(mut bytes: Bytes) -> Result<Self, RowError> {
        match bytes.try_get_u8() {
            Ok(VERSION) => read_fields(&mut bytes).ok_or(RowError::Damaged),
            Ok(other) => Err(RowError::Version(other)),
            Err(_) => Err(RowError::Damaged),
        }
    }
}

fn read_fields(bytes: &mut Bytes) -> Option<AccessKeyRow> {
    let account = AccountId::new(text(bytes, 12)?).ok()?;
    let created = Timestamp::from_millis(bytes.try_get_i64().ok()?);
    let root_key_id_len = usize::from(bytes.try_get_u8().ok()?);
    let root_key_id = text(bytes, root_key_id_len)?;
    let wrapped_len = usize::from(bytes.try_get_u16().ok()?);
    let wrapped_data_key = take(bytes, wrapped_len)?;
    let nonce = take(bytes, NONCE_LEN)?[..].try_into().ok()?;
    Some(AccessKeyRow { account, created, root_key_id, wrapped_data_key, nonce, sealed_secret: bytes.split_off(0) })
}

fn text(bytes: &mut Bytes, len: usize) -> Option<String> {
    String::from_utf8(take(bytes, len)?.to_vec()).ok()
}

fn take(bytes: &mut Bytes, len: usize) -> Option<Bytes> {
    (bytes.len() >= len).then(|| bytes.split_to(len))
}

fn cipher(data_key: &DataKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, data_key).expect("a data key has the length of AES-256's keys"))
}

#[cfg(test)]
mod tests {
    use store::root_key::UnwrapError;

    use super::*;

    /// Flips bits; enough to see that rows go through the root key.
    struct Mirror(&'static str);

    impl RootKey for Mirror {
        fn id(&self) -> &str {
            self.0
        }
        fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
            data_key.iter().map(|byte| !byte).collect()
        }
        fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
            let bytes: Vec<u8> = wrapped.iter().map(|byte| !byte).collect();
            let error = UnwrapError { root_key_id: self.0.to_owned(), reason: "wrong length".to_owned() };
            bytes.try_into().map_err(|_| error)
        }
    }

    fn row() -> AccessKeyRow {
        AccessKeyRow::seal("AKIA1", "secret", AccountId::zero(), Timestamp::from_millis(7), &Mirror("m"))
    }

    #[test]
    fn round_trip() {
        let row = row();
        let bytes = row.encode();
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
        let read = AccessKeyRow::decode(bytes.into()).expect("just encoded");
        assert_eq!(read, row);
        assert_eq!(read.open("AKIA1", &Mirror("m")).as_deref(), Ok("secret"));
    }

    #[test]
    fn damage_and_foreign_keys_are_noticed() {
        let bytes = row().encode();
        for len in 0..bytes.len() {
            let read = AccessKeyRow::decode(Bytes::copy_from_slice(&bytes[..len]));
            assert!(read.and_then(|row| row.open("AKIA1", &Mirror("m"))).is_err(), "{len} bytes");
        }
        assert_eq!(row().open("AKIA2", &Mirror("m")), Err(RowError::Damaged));
        assert!(matches!(row().open("AKIA1", &Mirror("n")), Err(RowError::RootKey { .. })));
        let mut newer = bytes;
        newer[0] = 2;
        assert_eq!(AccessKeyRow::decode(newer.into()), Err(RowError::Version(2)));
    }
}
