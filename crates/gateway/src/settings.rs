//! What of the gateway can be set.

use std::time::Duration;

use base::ids::{AccountId, Region};
use base::limits::{MIB, REQUEST_BODY_BYTES_MAX};

/// How requests are placed in accounts and regions, and the limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region of every request; `None`: the one it was signed for.
    pub region: Option<Region>,
    /// The region of a request that names none, which only passes when authentication is off.
    pub region_default: Region,
    /// The account of every request when authentication is off.
    pub account: AccountId,
    pub limits: Limits,
}

/// What one client may take of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest body of a request.
    pub body_bytes_max: usize,
    /// Memory for the bodies of all requests that are being read or run, and as much for answers that are not read.
    pub body_memory_bytes: usize,
    /// How long a request waits for that memory before it is told to slow down.
    pub body_memory_wait: Duration,
    /// Open connections; more wait in the listener's queue.
    pub connections_max: usize,
    /// From the connection's beginning to the end of the head of its first request, TLS included.
    pub first_request: Duration,
    /// Between requests of a connection.
    pub idle: Duration,
    /// Between two pieces of a body.
    pub body_idle: Duration,
    /// For a whole body.
    pub body_whole: Duration,
    /// For the client to take what an event stream has for it.
    pub stall: Duration,
    /// For the rest of a request that has not arrived whole when the gateway stops.
    pub last_request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: REQUEST_BODY_BYTES_MAX,
            body_memory_bytes: 256 * MIB,
            body_memory_wait: Duration::from_secs(10),
            connections_max: 10_000,
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            body_idle: Duration::from_secs(15),
            body_whole: Duration::from_secs(120),
            stall: Duration::from_secs(60),
            last_request: Duration::from_secs(1),
        }
    }
}
