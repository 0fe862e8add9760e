//! Flags that say which server, which region and whose key, and the client that they make.

use std::path::PathBuf;
use std::time::Duration;

use api::kinesis::{DescribeStreamSummaryInput, Kinesis as _};
use api::kinesis::{KinesisError, StreamDescriptionSummary, StreamStatus};
use base::ByteString;
use base::caller::Caller;
use base::ids::{AccountId, Region};
use clap::Args;
use client::{Builder, Credentials, Endpoint, KinesisClient, Profile, ServiceClient};

use crate::failure::{Failure, explain};

const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:4567";
const REGION_DEFAULT: &str = "us-east-1";
/// How often a stream in transition is looked at.
const WAIT_INTERVAL: Duration = Duration::from_millis(250);
/// How long `--wait` waits.
const WAIT_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectFlags {
    /// Address of the server [env: AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL] [default: http://127.0.0.1:4567]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Region to sign for [env: AWS_REGION, AWS_DEFAULT_REGION] [default: that of the profile, or us-east-1]
    #[arg(long)]
    region: Option<String>,
    /// Profile in ~/.aws to take keys and region from; its keys win over those of the environment [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// File with the certificate authority to trust (PEM) [env: AWS_CA_BUNDLE]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A server, and how to name oneself to it.
pub struct Session {
    pub kinesis: KinesisClient,
    pub caller: Caller,
    is_anonymous: bool,
}

/// What a settings file says of the connection.
#[derive(Default)]
pub struct FileSettings {
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub credentials: Option<Credentials>,
}

/// All that a client is made of.
pub struct Connection {
    endpoint: Endpoint,
    region: Region,
    credentials: Credentials,
    ca: Option<PathBuf>,
    is_anonymous: bool,
}

impl ConnectFlags {
    pub fn open(&self) -> Result<Session, Failure> {
        let connection = self.resolve("AWS_ENDPOINT_URL_KINESIS", FileSettings::default())?;
        let (caller, is_anonymous) = (connection.caller(), connection.is_anonymous);
        Ok(Session { kinesis: connection.client(KinesisClient::builder)?, caller, is_anonymous })
    }

    /// The connection to one service, of which the endpoint has a variable of its own. Flags win over variables, those
    /// over the file, and the file over the profile; only a key in the file wins over one in the environment.
    pub fn resolve(&self, endpoint_variable: &str, file: FileSettings) -> Result<Connection, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint: Endpoint = self
            .endpoint
            .clone()
            .or_else(|| variable(endpoint_variable))
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .or(file.endpoint)
            .unwrap_or_else(|| ENDPOINT_DEFAULT.to_owned())
            .parse()
            .map_err(|error| Failure::usage(format!("{error}")))?;
        let profile = Profile::load(self.profile.as_deref(), variable).map_err(|e| Failure::usage(e.to_string()))?;
        let region = self
            .region
            .clone()
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or(file.region)
            .or_else(|| profile.get("region").map(str::to_owned))
            .unwrap_or_else(|| REGION_DEFAULT.to_owned());
        let region = Region::new(region).map_err(|error| Failure::usage(error.to_string()))?;
        // Who names a profile on the command line means its keys, whatever the file and the environment have.
        let from_environment = |name: &str| variable(name).filter(|_| self.profile.is_none());
        let found = match file.credentials.filter(|_| self.profile.is_none()) {
            Some(credentials) => Some(credentials),
            None => Credentials::find(from_environment, &profile).map_err(|e| Failure::usage(e.to_string()))?,
        };
        let is_anonymous = found.is_none();
        let credentials = match found {
            Some(credentials) => credentials,
            // A server on this machine may well ask for no key.
            None if endpoint.is_loopback() => Credentials::anonymous(),
            None => {
                return Err(Failure::new(format!(
                    "no access key for {endpoint}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile \
                     with --profile"
                )));
            }
        };
        // The variable is meant for all commands, so that those without TLS may pass over it.
        let bundle = || variable("AWS_CA_BUNDLE").filter(|_| endpoint.is_tls()).map(PathBuf::from);
        let ca = self.ca.clone().or_else(bundle);
        Ok(Connection { endpoint, region, credentials, ca, is_anonymous })
    }
}

impl Connection {
    pub fn caller(&self) -> Caller {
        Caller { account: AccountId::zero(), region: self.region.clone(), access_key_id: None }
    }

    /// The client of a service, from what makes its settings.
    pub fn client<C: ServiceClient>(
        self,
        builder: impl FnOnce(Endpoint, Region, Credentials) -> Builder<C>,
    ) -> Result<C, Failure> {
        builder(self.endpoint, self.region, self.credentials)
            .ca_file(self.ca)
            .build()
            .map_err(|error| Failure::new(error.to_string()))
    }
}

impl Session {
    #[cfg(test)]
    pub fn new(kinesis: KinesisClient, caller: Caller) -> Self {
        Self { kinesis, caller, is_anonymous: true }
    }

    /// Words an error of this server.
    pub fn explain(&self, error: &KinesisError) -> Failure {
        explain(error, self.kinesis.endpoint(), self.is_anonymous)
    }

    pub async fn summary(&self, stream: &str) -> Result<StreamDescriptionSummary, KinesisError> {
        let input = DescribeStreamSummaryInput { stream_name: Some(ByteString::from(stream)), ..Default::default() };
        let output = self.kinesis.describe_stream_summary(&self.caller, input).await?;
        Ok(output.stream_description_summary)
    }

    /// Waits until the stream is in no transition; `None` when it is gone.
    pub async fn settle(&self, stream: &str) -> Result<Option<StreamDescriptionSummary>, Failure> {
        let waiting = async {
            loop {
                match self.summary(stream).await {
                    Ok(summary) if summary.stream_status == StreamStatus::Active => return Ok(Some(summary)),
                    Ok(_) => tokio::time::sleep(WAIT_INTERVAL).await,
                    Err(KinesisError::ResourceNotFoundException(_)) => return Ok(None),
                    Err(error) => return Err(self.explain(&error)),
                }
            }
        };
        tokio::time::timeout(WAIT_MAX, waiting).await.map_err(|_| {
            Failure::new(format!("stream {stream} is still in transition after {} s", WAIT_MAX.as_secs()))
        })?
    }
}
