//! `anabranch serve`: the server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use node::settings::{DurabilityMode, LogFormat, Settings, Switch, TlsMode};
use node::{Addresses, NewKey, Node};
use tracing_subscriber::EnvFilter;

use crate::failure::{Failure, INTERRUPTED, SUCCESS};
use crate::output;
use crate::settings_flags::SettingsFlags;
use crate::stop::Stop;

/// Run the server
///
/// Each setting is a flag, a variable named ANABRANCH_ and the flag's name, and a key of the settings file; a flag
/// wins over a variable, a variable over the file. SIGTERM or Ctrl-C lets requests under way end; a second one stops
/// at once.
#[derive(Debug, Args)]
pub struct Serve {
    /// Write the endpoint to this file as soon as requests are answered
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsFlags,
}

pub fn run(serve: &Serve) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let settings = serve.settings.resolve()?;
    start_logging(&settings)?;
    let runtime = node::runtime(&settings).map_err(|error| Failure::io("cannot start threads", &error))?;
    let result = runtime.block_on(serve_until_stopped(settings, serve.ready_file.as_deref(), started));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve_until_stopped(
    settings: Settings,
    ready_file: Option<&Path>,
    started: Instant,
) -> Result<ExitCode, Failure> {
    let mut stop = Stop::new()?;
    let node = Node::start(settings.clone()).await.map_err(|error| Failure::new(error.to_string()))?;
    output::print(&greeting(&settings, &node, started.elapsed()))?;
    if let Some(path) = ready_file {
        write_ready_file(path, &endpoint(node.addresses()))?;
    }
    stop.wait().await;
    tracing::info!("stopping: requests under way may end");
    tokio::select! {
        () = node.shutdown() => {
            tracing::info!("stopped");
            Ok(SUCCESS)
        }
        () = stop.wait() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

fn start_logging(settings: &Settings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.log_level)
        .map_err(|error| Failure::usage(format!("log-level {:?}: {error}", settings.log_level)))?;
    // A log that cannot be written must not be a panic, which is what telling of it on standard error would be.
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    match settings.log_format {
        LogFormat::Text => logs.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}

fn endpoint(addresses: Addresses) -> String {
    format!("http://{}", addresses.plain)
}

fn greeting(settings: &Settings, node: &Node, elapsed: Duration) -> String {
    let mut lines = vec![format!("Anabranch {} is ready after {} ms", env!("CARGO_PKG_VERSION"), elapsed.as_millis())];
    let mut say = |name: &str, value: String| lines.push(format!("  {name:<11} {value}"));
    say("endpoint", endpoint(node.addresses()));
    if let Some(tls) = node.addresses().tls {
        say("TLS", format!("https://{tls}"));
    }
    if let Some(trust) = node.trust() {
        say(
            "trust",
            format!(
                "clients trust {}: AWS_CA_BUNDLE (aws cli, boto3), NODE_EXTRA_CA_CERTS (JavaScript), SSL_CERT_FILE (Rust, Go)",
                trust.ca_file.display()
            ),
        );
    } else if let TlsMode::Files { certificate, .. } = &settings.tls {
        say("certificate", certificate.display().to_string());
    }
    say("data", if settings.dev { "in memory".to_owned() } else { settings.data.display().to_string() });
    say("durability", format!("{}: {}", DurabilityMode(settings.durability), promise(settings)));
    say("limits", if settings.limits.is_on() { "on: those of AWS".to_owned() } else { "off".to_owned() });
    if settings.auth == Switch::Off {
        say("auth", "off: whoever reaches this address may do everything".to_owned());
    }
    if let Some(key) = node.first_key() {
        lines.extend(exports(settings, node.addresses(), key));
    }
    lines.join("\n")
}

fn promise(settings: &Settings) -> &'static str {
    if settings.dev {
        return "everything is gone when this process ends";
    }
    match DurabilityMode(settings.durability).to_string().as_str() {
        "sync" => "an acknowledged record is on the disk",
        "none" => "a crash of the machine loses acknowledged records",
        _ => "a crash of the machine loses what was acknowledged since the last flush",
    }
}

/// What one pastes into another terminal. The secret is never shown again.
fn exports(settings: &Settings, addresses: Addresses, key: &NewKey) -> Vec<String> {
    let region = settings.region.as_ref().map_or("us-east-1", |region| region.as_str());
    let variables = [
        ("AWS_ENDPOINT_URL_KINESIS", endpoint(addresses)),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("AWS_ACCESS_KEY_ID", key.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret_access_key.clone()),
    ];
    let mut lines = vec![
        String::new(),
        "The first access key; its secret is shown this once. Paste into another terminal:".to_owned(),
        String::new(),
    ];
    lines.extend(variables.map(|(name, value)| format!("  export {name}={value}")));
    lines.push(String::new());
    lines
}

/// Whoever waits for the file finds it whole or not at all.
fn write_ready_file(path: &Path, endpoint: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io(format!("cannot write {}", path.display()), &error);
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = std::fs::File::create(&new).map_err(failed)?;
    writeln!(file, "{endpoint}").map_err(failed)?;
    drop(file);
    std::fs::rename(&new, path).map_err(failed)
}
