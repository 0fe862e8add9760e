//! A client of the Kinesis API: [`KinesisClient`] implements [`api::kinesis::Kinesis`] over HTTP/1.1.
//!
//! It signs every request, keeps connections open for the next one, and retries what the service says may be
//! retried. It never reads more of an answer than its limit, and never retries without an end.

mod builder;
mod kinesis;

mod call;
mod events;
mod failure;
mod retry;

mod connect;
mod credentials;
mod endpoint;
mod pool;
mod post;
mod profile;
mod tls;

pub use builder::{Builder, KinesisClient};
pub use call::PlainReply;
pub use connect::{Connect, Socket};
pub use credentials::{Credentials, CredentialsError};
pub use endpoint::{Endpoint, EndpointError};
pub use failure::ClientError;
pub use post::post_json;
pub use profile::{Profile, ProfileError};
