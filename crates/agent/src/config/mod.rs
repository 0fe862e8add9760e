//! The configuration file of the Kinesis Agent, `agent.json`.

mod comments;
mod file_pattern;
mod flow;
mod java_pattern;
mod section;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use thiserror::Error;

pub use file_pattern::FilePattern;
pub(crate) use file_pattern::is_compressed;
pub use flow::{Destination, Flow, InitialPosition, PartitionKeyOption};
pub(crate) use java_pattern::{JavaPattern, Reach};
pub(crate) use section::Section;

/// Flows in one file: each has a thread and buffers of its own.
const FLOWS_MAX: usize = 256;

/// Keys of the Kinesis Agent that tune its threads, its connections and its log.
const TUNING: &[&str] = &[
    "cloudwatch.endpoint",
    "cloudwatch.metricsBufferTimeMillis",
    "cloudwatch.metricsQueueSize",
    "cloudwatch.namespace",
    "cloudwatch.tagInstance",
    "connectionTTLMillis",
    "connectionTimeoutMillis",
    "log.emitInternalMetrics",
    "log.emitMetrics",
    "log.file",
    "log.level",
    "log.maxBackupIndex",
    "log.maxFileSize",
    "maxConnections",
    "maxSendingThreads",
    "maxSendingThreadsPerCore",
    "sendingThreadsKeepAliveMillis",
    "sendingThreadsMaxQueueSize",
    "socketTimeoutMillis",
    "sts.endpoint",
    "useHttpGzip",
    "useTcpKeepAlive",
];

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error("not JSON: {0}")]
    Json(String),
    #[error("{place}{key}: {reason}")]
    Value { place: String, key: String, reason: String },
}

/// All that the file says.
#[derive(Debug, Clone)]
pub struct Config {
    pub connection: Connection,
    pub checkpoint_file: PathBuf,
    /// How long the position in a file that is not to be found is kept.
    pub checkpoint_kept: Duration,
    /// How long what is buffered may take to arrive when the agent is asked to stop.
    pub shutdown_timeout: Duration,
    /// Time between two lines of progress.
    pub status_interval: Duration,
    pub flows: Vec<Flow>,
}

/// Where the services are and who calls them, as far as the file says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Connection {
    pub kinesis_endpoint: Option<String>,
    pub kinesis_region: Option<String>,
    pub firehose_endpoint: Option<String>,
    pub access_key: Option<AccessKey>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
}

impl std::fmt::Debug for Connection {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("kinesis_endpoint", &self.kinesis_endpoint)
            .field("firehose_endpoint", &self.firehose_endpoint)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the text of a configuration file; also answers what to warn of.
    ///
    /// # Errors
    /// When it is not JSON, or a value cannot be meant; the message names flow and key.
    pub fn parse(text: &str) -> Result<(Self, Vec<String>), ConfigError> {
        let values: Map<String, Value> = serde_json::from_str(&comments::blank_comments(text))
            .map_err(|error| ConfigError::Json(error.to_string()))?;
        let top = Section::new(String::new(), &values);
        let mut warnings = Vec::new();
        let config = Self {
            connection: connection(&top)?,
            checkpoint_file: top
                .text("checkpointFile")?
                .unwrap_or_else(|| "/var/run/aws-kinesis-agent/checkpoints".to_owned())
                .into(),
            checkpoint_kept: Duration::from_hours(24 * top.number("checkpointTimeToLiveDays", 7, 1..=3650)?),
            shutdown_timeout: Duration::from_millis(top.number("shutdownTimeoutMillis", 10_000, 0..=3_600_000)?),
            status_interval: Duration::from_secs(top.number("log.statusReportingPeriodSeconds", 30, 1..=86_400)?),
            flows: flows(&top, &mut warnings)?,
        };
        top.pass_over(TUNING);
        if top.flag("cloudwatch.emitMetrics", false)? {
            warnings.push("cloudwatch.emitMetrics: no metrics are sent".to_owned());
        }
        for key in ["assumeRoleARN", "assumeRoleExternalId"] {
            top.warn_if_set(
                key,
                "roles are not assumed, requests are signed with the access key itself",
                &mut warnings,
            );
        }
        for key in ["userDefinedCredentialsProvider.classname", "userDefinedCredentialsProvider.location"] {
            top.warn_if_set(key, "Java classes are not loaded, ignored", &mut warnings);
        }
        top.finish(&mut warnings);
        Ok((config, warnings))
    }
}

fn connection(top: &Section<'_>) -> Result<Connection, ConfigError> {
    let access_key = match (top.text("awsAccessKeyId")?, top.text("awsSecretAccessKey")?) {
        (Some(id), Some(secret)) if !id.is_empty() && !secret.is_empty() => Some(AccessKey { id, secret }),
        // The file that the Kinesis Agent installs has neither, or both empty.
        (id, secret) if id.as_deref().unwrap_or("").is_empty() && secret.as_deref().unwrap_or("").is_empty() => None,
        _ => return Err(top.error("awsAccessKeyId", "goes with awsSecretAccessKey, and only one of them is set")),
    };
    let endpoint = |key: &str| Ok(top.text(key)?.filter(|text| !text.is_empty()));
    Ok(Connection {
        kinesis_endpoint: endpoint("kinesis.endpoint")?,
        kinesis_region: endpoint("kinesis.region")?,
        firehose_endpoint: endpoint("firehose.endpoint")?,
        access_key,
    })
}

