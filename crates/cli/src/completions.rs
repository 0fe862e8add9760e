//! `anabranch completions`: what a shell offers when Tab is pressed.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output;

/// Print the completions for a shell
///
/// For bash: anabranch completions bash > ~/.local/share/bash-completion/completions/anabranch
///
/// For fish: anabranch completions fish > ~/.config/fish/completions/anabranch.fish
///
/// For zsh: anabranch completions zsh > _anabranch, in a directory of $fpath, before compinit runs
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

pub fn run(completions: &Completions, command: &mut Command) -> Result<(), Failure> {
    // Not straight to standard output, where a reader that has seen enough would be a panic.
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, command, "anabranch", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())
}
