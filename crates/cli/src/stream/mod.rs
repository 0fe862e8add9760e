//! `anabranch stream`: what one does with streams as a whole.

use std::process::ExitCode;

use base::ByteString;
use clap::{Args, Subcommand};

use crate::connect::{ConnectFlags, Session};
use crate::failure::{Failure, SUCCESS};
use crate::output::Format;

mod create;
mod delete;
mod list;
mod merge;
mod scale;
mod show;
mod split;

#[derive(Debug, Args)]
pub struct Stream {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Split(split::Split),
    Merge(merge::Merge),
    Scale(scale::Scale),
    Delete(delete::Delete),
}

/// What every command on streams has.
#[derive(Debug, Args)]
struct Common {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    connect: ConnectFlags,
}

pub async fn run(stream: Stream) -> Result<ExitCode, Failure> {
    match stream.command {
        Command::Create(command) => create::run(command).await?,
        Command::List(command) => list::run(command).await?,
        Command::Show(command) => show::run(command).await?,
        Command::Split(command) => split::run(command).await?,
        Command::Merge(command) => merge::run(command).await?,
        Command::Scale(command) => scale::run(command).await?,
        Command::Delete(command) => delete::run(command).await?,
    }
    Ok(SUCCESS)
}

/// Waits if asked to, then prints the stream.
async fn show_after(session: &Session, name: &str, wait: bool, output: Format) -> Result<(), Failure> {
    if wait {
        session.settle(name).await?;
    }
    show::print(session, name, output).await
}

#[expect(clippy::unnecessary_wraps, reason = "inputs of the API want an option")]
fn named(name: &str) -> Option<ByteString> {
    Some(ByteString::from(name))
}
