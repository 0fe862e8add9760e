//! Whole nodes, through their sockets.

mod client;

mod dev;
mod keys;
mod lifecycle;
mod lost;
mod pages;
mod preflight;
mod tls;
