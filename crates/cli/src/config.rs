//! `anabranch config`: what a server would run with, and why.

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Subcommand};
use serde_json::json;
use toml::{Table, Value};

use crate::failure::{Failure, SUCCESS};
use crate::output::{self, Format};
use crate::settings_flags::{SettingsFlags, effective};

#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Box<Check>),
}

/// Print the settings that `serve` would run with, and where each comes from
///
/// Takes the same flags and variables as `serve`, and looks at the files that they name without changing anything. The exit
/// code is 2 when the settings cannot be used.
#[derive(Debug, Args)]
struct Check {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    settings: SettingsFlags,
}

pub fn run(config: &Config, matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let Command::Check(check) = &config.command;
    let matches = matches.subcommand().and_then(|(_, config)| config.subcommand()).map(|(_, check)| check);
    let file = as_table(check.settings.file_layer()?)?;
    let settings = check.settings.resolve()?;
    node::preflight(&settings).map_err(|error| Failure::usage(error.to_string()))?;
    let values = as_table(effective(&settings))?;
    let path = check.settings.config.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    let rows: Vec<Row> = NAMES
        .iter()
        .map(|name| {
            let source = match matches.and_then(|matches| matches.value_source(&name.replace('-', "_"))) {
                Some(ValueSource::CommandLine) => format!("--{name}"),
                Some(ValueSource::EnvVariable) => format!("ANABRANCH_{}", name.replace('-', "_").to_uppercase()),
                _ if file.contains_key(*name) => path.clone(),
                _ => "default".to_owned(),
            };
            Row { name, value: values.get(*name), source }
        })
        .collect();
    print(&rows, check.output)?;
    Ok(SUCCESS)
}

struct Row<'a> {
    name: &'static str,
    /// `None` when the setting is left open.
    value: Option<&'a Value>,
    source: String,
}

fn print(rows: &[Row<'_>], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        let rows = rows.iter().map(|row| json!({ "Name": row.name, "Value": row.value, "Source": row.source }));
        return output::print_json(&rows.collect());
    }
    let mut table = output::table(&["setting", "value", "from"]);
    for row in rows {
        let value = match row.value {
            None => "-".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        table.add_row([row.name, &value, &row.source]);
    }
    output::print_table(&table)
}

fn as_table(layer: node::settings::Layer) -> Result<Table, Failure> {
    Table::try_from(layer).map_err(|error| Failure::new(format!("the settings cannot be printed: {error}")))
}

/// Every setting, in the order in which it is documented.
const NAMES: [&str; 23] = [
    "data",
    "listen",
    "tls",
    "tls-listen",
    "region",
    "account",
    "auth",
    "access-key-id",
    "secret-access-key",
    "limits",
    "durability",
    "dev",
    "transition-delay",
    "root-key-file",
    "tail-memory",
    "append-memory",
    "journal-file",
    "body-memory",
    "connections-max",
    "worker-threads",
    "drain",
    "log-level",
    "log-format",
];

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_flag_of_serve_is_a_setting() {
        let command = crate::command::Cli::command();
        let serve = command.find_subcommand("serve").expect("serve");
        let flags: Vec<&str> = serve
            .get_arguments()
            .filter(|flag| flag.get_help_heading() == Some("Settings"))
            .filter_map(clap::Arg::get_long)
            .filter(|name| *name != "config")
            .collect();
        assert_eq!(flags, NAMES);
    }

    #[test]
    fn every_flag_of_every_command_has_help_text() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            assert!(command.get_about().is_some(), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        let mut command = crate::command::Cli::command();
        command.build();
        check(&command);
    }
}
