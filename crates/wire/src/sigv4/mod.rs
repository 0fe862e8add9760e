//! AWS Signature Version 4, both ends: the server verifies, clients sign.
//!
//! In the `Authorization` header or in the query (presigned). Nothing here compares secrets in a time that depends
//! on them, and every doubt is answered with a refusal.

mod canonical;
mod date;
mod error;
mod keys;
mod parse;
mod sign;
mod verify;

pub use canonical::SignedRequest;
pub use error::AuthError;
pub use sign::{Presign, SignError, Signer, SigningCredentials, ToSign};
pub use verify::{ExpectedService, Identity, Verifier};

/// The one algorithm that is spoken.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What ends every credential scope.
const TERMINATOR: &str = "aws4_request";
/// In place of a body's digest: the body is not signed.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// Longest life of a presigned request.
const EXPIRES_SECONDS_MAX: u64 = 604_800;
