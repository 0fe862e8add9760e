//! `anabranch completions`: what a shell offers when Tab is pressed.

use clap::{Args, Command};
use clap_complete::Shell;

/// Print the completions for a shell
///
/// For bash: anabranch completions bash > ~/.local/share/bash-completion/completions/anabranch
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

pub fn run(completions: &Completions, command: &mut Command) {
    clap_complete::generate(completions.shell, command, "anabranch", &mut std::io::stdout());
}
