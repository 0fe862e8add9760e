//! Every setting of a server as a flag and as a variable, and the layers that they make.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use node::settings::{
    ByteSize, DurabilityMode, Layer, LogFormat, Secret, Settings, Span, Switch, TlsMode, parse_address, parse_bool,
};

use crate::failure::Failure;

#[derive(Debug, Clone, Args)]
pub struct SettingsFlags {
    /// Settings file (TOML); its keys are the long names of the flags below
    #[arg(long, value_name = "FILE", env = "ANABRANCH_CONFIG", hide_env_values = true, help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// Data directory [default: anabranch-data]
    #[arg(long, value_name = "DIR", env = "ANABRANCH_DATA", hide_env_values = true, help_heading = "Settings")]
    data: Option<PathBuf>,
    /// Address for HTTP/1.1 and HTTP/2 without TLS; port 0 takes a free one [default: 127.0.0.1:4567]
    #[arg(
        long,
        value_name = "ADDRESS",
        value_parser = parse_address,
        env = "ANABRANCH_LISTEN",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    listen: Option<SocketAddr>,
    /// Listen with TLS too: auto (a local CA), off, or CERTIFICATE,KEY (PEM files) [default: off]
    #[arg(long, value_name = "MODE", env = "ANABRANCH_TLS", hide_env_values = true, help_heading = "Settings")]
    tls: Option<TlsMode>,
    /// Address for TLS [default: 127.0.0.1:4568]
    #[arg(
        long,
        value_name = "ADDRESS",
        value_parser = parse_address,
        env = "ANABRANCH_TLS_LISTEN",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    tls_listen: Option<SocketAddr>,
    /// Serve this region alone [default: the region that each request is signed for]
    #[arg(long, value_name = "REGION", env = "ANABRANCH_REGION", hide_env_values = true, help_heading = "Settings")]
    region: Option<String>,
    /// Account of the first key and of callers without one [default: 000000000000]
    #[arg(long, value_name = "ACCOUNT", env = "ANABRANCH_ACCOUNT", hide_env_values = true, help_heading = "Settings")]
    account: Option<String>,
    /// Check signatures: on or off; off only on loopback addresses [default: on]
    #[arg(long, value_name = "SWITCH", env = "ANABRANCH_AUTH", hide_env_values = true, help_heading = "Settings")]
    auth: Option<Switch>,
    /// Access key to know besides those of the data directory
    #[arg(long, value_name = "ID", env = "ANABRANCH_ACCESS_KEY_ID", hide_env_values = true, help_heading = "Settings")]
    access_key_id: Option<String>,
    /// Its secret; better given as a variable or in the file
    #[arg(
        long,
        value_name = "SECRET",
        env = "ANABRANCH_SECRET_ACCESS_KEY",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    secret_access_key: Option<Secret>,
    /// AWS's limits of throughput: on or off [default: on]
    #[arg(long, value_name = "SWITCH", env = "ANABRANCH_LIMITS", hide_env_values = true, help_heading = "Settings")]
    limits: Option<Switch>,
    /// What an acknowledged record has survived: sync, interval=DURATION or none [default: sync]
    #[arg(long, value_name = "MODE", env = "ANABRANCH_DURABILITY", hide_env_values = true, help_heading = "Settings")]
    durability: Option<DurabilityMode>,
    /// For tests: everything in memory, no authentication, and a control API for the clock and faults
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "SWITCH", value_parser = parse_bool, env = "ANABRANCH_DEV", hide_env_values = true, help_heading = "Settings")]
    dev: Option<bool>,
    /// How long streams stay in CREATING, UPDATING and DELETING [default: 0s]
    #[arg(
        long,
        value_name = "DURATION",
        env = "ANABRANCH_TRANSITION_DELAY",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    transition_delay: Option<Span>,
    /// File with the root key for encryption at rest [default: one in the data directory]
    #[arg(
        long,
        value_name = "FILE",
        env = "ANABRANCH_ROOT_KEY_FILE",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    root_key_file: Option<PathBuf>,
    /// Memory for recent records [default: 256MiB, less where memory is short]
    #[arg(long, value_name = "SIZE", env = "ANABRANCH_TAIL_MEMORY", hide_env_values = true, help_heading = "Settings")]
    tail_memory: Option<ByteSize>,
    /// Memory for records on their way to the disk [default: 64MiB, less where memory is short]
    #[arg(
        long,
        value_name = "SIZE",
        env = "ANABRANCH_APPEND_MEMORY",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    append_memory: Option<ByteSize>,
    /// Size of one journal file [default: 64MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "ANABRANCH_JOURNAL_FILE",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    journal_file: Option<ByteSize>,
    /// Memory for request bodies [default: 256MiB, less where memory is short]
    #[arg(long, value_name = "SIZE", env = "ANABRANCH_BODY_MEMORY", hide_env_values = true, help_heading = "Settings")]
    body_memory: Option<ByteSize>,
    /// Open connections at a time [default: 10000]
    #[arg(
        long,
        value_name = "N",
        env = "ANABRANCH_CONNECTIONS_MAX",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    connections_max: Option<usize>,
    /// Threads that serve requests [default: one per core]
    #[arg(long, value_name = "N", env = "ANABRANCH_WORKER_THREADS", hide_env_values = true, help_heading = "Settings")]
    worker_threads: Option<usize>,
    /// How long a stopping server waits for requests under way [default: 10s]
    #[arg(long, value_name = "DURATION", env = "ANABRANCH_DRAIN", hide_env_values = true, help_heading = "Settings")]
    drain: Option<Span>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as info,gateway=debug [default: info]
    #[arg(long, value_name = "LEVEL", env = "ANABRANCH_LOG_LEVEL", hide_env_values = true, help_heading = "Settings")]
    log_level: Option<String>,
    /// How logs are written to standard error: text or json [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        env = "ANABRANCH_LOG_FORMAT",
        hide_env_values = true,
        help_heading = "Settings"
    )]
    log_format: Option<LogFormat>,
}

