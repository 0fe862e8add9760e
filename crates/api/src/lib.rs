//! The AWS APIs that this server speaks, as types and one trait per service.
//!
//! A module per service is generated from the facts under `models/` by `cargo xtask codegen` and never edited by
//! hand. What is here beside them is small: how the gateway sees any service ([`service`]), and the helpers that
//! generated code calls.

pub mod service;

pub mod cloudwatch;
pub mod dynamodb;
pub mod firehose;
pub mod kinesis;
pub mod sts;

pub mod check;
pub mod packed;
pub mod pattern;
pub mod read;

pub use service::{CallError, Event, EventStream, Failure, ModeledError, OperationModel, Reply, Service, ServiceModel};
