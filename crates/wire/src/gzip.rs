//! Bodies with `Content-Encoding: gzip` (RFC 1952). A few bytes can stand for very many, so that nothing is
//! decompressed before it is known how much that will be.

use std::io::Read as _;

use base::limits::MIB;
use bytes::Bytes;
use flate2::bufread::GzDecoder;
use thiserror::Error;

/// How many times its own size a body may grow to.
const RATIO_MAX: usize = 200;
/// What any body may grow to: calls that repeat themselves compress better than that.
const RATIO_FREE_BYTES: usize = MIB;
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Head, the shortest content, and foot.
const GZIP_BYTES_MIN: usize = 20;

/// A body that is not decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GzipError {
    #[error("the body is not gzip, as its Content-Encoding says")]
    Malformed,
    #[error("the body would have more than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
}

/// A compressed body of one member.
#[derive(Debug, Clone, Copy)]
pub struct Gzip<'a> {
    body: &'a [u8],
    len: usize,
}

impl<'a> Gzip<'a> {
    /// Looks at what the body says of its length.
    ///
    /// # Errors
    /// When that is more than `bytes_max`, or out of proportion, or when the body is not gzip.
    pub fn new(body: &'a [u8], bytes_max: usize) -> Result<Self, GzipError> {
        let is_gzip = body.len() >= GZIP_BYTES_MIN && body.starts_with(&MAGIC);
        let foot = body.last_chunk::<4>().filter(|_| is_gzip).ok_or(GzipError::Malformed)?;
        // Modulo 2^32: one that lies is found out while it is decompressed.
        let len = usize::try_from(u32::from_le_bytes(*foot)).map_err(|_| GzipError::Malformed)?;
        let bytes_max = bytes_max.min(RATIO_FREE_BYTES.max(body.len().saturating_mul(RATIO_MAX)));
        if len > bytes_max { Err(GzipError::TooLarge { bytes_max }) } else { Ok(Self { body, len }) }
    }

    /// The bytes that it stands for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// # Errors
    /// When the body is damaged, or is not as long as it says, or goes on behind its end.
    pub fn inflate(&self) -> Result<Bytes, GzipError> {
        let mut decoder = GzDecoder::new(self.body);
        let mut out = Vec::with_capacity(self.len);
        // The decoder compares length and checksum when it comes to the end, one byte behind the last.
        let most = self.len as u64 + 1;
        decoder.by_ref().take(most).read_to_end(&mut out).map_err(|_| GzipError::Malformed)?;
        if out.len() == self.len && decoder.into_inner().is_empty() {
            Ok(out.into())
        } else {
            Err(GzipError::Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn compressed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).expect("a buffer in memory takes every write");
        encoder.finish().expect("a buffer in memory takes every write")
    }

    fn inflated(body: &[u8], bytes_max: usize) -> Result<Bytes, GzipError> {
        Gzip::new(body, bytes_max)?.inflate()
    }

    #[test]
    fn the_empty_body() {
        let body = compressed(b"");
        assert_eq!(body.len(), GZIP_BYTES_MIN);
        assert_eq!(inflated(&body, 0), Ok(Bytes::new()));
    }

    #[test]
    fn growth_is_limited() {
        let body = compressed(&[b'x'; 1000]);
        assert_eq!(inflated(&body, 1000).expect("small enough").len(), 1000);
        assert_eq!(inflated(&body, 999), Err(GzipError::TooLarge { bytes_max: 999 }));
        let free = compressed(&vec![0; RATIO_FREE_BYTES]);
        assert!(free.len() * RATIO_MAX < RATIO_FREE_BYTES);
        assert_eq!(inflated(&free, usize::MAX).expect("whatever the ratio").len(), RATIO_FREE_BYTES);
        let bomb = compressed(&vec![0; RATIO_FREE_BYTES + 1]);
        assert_eq!(inflated(&bomb, usize::MAX), Err(GzipError::TooLarge { bytes_max: RATIO_FREE_BYTES }));
    }

    #[test]
    fn bodies_that_lie_are_refused() {
        let body = compressed(&[b'x'; 1000]);
        for len in [0_u32, 1, 999, 1001, 100_000] {
            let mut body = body.clone();
            let at = body.len() - 4;
            body[at..].copy_from_slice(&len.to_le_bytes());
            assert_eq!(inflated(&body, usize::MAX), Err(GzipError::Malformed), "{len}");
        }
        let mut longer = body.clone();
        longer.extend_from_slice(&1000_u32.to_le_bytes());
        assert_eq!(inflated(&longer, usize::MAX), Err(GzipError::Malformed));
        let twice = [&body[..], &body[..]].concat();
        assert_eq!(inflated(&twice, usize::MAX), Err(GzipError::Malformed));
        for end in 0..body.len() {
            assert!(inflated(&body[..end], usize::MAX).is_err(), "{end}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn contents_come_back(content in prop::collection::vec(any::<u8>(), 0..5000), repeat in 1_usize..20) {
            let content = content.repeat(repeat);
            prop_assert_eq!(inflated(&compressed(&content), content.len()), Ok(Bytes::from(content)));
        }

        #[test]
        fn damage_is_found_out(body in prop::collection::vec(any::<u8>(), 0..100), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let _ = inflated(&body, 10_000);
            let mut damaged = compressed(&body);
            let at = at.index(damaged.len());
            damaged[at] ^= 1 << bit;
            // Some bits mean nothing: those of the time in the head, say, and the last ones of the content.
            let read = inflated(&damaged, 10_000);
            prop_assert!(read.is_err() || read == Ok(Bytes::from(body)));
        }
    }
}
