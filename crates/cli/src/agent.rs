//! `anabranch agent`: ships log files to streams.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use agent::{Config, Connection, Notices, Services};
use base::time::{Clock as _, SystemClock};
use clap::Args;
use client::{Credentials, FirehoseClient, KinesisClient};

use crate::connect::{ConnectFlags, FileSettings};
use crate::failure::{Failure, INTERRUPTED, SUCCESS};
use crate::output;
use crate::stop::Stop;

/// A configuration is a page of text.
const CONFIG_BYTES_MAX: u64 = 16 << 20;

/// Ship log files to streams, by the configuration file of the Kinesis Agent
///
/// Reads the files of each flow through rotation, sends their lines to a stream or a delivery stream, and notes in the
/// checkpoint file how far it came. The connection is that of the flags, else of the variables, else of the
/// configuration file. SIGTERM or Ctrl-C sends what is read and ends; a second one ends at once.
#[derive(Debug, Args)]
pub struct Agent {
    /// Configuration file
    #[arg(
        long,
        value_name = "FILE",
        env = "ANABRANCH_AGENT_CONFIG",
        hide_env_values = true,
        default_value = "/etc/aws-kinesis/agent.json"
    )]
    config: PathBuf,
    #[command(flatten)]
    connect: ConnectFlags,
}

pub async fn run(command: Agent) -> Result<ExitCode, Failure> {
    let mut stop = Stop::new()?;
    let notices = Notices::new(Arc::new(SystemClock), |text| {
        output::say(&format!("{} {text}", output::time(SystemClock.now())));
    });
    let name = command.config.display();
    let (config, warnings) =
        Config::parse(&read(&command.config)?).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    for warning in warnings {
        notices.say(&format!("{name}: {warning}"));
    }
    let services = services(&command.connect, &config.connection)?;
    let (flows, checkpoint) = (config.flows.len(), config.checkpoint_file.display().to_string());
    let agent = agent::Agent::start(config, &services, notices.clone(), Arc::new(SystemClock))
        .map_err(|error| Failure::new(error.to_string()))?;
    notices.say(&format!("started: flows {flows}, checkpoint file {checkpoint}"));
    stop.wait().await;
    notices.say("stopping: what is read is sent");
    let report = tokio::select! {
        report = agent.stop() => report,
        () = stop.wait() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    if !report.is_saved {
        return Err(Failure::new("the checkpoint file could not be written: the next start sends again what was sent"));
    }
    if !report.is_all_sent {
        notices.say("not everything that was read could be sent in time: the next start goes on there");
    }
    Ok(SUCCESS)
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error: &std::io::Error| Failure::io(format!("cannot read {}", path.display()), error);
    let bytes = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    if bytes > CONFIG_BYTES_MAX {
        return Err(Failure::usage(format!("{} has {bytes} bytes: no configuration file", path.display())));
    }
    std::fs::read_to_string(path).map_err(|error| failed(&error))
}

fn services(flags: &ConnectFlags, file: &Connection) -> Result<Services, Failure> {
    let settings = |endpoint: Option<&String>| FileSettings {
        endpoint: endpoint.map(|text| with_scheme(text)),
        region: file.kinesis_region.clone().or_else(|| endpoint.and_then(|text| region_of(text))),
        credentials: file.access_key.as_ref().map(|key| Credentials {
            access_key_id: key.id.clone(),
            secret_access_key: key.secret.clone(),
            session_token: None,
        }),
    };
    let kinesis_endpoint = file.kinesis_endpoint.as_ref();
    // One server may well be both.
    let firehose_endpoint = file.firehose_endpoint.as_ref().or(kinesis_endpoint);
    let kinesis = flags.resolve("AWS_ENDPOINT_URL_KINESIS", settings(kinesis_endpoint))?;
    let firehose = flags.resolve("AWS_ENDPOINT_URL_FIREHOSE", settings(firehose_endpoint))?;
    let caller = kinesis.caller();
    // Attempts are the agent's own matter: it makes them without an end, and tells of them.
    let kinesis = kinesis.client(|e, r, c| KinesisClient::builder(e, r, c).attempts_max(1))?;
    let firehose = firehose.client(|e, r, c| FirehoseClient::builder(e, r, c).attempts_max(1))?;
    Ok(Services { kinesis: Arc::new(kinesis), firehose: Arc::new(firehose), caller })
}

/// The Kinesis Agent takes hosts without a scheme.
fn with_scheme(endpoint: &str) -> String {
    if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") }
}

/// The region that an endpoint of AWS names.
fn region_of(endpoint: &str) -> Option<String> {
    let host = endpoint.rsplit("://").next()?.trim_end_matches('/');
    let (service_and_region, _) = host.split_once(".amazonaws.com")?;
    service_and_region.rsplit_once('.').map(|(_, region)| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_the_kinesis_agent() {
        for (endpoint, region, with) in [
            ("kinesis.us-west-2.amazonaws.com", Some("us-west-2"), "https://kinesis.us-west-2.amazonaws.com"),
            (
                "https://firehose.eu-west-1.amazonaws.com/",
                Some("eu-west-1"),
                "https://firehose.eu-west-1.amazonaws.com/",
            ),
            ("http://127.0.0.1:4567", None, "http://127.0.0.1:4567"),
            ("log-server:4567", None, "https://log-server:4567"),
        ] {
            assert_eq!(region_of(endpoint).as_deref(), region, "{endpoint}");
            assert_eq!(with_scheme(endpoint), with);
        }
    }
}
