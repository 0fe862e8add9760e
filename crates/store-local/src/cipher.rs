//! AES-256-GCM under a file's data key, and random numbers.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use store::root_key::DataKey;

pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

/// Encrypts and decrypts under one data key. The caller never uses a nonce twice.
#[derive(Debug)]
pub(crate) struct DataCipher {
    key: LessSafeKey,
}

/// The bytes were not encrypted under this key with this context, or have been changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

impl DataCipher {
    pub(crate) fn new(key: &DataKey) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("a data key has the length that AES-256 takes");
        Self { key: LessSafeKey::new(key) }
    }

    /// Encrypts in place; answers the tag.
    pub(crate) fn seal(&self, nonce: [u8; NONCE_BYTES], context: &[u8], bytes: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), bytes)
            .expect("batches are far shorter than what AES-GCM can encrypt");
        let mut out = [0; TAG_BYTES];
        out.copy_from_slice(tag.as_ref());
        out
    }

    /// Decrypts in place what is followed by its tag; answers the length of the plain bytes.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_BYTES],
        context: &[u8],
        bytes_and_tag: &mut [u8],
    ) -> Result<usize, NotAuthentic> {
        self.key
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(context), bytes_and_tag)
            .map(|plain| plain.len())
            .map_err(|_| NotAuthentic)
    }
}

pub(crate) fn random_data_key() -> DataKey {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).expect("the operating system provides random numbers");
    key
}

pub(crate) fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system provides random numbers");
    u64::from_le_bytes(bytes)
}
