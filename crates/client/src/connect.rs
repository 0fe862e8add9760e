//! Port: how connections to the server are opened, for networks that are not the operating system's.

use std::io;

use base::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::endpoint::Endpoint;

/// A connection that bytes go over in order, both ways.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// Opens connections, in plain text whatever the endpoint says.
pub trait Connect: Send + Sync {
    /// # Errors
    /// When the server cannot be reached.
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Socket>>>;
}
