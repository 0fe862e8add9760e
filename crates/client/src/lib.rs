//! Clients of Kinesis and of the services that its users need beside it.
//!
//! [`KinesisClient`] implements [`api::kinesis::Kinesis`] over HTTP/1.1, [`DynamoDbClient`] its counterpart. They sign
//! every request, keep connections open for the next one, and retry what the service says may be retried. They never
//! read more of an answer than their limit, and never retry without an end.

pub mod consumer;
pub mod producer;

mod builder;

mod dynamodb;
mod firehose;
mod kinesis;
mod service;
mod shards;

mod events;
mod failure;
mod retry;
mod transport;

mod connect;
mod counter;
mod credentials;
mod endpoint;
mod pool;
mod post;
mod profile;
mod tls;

pub use builder::{Builder, ServiceClient};
pub use connect::{Connect, Socket};
pub use consumer::Consumer;
pub use credentials::{Credentials, CredentialsError};
pub use dynamodb::DynamoDbClient;
pub use endpoint::{Endpoint, EndpointError};
pub use failure::ClientError;
pub use firehose::FirehoseClient;
pub use kinesis::KinesisClient;
pub use post::post_json;
pub use producer::Producer;
pub use profile::{Profile, ProfileError};
pub use transport::PlainReply;

/// The example of the book compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/book/client.md")]
struct Book;
