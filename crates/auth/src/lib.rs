//! Who is calling: access keys, kept in the catalog with their secrets encrypted, and answered from memory; and STS,
//! which tells callers who they are.
//!
//! Verifying a signature is `wire`'s part; this crate supplies the secrets for it. It opens no file and logs
//! nothing.

mod keys;
mod rows;
mod secret;
mod sts;

pub use keys::{AccessKeys, KeySummary, KeysError};
pub use secret::{NewKey, is_access_key_id};
pub use sts::Sts;
