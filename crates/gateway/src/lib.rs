//! The one HTTP listener: HTTP/1.1 and HTTP/2 on the same port, TLS on another, limits, drain.
//!
//! The only crate that knows HTTP, and it knows no service: it is handed services as trait objects, and finds
//! the operation of a request by what the service's model says.

pub mod settings;

pub mod dev;
pub mod monitor;

mod server;

mod connection;
mod inlet;
mod router;

mod admit;
mod body_in;
mod budget;
mod call;
mod exchange;
mod identity;
mod reply;
mod unpack;

mod activity;
mod events;
mod origin;
mod random;
mod unabandoned;
mod unread;

pub use dev::DevControl;
pub use monitor::{Finished, Monitor};
pub use server::{Gateway, Listeners, Parts};
pub use settings::{Limits, Settings};
