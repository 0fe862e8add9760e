//! The gateway over real sockets, with a service that does little.

mod fake;
mod support;

mod control_api;
mod drain;
mod errors;
mod gzip;
mod hostile;
mod http1;
mod http2;
mod json_1_0;
mod limits;
mod query;
mod rpc_v2;
mod signatures;
mod tls;
