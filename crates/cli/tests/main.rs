//! The `anabranch` binary as people use it.

mod harness;

mod agent;
mod failures;
mod help;
mod keys;
mod pipes;
mod round_trip;
mod serve;
mod settings;
mod signals;
mod streams;
