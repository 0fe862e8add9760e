//! `anabranch keys`: who may use a server.
//!
//! Works on the data directory, so that the first key does not need a key; a running server learns of changes within
//! seconds.

use std::path::PathBuf;
use std::process::ExitCode;

use base::ids::AccountId;
use clap::{Args, Subcommand};
use node::settings::Layer;
use serde_json::json;

use crate::failure::{Failure, SUCCESS};
use crate::output::{self, Format};

/// The file that every data directory has once it was used.
const CATALOG: &str = "catalog.db";

/// Make, list and delete access keys of a data directory
///
/// A running server learns of changes within seconds.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key and print it; its secret is shown this once
    Create {
        /// Account that the key acts for [default: that of the settings, or 000000000000]
        #[arg(long)]
        account: Option<AccountId>,
        #[command(flatten)]
        common: Common,
    },
    /// List the keys, without their secrets
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Delete a key: requests signed with it are refused from then on
    Delete {
        /// The key's id, such as AKIAIOSFODNN7EXAMPLE
        access_key_id: String,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
    /// Data directory of the server [default: anabranch-data]
    #[arg(long, value_name = "DIR", env = "ANABRANCH_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// File with the root key [default: one in the data directory]
    #[arg(long, value_name = "FILE", env = "ANABRANCH_ROOT_KEY_FILE", hide_env_values = true)]
    root_key_file: Option<PathBuf>,
    /// Settings file of the server, for what no flag says
    #[arg(long, value_name = "FILE", env = "ANABRANCH_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

pub fn run(keys: Keys) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::io("cannot start", &error))?;
    runtime.block_on(async {
        match keys.command {
            Command::Create { account, common } => create(account, &common).await,
            Command::List { common } => list(&common).await,
            Command::Delete { access_key_id, common } => delete(&access_key_id, &common).await,
        }
    })?;
    Ok(SUCCESS)
}

async fn create(account: Option<AccountId>, common: &Common) -> Result<(), Failure> {
    let key =
        common.open(Missing::Make).await?.create(account).await.map_err(|error| Failure::new(error.to_string()))?;
    if common.output == Format::Json {
        return output::print_json(&json!({
            "AccessKeyId": key.access_key_id,
            "SecretAccessKey": key.secret_access_key,
            "Account": key.account.as_str(),
        }));
    }
    output::print(&format!(
        "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}",
        key.access_key_id, key.secret_access_key
    ))
}

async fn list(common: &Common) -> Result<(), Failure> {
    let keys = common.open(Missing::Refuse).await?.list().await.map_err(|error| Failure::new(error.to_string()))?;
    if common.output == Format::Json {
        let keys = keys.iter().map(|key| {
            json!({
                "AccessKeyId": key.access_key_id,
                "Account": key.account.as_str(),
                "CreateDate": output::time(key.created),
            })
        });
        return output::print_json(&keys.collect());
    }
    let mut table = output::table(&["access key id", "account", "created"]);
    for key in keys {
        table.add_row([key.access_key_id, key.account.to_string(), output::time(key.created)]);
    }
    output::print_table(&table)
}

async fn delete(access_key_id: &str, common: &Common) -> Result<(), Failure> {
    common.open(Missing::Refuse).await?.delete(access_key_id).await.map_err(|error| Failure::new(error.to_string()))?;
    match common.output {
        Format::Json => output::print_json(&json!({ "AccessKeyId": access_key_id })),
        Format::Table => output::print(&format!("Key {access_key_id} deleted")),
    }
}

/// What to do about a data directory that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Its first key may come before the first start.
    Make,
    /// There is nothing to look at.
    Refuse,
}

impl Common {
    async fn open(&self, missing: Missing) -> Result<node::keys::Keys, Failure> {
        let file = match &self.config {
            Some(path) => Layer::read(path).map_err(|error| Failure::usage(error.to_string()))?,
            None => Layer::default(),
        };
        let said = Layer { data: self.data.clone(), root_key_file: self.root_key_file.clone(), ..Default::default() };
        let settings = said.over(file).resolve().map_err(|error| Failure::usage(error.to_string()))?;
        if missing == Missing::Refuse && !settings.data.join(CATALOG).exists() {
            return Err(Failure::new(format!(
                "{} is not a data directory; name one with --data, as for `anabranch serve`",
                settings.data.display()
            )));
        }
        node::keys::Keys::open(&settings).await.map_err(|error| Failure::new(error.to_string()))
    }
}
