//! The two halves of an access key: how they look and how they are made.

use std::fmt;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base::ids::AccountId;

/// Letters and digits that identifiers of keys are made of; 32, so that five random bits pick one.
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// AWS's prefix of keys that do not expire.
const ID_PREFIX: &str = "AKIA";
const ID_RANDOM_CHARS: usize = 16;
/// In base64 exactly the 40 characters of AWS's secrets.
const SECRET_BYTES: usize = 30;

/// A key as it is shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewKey {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub account: AccountId,
}

impl NewKey {
    pub(crate) fn random(account: AccountId) -> Self {
        let id: String =
            random::<ID_RANDOM_CHARS>().iter().map(|byte| char::from(ID_ALPHABET[usize::from(byte % 32)])).collect();
        Self {
            access_key_id: format!("{ID_PREFIX}{id}"),
            secret_access_key: base64_simd::STANDARD.encode_to_string(random::<SECRET_BYTES>()),
            account,
        }
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("access_key_id", &self.access_key_id)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Whether the text can name an access key: 16 to 128 letters, digits or underscores, as in AWS.
#[must_use]
pub fn is_access_key_id(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system always has randomness once it has started");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_look_like_those_of_aws() {
        let key = NewKey::random(AccountId::zero());
        assert_eq!(key.access_key_id.len(), 20);
        assert!(key.access_key_id.starts_with("AKIA") && is_access_key_id(&key.access_key_id));
        assert_eq!(key.secret_access_key.len(), 40);
        assert_ne!(key, NewKey::random(AccountId::zero()));
        assert!(!format!("{key:?}").contains(&key.secret_access_key));
    }

    #[test]
    fn ids_have_rules() {
        assert!(is_access_key_id("AKIAIOSFODNN7EXAMPLE"));
        for text in ["", "AKIA", "AKIAIOSFODNN7/EXAMPLE", "AKIAIOSFODNN7EXAMPL\u{c9}"] {
            assert!(!is_access_key_id(text), "{text}");
        }
    }
}
