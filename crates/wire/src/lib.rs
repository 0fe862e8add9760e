//! Bytes in, bytes out: the encodings, event streams, signatures and error bodies of AWS's protocols.
//!
//! Everything here is a pure function of its input. This crate opens no socket, starts no task, reads no clock
//! and knows no service: bodies, headers, credentials and the time are handed in.

pub mod protocol;

pub mod cbor;
pub mod json;
pub mod query;

pub mod gzip;

pub mod error_body;
pub mod event_stream;
pub mod front_door;

pub mod sigv4;

pub mod kpl;

mod base64;
mod calendar;
mod coral;
mod hex;
mod iso8601;
mod structures;

pub use protocol::Protocol;

/// Structures, lists and maps of a body nest at most this deep, known to the shape or not.
pub const DEPTH_MAX: usize = 128;
