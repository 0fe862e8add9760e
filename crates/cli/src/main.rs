//! The `anabranch` command: the server, and commands for people that speak to any Kinesis API.
//!
//! Exit codes: 0 done, 1 failed, 2 not understood, 130 stopped by a signal before it was done.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod command;

mod agent;
mod completions;
mod config;
mod keys;
mod put;
mod serve;
mod settings_flags;
mod stream;
mod tail;
mod top;

mod connect;
mod failure;
mod lineage;
mod output;
mod stop;

fn main() -> std::process::ExitCode {
    command::run(std::env::args_os())
}
