#![doc = include_str!("../README.md")]

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
mod span;
mod tls;

pub use builder::{Builder, ServiceClient};
pub use connect::{Connect, Socket};
pub use consumer::Consumer;
pub use credentials::{Credentials, CredentialsError, CredentialsSource};
pub use dynamodb::DynamoDbClient;
pub use endpoint::{Endpoint, EndpointError};
pub use failure::ClientError;
pub use firehose::FirehoseClient;
pub use kinesis::KinesisClient;
pub use post::post_json;
pub use producer::Producer;
pub use profile::{Profile, ProfileError};
pub use transport::PlainReply;

// What the public items above are made of, so that a program depends on this crate alone.
pub use api;
pub use base::caller::Caller;
pub use base::hash_key::HashKey;
pub use base::ids::{AccountId, InvalidId, Region};
pub use base::time::Timestamp;
pub use base::{BoxFuture, ByteString, Bytes};
