//! Tokens that clients carry and cannot read or forge: AES-256-GCM under a key of the catalog, in base64.
//!
//! Layout before base64: `nonce, 12 bytes | ciphertext | tag, 16 bytes`. The kind of token is authenticated with
//! it, so that a page token is no iterator.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base::ByteString;
use thiserror::Error;

/// The token was not sealed by this server, or has been changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("token was not made by this server")]
pub struct ForeignToken;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    ShardIterator,
    ShardPage,
    ConsumerPage,
    StreamPage,
}

impl TokenKind {
    fn tag(self) -> &'static [u8] {
        match self {
            Self::ShardIterator => b"shard iterator",
            Self::ShardPage => b"shard page",
            Self::ConsumerPage => b"consumer page",
            Self::StreamPage => b"stream page",
        }
    }
}

/// Seals and opens tokens.
pub struct Seal {
    key: LessSafeKey,
}

impl Seal {
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes");
        Self { key: LessSafeKey::new(key) }
    }

    #[must_use]
    pub fn seal(&self, kind: TokenKind, content: &[u8]) -> ByteString {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).expect("the operating system provides random bytes");
        let mut token = Vec::with_capacity(NONCE_LEN + content.len() + AES_256_GCM.tag_len());
        token.extend_from_slice(&nonce);
        token.extend_from_slice(content);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(kind.tag()),
                &mut token[NONCE_LEN..],
            )
            .expect("tokens are far below the cipher's limit");
        token.extend_from_slice(tag.as_ref());
        ByteString::from(base64_simd::STANDARD.encode_to_string(&token))
    }

    /// The content of a token.
    ///
    /// # Errors
    /// When the token is of another kind or another server, or has been changed.
    pub fn open(&self, kind: TokenKind, token: &str) -> Result<Vec<u8>, ForeignToken> {
        let mut sealed = base64_simd::STANDARD.decode_to_vec(token).map_err(|_| ForeignToken)?;
        let (nonce, sealed) = sealed.split_first_chunk_mut::<NONCE_LEN>().ok_or(ForeignToken)?;
        let content = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(kind.tag()), sealed)
            .map_err(|_| ForeignToken)?;
        Ok(content.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_maker_opens_a_token() {
        let seal = Seal::new(&[7; 32]);
        let token = seal.seal(TokenKind::ShardIterator, b"content");
        assert_eq!(seal.open(TokenKind::ShardIterator, &token), Ok(b"content".to_vec()));
        assert_eq!(seal.open(TokenKind::ShardPage, &token), Err(ForeignToken));
        assert_eq!(Seal::new(&[8; 32]).open(TokenKind::ShardIterator, &token), Err(ForeignToken));
        assert_ne!(token, seal.seal(TokenKind::ShardIterator, b"content"));
    }

    #[test]
    fn nonsense_is_refused() {
        let seal = Seal::new(&[7; 32]);
        let token = seal.seal(TokenKind::ShardIterator, b"content");
        for nonsense in ["", "a", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(seal.open(TokenKind::ShardIterator, nonsense), Err(ForeignToken));
        }
        for i in 0..token.len() {
            let mut changed = token.to_string().into_bytes();
            changed[i] = if changed[i] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(seal.open(TokenKind::ShardIterator, &changed).is_err(), "byte {i}");
        }
    }
}