impl SettingsFlags {
    /// What flags and variables say; flags win.
    #[must_use]
    pub fn layer(&self) -> Layer {
        let flags = self.clone();
        Layer {
            data: flags.data,
            listen: flags.listen,
            tls: flags.tls,
            tls_listen: flags.tls_listen,
            region: flags.region,
            account: flags.account,
            auth: flags.auth,
            access_key_id: flags.access_key_id,
            secret_access_key: flags.secret_access_key,
            limits: flags.limits,
            durability: flags.durability,
            dev: flags.dev,
            transition_delay: flags.transition_delay,
            root_key_file: flags.root_key_file,
            tail_memory: flags.tail_memory,
            append_memory: flags.append_memory,
            journal_file: flags.journal_file,
            body_memory: flags.body_memory,
            connections_max: flags.connections_max,
            worker_threads: flags.worker_threads,
            drain: flags.drain,
            log_level: flags.log_level,
            log_format: flags.log_format,
        }
    }

    /// What the settings file says; nothing when none is named.
    pub fn file_layer(&self) -> Result<Layer, Failure> {
        self.config.as_deref().map_or_else(|| Ok(Layer::default()), read)
    }

    pub fn resolve(&self) -> Result<Settings, Failure> {
        let layer = self.layer().over(self.file_layer()?);
        layer.resolve().map_err(|error| Failure::usage(error.to_string()))
    }
}

fn read(path: &Path) -> Result<Layer, Failure> {
    Layer::read(path).map_err(|error| Failure::usage(error.to_string()))
}

/// Settings in the form of a layer that says everything.
#[must_use]
pub fn effective(settings: &Settings) -> Layer {
    let (access_key_id, secret_access_key) = settings.environment_key.clone().unzip();
    Layer {
        data: Some(settings.data.clone()),
        listen: Some(settings.listen),
        tls: Some(settings.tls.clone()),
        tls_listen: Some(settings.tls_listen),
        region: settings.region.as_ref().map(ToString::to_string),
        account: Some(settings.account.to_string()),
        auth: Some(settings.auth),
        access_key_id,
        secret_access_key,
        limits: Some(settings.limits),
        durability: Some(DurabilityMode(settings.durability)),
        dev: Some(settings.dev),
        transition_delay: Some(Span(settings.transition_delay)),
        root_key_file: settings.root_key_file.clone(),
        tail_memory: Some(settings.tail_memory),
        append_memory: Some(settings.append_memory),
        journal_file: Some(settings.journal_file),
        body_memory: Some(settings.body_memory),
        connections_max: Some(settings.connections_max),
        worker_threads: settings.worker_threads,
        drain: Some(Span(settings.drain)),
        log_level: Some(settings.log_level.clone()),
        log_format: Some(settings.log_format),
    }
}
