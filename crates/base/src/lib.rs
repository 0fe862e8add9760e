//! The words that every room shares: identifiers, ARNs, hash keys, sequence numbers, time, and the
//! contract between typed API shapes and the encodings they travel in.
//!
//! This crate does no I/O, knows no HTTP and has no async runtime.

pub mod arn;
pub mod caller;
pub mod codec;
pub mod hash_key;
pub mod ids;
pub mod limits;
pub mod md5;
pub mod sequence;
pub mod time;
pub mod violations;

pub use bytes::{Bytes, BytesMut};
pub use bytestring::ByteString;

/// A future on the heap, as every object-safe asynchronous port returns it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
