//! Automation of the workspace: `cargo xtask <command>`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod bench;
mod codegen;
mod fuzz;
mod proof;
mod sim;
mod test;
mod tidy;

const HELP: &str = "usage: cargo xtask <command>

commands:
  codegen                      write crates/api from models/
  codegen --check              fail when crates/api differs from what models/ would give
  codegen --extract DIRECTORY  rewrite models/ from a botocore data directory
  tidy                         check the rules that no compiler holds
  test [--quick] [--only NAME] everything that must hold; sets itself up
  bench [NAME]...              measure, print and record the numbers of docs/bench.md
  bench peers [NAME]...        the same side by side with other servers; installs them under target/peers
  proof [ROW]...               prove that nothing acknowledged is lost; see docs/proof.md
  sim [--seeds A..B] [--trace] simulate whole nodes from seeds; see docs/adr/0006-simulation.md
  fuzz [TARGET]... [--seconds N] [--corpus-only]
                               feed parsers and recovery with odd bytes; targets are in fuzz/targets";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.split_first() {
        Some((&"codegen", rest)) => codegen::run(rest),
        Some((&"tidy", [])) => tidy::run(),
        Some((&"test", rest)) => test::run(rest),
        Some((&"bench", rest)) => bench::run(rest),
        Some((&"proof", rest)) => proof::run(rest),
        Some((&"sim", rest)) => sim::run(rest),
        Some((&"fuzz", rest)) => fuzz::run(rest),
        _ => Err(HELP.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies inside the workspace").to_owned()
}
