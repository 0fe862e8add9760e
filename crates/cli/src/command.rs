//! The command line as a whole, and the way from it to one command.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::failure::{Failure, SUCCESS};
use crate::{agent, completions, config, keys, put, serve, stream, tail, top};

/// Amazon Kinesis as open software: the server, and commands for people.
///
/// Exit codes: 0 done, 1 failed, 2 the command line was not understood, 130 stopped by Ctrl-C or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "anabranch", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

// A text here would take the place of the longer one that a command has itself.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    /// Look at the settings of a server
    Config(config::Config),
    Keys(keys::Keys),
    /// Create, look at, reshard and delete streams
    Stream(stream::Stream),
    Put(put::Put),
    Tail(tail::Tail),
    Top(top::Top),
    Agent(agent::Agent),
    Completions(completions::Completions),
}

/// Runs the command that `arguments` ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        // Help and version are errors to the parser, with the exit code of success.
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(&matches) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn dispatch(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let cli = Cli::from_arg_matches(matches).map_err(|error| Failure::usage(error.to_string()))?;
    match cli.command {
        Command::Serve(command) => serve::run(&command),
        Command::Config(command) => config::run(&command, matches),
        Command::Keys(command) => keys::run(command),
        Command::Stream(command) => with_runtime(stream::run(command)),
        Command::Put(command) => with_runtime(put::run(command)),
        Command::Tail(command) => with_runtime(tail::run(command)),
        Command::Top(command) => with_runtime(top::run(command)),
        Command::Agent(command) => with_runtime(agent::run(command)),
        Command::Completions(command) => {
            completions::run(&command, &mut Cli::command())?;
            Ok(SUCCESS)
        }
    }
}

/// People's commands do little at a time: one thread serves them.
fn with_runtime(command: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let result = runtime.block_on(command);
    // A thread that waits for standard input must not hold the process.
    runtime.shutdown_background();
    result
}