fn flows(top: &Section<'_>, warnings: &mut Vec<String>) -> Result<Vec<Flow>, ConfigError> {
    let objects = top.objects("flows")?;
    if objects.is_empty() || objects.len() > FLOWS_MAX {
        return Err(top.error("flows", format!("{} of them, where 1 to {FLOWS_MAX} can be", objects.len())));
    }
    let mut flows: Vec<Flow> = Vec::with_capacity(objects.len());
    for (i, object) in objects.into_iter().enumerate() {
        let flow = flow::parse(i + 1, object, warnings)?;
        if flows.iter().any(|other| other.id == flow.id) {
            return Err(top.error("flows", format!("{} is there twice", flow.id)));
        }
        flows.push(flow);
    }
    Ok(flows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(text: &str, expected: &str) {
        assert_eq!(Config::parse(text).expect_err("wrong").to_string(), expected);
    }

    #[test]
    fn an_example_of_the_kinesis_agent_is_understood() {
        let (config, warnings) = Config::parse(
            r#"{
              // where and who
              "cloudwatch.emitMetrics": true,
              "kinesis.endpoint": "https://kinesis.us-west-2.amazonaws.com", "firehose.endpoint": "",
              "awsAccessKeyId": "A", "awsSecretAccessKey": "secret",
              "checkpointFile": "/tmp/c", "maxSendingThreads": 4, "tyop": 1,
              "flows": [
                { "filePattern": "/tmp/app.log*", "kinesisStream": "s", "partitionKeyOption": "DETERMINISTIC",
                  "initialPosition": "START_OF_FILE", "maxBufferAgeMillis": "2000", "colour": "red",
                  "dataProcessingOptions": [{"optionName": "SINGLELINE", "x": 1}] },
                { "filePattern": "/tmp/b*", "deliveryStream": "d", "aggregatedRecordSizeBytes": 5000 }
              ]
            }"#,
        )
        .expect("valid");
        assert_eq!(config.connection.kinesis_endpoint.as_deref(), Some("https://kinesis.us-west-2.amazonaws.com"));
        assert_eq!(config.connection.firehose_endpoint, None);
        assert!(!format!("{:?}", config.connection).contains("secret"));
        assert_eq!(config.flows[0].id, "kinesis:s:/tmp/app.log*");
        assert_eq!(config.flows[0].destination, Destination::Stream("s".into()));
        assert_eq!(config.flows[0].partition_key, PartitionKeyOption::Deterministic);
        assert_eq!(config.flows[0].initial_position, InitialPosition::StartOfFile);
        assert_eq!(config.flows[0].buffer_age_max, Duration::from_secs(2));
        assert_eq!(config.flows[1].id, "fh:d:/tmp/b*");
        assert_eq!(config.flows[1].initial_position, InitialPosition::EndOfFile);
        assert_eq!(config.flows[1].aggregated_record_bytes, 5000);
        assert_eq!(
            warnings,
            [
                "flow 1 (/tmp/app.log*): dataProcessingOptions 1: x: not known, ignored",
                "flow 1 (/tmp/app.log*): colour: not known, ignored",
                "cloudwatch.emitMetrics: no metrics are sent",
                "tyop: not known, ignored",
            ]
        );
    }

    #[test]
    fn errors_name_flow_and_key() {
        let flow = |text: &str| format!(r#"{{"flows": [{{"filePattern": "/a/b*", "kinesisStream": "s", {text}}}]}}"#);
        let check = |text: &str, expected: &str| check_error(&flow(text), expected);
        check_error("{", "not JSON: EOF while parsing an object at line 1 column 1");
        check_error("{}", "flows: 0 of them, where 1 to 256 can be");
        check_error(r#"{"flows": 1}"#, "flows: is not a list of objects");
        check_error(r#"{"flows": [{}]}"#, "flow 1: filePattern: is missing");
        check_error(
            r#"{"flows": [{"filePattern": "/a/b"}]}"#,
            "flow 1 (/a/b): kinesisStream: is missing, and so is deliveryStream",
        );
        check_error(
            r#"{"awsAccessKeyId": "A"}"#,
            "awsAccessKeyId: goes with awsSecretAccessKey, and only one of them is set",
        );
        check(r#""deliveryStream": "d""#, "flow 1 (/a/b*): deliveryStream: there is a kinesisStream already");
        check(
            r#""maxBufferAgeMillis": 5"#,
            "flow 1 (/a/b*): maxBufferAgeMillis: 5 is not a whole number from 1000 to 900000",
        );
        check(
            r#""initialPosition": "MIDDLE""#,
            "flow 1 (/a/b*): initialPosition: \"MIDDLE\" is none of START_OF_FILE, END_OF_FILE",
        );
        check(
            r#""multiLineStartPattern": "(?=a)b""#,
            "flow 1 (/a/b*): multiLineStartPattern: look-around, including look-ahead and look-behind, is not supported",
        );
        check(
            r#""dataProcessingOptions": [{"optionName": "CSVTOJSON"}]"#,
            "flow 1 (/a/b*): dataProcessingOptions 1: customFieldNames: is missing",
        );
        check(
            r#""dataProcessingOptions": [{"optionName": "ADDMETADATA"}]"#,
            "flow 1 (/a/b*): dataProcessingOptions 1: optionName: \"ADDMETADATA\" is none of SINGLELINE, CSVTOJSON, LOGTOJSON",
        );
        check_error(
            r#"{"flows": [{"filePattern": "/a/b", "kinesisStream": "s"}, {"filePattern": "/a/b", "kinesisStream": "s"}]}"#,
            "flows: kinesis:s:/a/b is there twice",
        );
    }
}
