//! Every option of a node: as layers that say some of them, and as the resolved whole.
//!
//! A layer comes from flags, variables or a TOML file. The caller puts them one over the other ([`Layer::over`])
//! and resolves the result, which fills in the defaults and checks what belongs together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::ids::{AccountId, Region};
use serde::{Deserialize, Serialize};
use store::shard_log::Durability;
use thiserror::Error;

mod address;
mod log_filter;
mod memory;
mod switch;
mod values;
mod variables;

pub use address::parse_address;
pub use switch::{Switch, parse_bool};
pub use values::{ByteSize, DurabilityMode, InvalidValue, Secret, Span, TlsMode};
pub use variables::{UnknownVariable, unknown_variables};

/// Above these a value is a slip of the finger.
const MEMORY_MAX: ByteSize = ByteSize::mib(16 << 20);
const CONNECTIONS_MAX: usize = 10_000_000;
const WORKER_THREADS_MAX: usize = 1024;

/// Settings that cannot be used, or not together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    #[error("{path} cannot be read: {reason}", path = path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{path} is not a settings file: {reason}", path = path.display())]
    Malformed { path: PathBuf, reason: String },
    #[error("{setting} {value:?}: {reason}")]
    Invalid { setting: &'static str, value: String, reason: String },
    #[error("{0}")]
    Conflict(String),
}

