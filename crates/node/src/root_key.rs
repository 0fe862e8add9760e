//! The root key of one machine: 32 bytes in a file.
//!
//! A wrapped data key is `nonce 12 bytes | data key, AES-256-GCM | tag 16 bytes`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::rand;
use store::root_key::{DataKey, RootKey, UnwrapError};

pub const ROOT_KEY_BYTES: usize = 32;
/// Authenticated with every data key, so that nothing else that this key might encrypt passes for one.
const PURPOSE: &[u8] = b"anabranch data key";
/// Bytes of the key's digest in its id.
const ID_BYTES: usize = 8;

/// A root key in this process's memory.
pub struct LocalRootKey {
    id: String,
    cipher: LessSafeKey,
}

impl LocalRootKey {
    pub fn new(key: &[u8; ROOT_KEY_BYTES]) -> Self {
        let digest = digest::digest(&digest::SHA256, key);
        let hex: String = digest.as_ref()[..ID_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        let cipher = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 has keys of 32 bytes");
        Self { id: format!("local-{hex}"), cipher: LessSafeKey::new(cipher) }
    }

    /// The bytes of a new key.
    pub fn random() -> [u8; ROOT_KEY_BYTES] {
        random()
    }
}

/// Collects entropy for this process's randomness, which takes tens of milliseconds of one processor the first time.
pub fn seed_randomness() {
    random::<1>();
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system always has randomness once it has started");
    bytes
}

impl RootKey for LocalRootKey {
    fn id(&self) -> &str {
        &self.id
    }

    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = data_key.to_vec();
        self.cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(PURPOSE), &mut sealed)
            .expect("32 bytes are far less than AES-GCM can encrypt");
        [nonce.as_slice(), &sealed].concat()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        let error = |reason: &str| UnwrapError { root_key_id: self.id.clone(), reason: reason.to_owned() };
        let (nonce, sealed) = wrapped.split_at_checked(NONCE_LEN).ok_or_else(|| error("too short"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| error("too short"))?;
        let mut sealed = sealed.to_vec();
        let opened = self
            .cipher
            .open_in_place(nonce, Aad::from(PURPOSE), &mut sealed)
            .map_err(|_| error("wrapped by another root key, or changed"))?;
        <DataKey>::try_from(&*opened).map_err(|_| error("not a data key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_wrapped_is_unwrapped() {
        let key = LocalRootKey::new(&[1; 32]);
        let wrapped = key.wrap(&[9; 32]);
        assert_eq!(key.unwrap(&wrapped), Ok([9; 32]));
        assert_ne!(key.wrap(&[9; 32]), wrapped, "nonces differ");
        for place in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[place] ^= 1;
            assert!(key.unwrap(&changed).is_err());
            assert!(key.unwrap(&wrapped[..place]).is_err());
        }
        let other = LocalRootKey::new(&[2; 32]);
        assert!(other.unwrap(&wrapped).is_err());
        assert_ne!(other.id(), key.id());
    }
}