macro_rules! layer {
    ($($(#[$attribute:meta])* $name:ident: $type:ty,)*) => {
        /// Some of the settings; `None` leaves a setting to the layer below.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct Layer {
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
        }

        impl Layer {
            /// What this layer says, and what `below` says where this one is silent.
            #[must_use]
            pub fn over(self, below: Self) -> Self {
                Self { $($name: self.$name.or(below.$name),)* }
            }

            /// The names of all settings, as they are written in Rust.
            const NAMES: &[&str] = &[$(stringify!($name),)*];
        }
    };
}

layer! {
    /// The data directory.
    data: PathBuf,
    /// Address of the plaintext listener.
    #[serde(deserialize_with = "address::optional_address")]
    listen: SocketAddr,
    /// Where the TLS listener has its certificate from.
    tls: TlsMode,
    /// Address of the TLS listener.
    #[serde(deserialize_with = "address::optional_address")]
    tls_listen: SocketAddr,
    /// The one region that is served, whatever a request was signed for.
    region: String,
    /// Account of callers without a key, of the first key and of the key from the environment.
    account: String,
    /// Whether requests must be signed.
    auth: Switch,
    /// Access key that is known besides those in the data directory; goes with its secret.
    access_key_id: String,
    secret_access_key: Secret,
    /// Whether shards have AWS's limits of throughput.
    limits: Switch,
    /// What an acknowledged record has survived.
    durability: DurabilityMode,
    /// In memory, without authentication, with a control API.
    #[serde(deserialize_with = "switch::optional_bool")]
    dev: bool,
    /// How long streams stay in CREATING, UPDATING and DELETING.
    transition_delay: Span,
    /// File with the root key instead of the one in the data directory.
    root_key_file: PathBuf,
    /// Memory for recent records.
    tail_memory: ByteSize,
    /// Memory for appends on their way to the disk.
    append_memory: ByteSize,
    /// Size of one journal file.
    journal_file: ByteSize,
    /// Memory for request bodies.
    body_memory: ByteSize,
    /// Open connections, of both listeners together.
    connections_max: usize,
    /// Threads that serve requests.
    worker_threads: usize,
    /// How long a stopping node waits for requests that run.
    drain: Span,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,gateway=debug`.
    log_level: String,
    /// `text` or `json`.
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl std::str::FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is not text or json")),
        }
    }
}

impl Layer {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or has an unknown setting or an invalid value.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| SettingsError::Unreadable { path: path.to_owned(), reason: e.to_string() })?;
        Self::parse(&text).map_err(|reason| SettingsError::Malformed { path: path.to_owned(), reason })
    }

    /// Reads the text of a TOML file.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    /// Fills in the defaults and checks the whole.
    ///
    /// # Errors
    /// What cannot be used, or not together.
    pub fn resolve(self) -> Result<Settings, SettingsError> {
        let dev = self.dev.unwrap_or(false);
        let shares = memory::Shares::of(memory::limit());
        let settings = Settings {
            dev,
            data: self.data.clone().unwrap_or_else(|| PathBuf::from("anabranch-data")),
            listen: self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 4567))),
            tls: self.tls.clone().unwrap_or(TlsMode::Off),
            tls_listen: self.tls_listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 4568))),
            region: self.parse_region()?,
            account: self.parse_account()?,
            auth: self.auth.unwrap_or(if dev { Switch::Off } else { Switch::On }),
            environment_key: self.environment_key()?,
            limits: self.limits.unwrap_or(Switch::On),
            durability: self.durability.map_or(if dev { Durability::None } else { Durability::Sync }, |mode| mode.0),
            transition_delay: self.transition_delay.map_or(Duration::ZERO, |span| span.0),
            root_key_file: self.root_key_file.clone(),
            tail_memory: self.tail_memory.unwrap_or(shares.tail),
            append_memory: self.append_memory.unwrap_or(shares.append),
            journal_file: self.journal_file.unwrap_or(ByteSize::mib(64)),
            body_memory: self.body_memory.unwrap_or(shares.body),
            connections_max: self.connections_max.unwrap_or(10_000),
            worker_threads: self.worker_threads,
            drain: self.drain.map_or(Duration::from_secs(10), |span| span.0),
            log_level: self.log_level.clone().unwrap_or_else(|| "info".to_owned()),
            log_format: self.log_format.unwrap_or(LogFormat::Text),
        };
        settings.check(&self)?;
        Ok(settings)
    }

    fn parse_region(&self) -> Result<Option<Region>, SettingsError> {
        self.region.as_deref().map(|text| text.parse().map_err(|e| invalid("region", text, &e))).transpose()
    }

    fn parse_account(&self) -> Result<AccountId, SettingsError> {
        self.account
            .as_deref()
            .map_or(Ok(AccountId::zero()), |text| text.parse().map_err(|e| invalid("account", text, &e)))
    }

    fn environment_key(&self) -> Result<Option<(String, Secret)>, SettingsError> {
        match (&self.access_key_id, &self.secret_access_key) {
            (None, None) => Ok(None),
            (Some(id), Some(secret)) if auth::is_access_key_id(id) && !secret.0.is_empty() => {
                Ok(Some((id.clone(), secret.clone())))
            }
            (Some(id), Some(_)) => {
                Err(invalid("access-key-id", id, &"must be 16 to 128 letters, digits or _, with a secret"))
            }
            _ => Err(SettingsError::Conflict("access-key-id and secret-access-key go together".to_owned())),
        }
    }
}

fn invalid(setting: &'static str, value: &str, reason: &dyn std::fmt::Display) -> SettingsError {
    SettingsError::Invalid { setting, value: value.to_owned(), reason: reason.to_string() }
}

/// Every setting of a node, checked. Made by [`Layer::resolve`].
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub tls: TlsMode,
    pub tls_listen: SocketAddr,
    /// `None`: the region of each request's signature.
    pub region: Option<Region>,
    pub account: AccountId,
    pub auth: Switch,
    pub environment_key: Option<(String, Secret)>,
    pub limits: Switch,
    pub durability: Durability,
    pub dev: bool,
    pub transition_delay: Duration,
    pub root_key_file: Option<PathBuf>,
    pub tail_memory: ByteSize,
    pub append_memory: ByteSize,
    pub journal_file: ByteSize,
    pub body_memory: ByteSize,
    pub connections_max: usize,
    /// `None`: as many as the machine has cores.
    pub worker_threads: Option<usize>,
    pub drain: Duration,
    pub log_level: String,
    pub log_format: LogFormat,
}

impl Settings {
    /// What cannot go together. `said` is what the user wrote, so that defaults are not blamed.
    fn check(&self, said: &Layer) -> Result<(), SettingsError> {
        let conflict = |text: String| Err(SettingsError::Conflict(text));
        if self.dev && said.auth == Some(Switch::On) {
            return conflict("dev and auth on cannot go together: dev serves everybody on this machine".to_owned());
        }
        if self.dev && said.durability.is_some_and(|mode| mode.0 != Durability::None) {
            return conflict("dev keeps everything in memory: durability can only be none".to_owned());
        }
        let mut listeners = vec![("listen", self.listen)];
        if self.tls != TlsMode::Off {
            listeners.push(("tls-listen", self.tls_listen));
        }
        for (name, address) in listeners {
            if !address.ip().is_loopback() && !self.auth.is_on() {
                let why = if self.dev { "dev" } else { "auth off" };
                return conflict(format!(
                    "{why} with {name} {address}: a server without authentication listens on loopback addresses only, \
                     such as 127.0.0.1; give it auth, or put an authenticating proxy in front"
                ));
            }
        }
        if self.tls != TlsMode::Off && self.listen == self.tls_listen && self.listen.port() != 0 {
            return conflict(format!(
                "listen and tls-listen are both {}: plaintext and TLS need a port each",
                self.listen
            ));
        }
        self.check_sizes()?;
        match log_filter::fault(&self.log_level) {
            Some(fault) => Err(invalid("log-level", &self.log_level, &fault)),
            None => Ok(()),
        }
    }

    fn check_sizes(&self) -> Result<(), SettingsError> {
        let body_max = ByteSize(base::limits::REQUEST_BODY_BYTES_MAX);
        for (setting, value, least, most) in [
            ("body-memory", self.body_memory, body_max, MEMORY_MAX),
            ("append-memory", self.append_memory, body_max, MEMORY_MAX),
            ("journal-file", self.journal_file, body_max, ByteSize::mib(2048)),
            ("tail-memory", self.tail_memory, ByteSize::mib(1), MEMORY_MAX),
        ] {
            if value < least {
                return Err(invalid(setting, &value.to_string(), &format!("must be at least {least}")));
            }
            if value > most {
                return Err(invalid(setting, &value.to_string(), &format!("must be at most {most}")));
            }
        }
        for (setting, value, most) in [
            ("connections-max", self.connections_max, CONNECTIONS_MAX),
            ("worker-threads", self.worker_threads.unwrap_or(1), WORKER_THREADS_MAX),
        ] {
            if !(1..=most).contains(&value) {
                return Err(invalid(setting, &value.to_string(), &format!("must be from 1 to {most}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
