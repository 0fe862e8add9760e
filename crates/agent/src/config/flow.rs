//! One flow: from the files of a pattern to a stream.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{ConfigError, FilePattern, JavaPattern, Reach, Section};
use crate::transform::Transforms;

const KIB: usize = 1024;

/// Keys of the Kinesis Agent that tune its queues and how often it looks for new files.
const TUNING: &[&str] = &[
    "log.emitInternalMetrics",
    "maxTimeBetweenFileTrackerRefreshMillis",
    "publishQueueCapacity",
    "waitOnEmptyPublishQueueMillis",
    "waitOnFullPublishQueueMillis",
    "waitOnFullRetryQueueMillis",
];

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A Kinesis data stream, by name.
    Stream(String),
    /// A Firehose delivery stream, by name.
    DeliveryStream(String),
}

impl Destination {
    /// Bytes of one record, its partition key included.
    pub fn record_bytes_max(&self) -> usize {
        match self {
            Self::Stream(_) => 1024 * KIB,
            Self::DeliveryStream(_) => 1000 * KIB,
        }
    }

    fn request_bytes_max(&self) -> usize {
        match self {
            Self::Stream(_) => 5 * 1024 * KIB,
            Self::DeliveryStream(_) => 4 * 1024 * KIB,
        }
    }
}

/// How partition keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionKeyOption {
    Random,
    /// The MD5 of the data, so that the same data goes to the same shard.
    Deterministic,
}

/// Where reading begins in files that are there at the first start of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialPosition {
    StartOfFile,
    EndOfFile,
}

/// One entry of `flows`.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Names the flow in checkpoints and messages.
    pub id: String,
    pub files: FilePattern,
    pub destination: Destination,
    pub partition_key: PartitionKeyOption,
    pub initial_position: InitialPosition,
    pub buffer_age_max: Duration,
    pub buffer_bytes_max: usize,
    pub buffer_records_max: usize,
    pub poll_interval: Duration,
    /// Without one, each line is a record.
    pub(crate) multi_line_start: Option<JavaPattern>,
    pub skip_header_lines: u64,
    pub truncated_record_terminator: String,
    /// Records are joined up to this size; 0 for not at all.
    pub aggregated_record_bytes: usize,
    pub retry_delay_min: Duration,
    pub retry_delay_max: Duration,
    pub(crate) transforms: Transforms,
}

pub(super) fn parse(
    number: usize,
    object: &Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Result<Flow, ConfigError> {
    let unnamed = Section::new(format!("flow {number}: "), object);
    let pattern = unnamed.text("filePattern")?.ok_or_else(|| unnamed.error("filePattern", "is missing"))?;
    let section = Section::new(format!("flow {number} ({pattern}): "), object);
    section.pass_over(&["filePattern"]);
    section.pass_over(TUNING);
    let files = FilePattern::new(&pattern).map_err(|reason| section.error("filePattern", reason))?;
    let destination = destination(&section)?;
    let id = match &destination {
        Destination::Stream(name) => format!("kinesis:{name}:{pattern}"),
        Destination::DeliveryStream(name) => format!("fh:{name}:{pattern}"),
    };
    let millis = |key, default, range| section.number(key, default, range).map(Duration::from_millis);
    let count = |key, default: usize, range: std::ops::RangeInclusive<usize>| {
        let range = *range.start() as u64..=*range.end() as u64;
        section.number(key, default as u64, range).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    };
    let request_bytes_max = destination.request_bytes_max();
    let flow = Flow {
        id,
        files,
        partition_key: partition_key(&section)?,
        initial_position: section
            .choice(
                "initialPosition",
                &[("START_OF_FILE", InitialPosition::StartOfFile), ("END_OF_FILE", InitialPosition::EndOfFile)],
            )?
            .unwrap_or(InitialPosition::EndOfFile),
        buffer_age_max: millis("maxBufferAgeMillis", 60_000, 1_000..=900_000)?,
        buffer_bytes_max: count("maxBufferSizeBytes", request_bytes_max, 1..=request_bytes_max)?,
        buffer_records_max: count("maxBufferSizeRecords", 500, 1..=500)?,
        poll_interval: millis("minTimeBetweenFilePollsMillis", 100, 1..=3_600_000)?,
        multi_line_start: multi_line_start(&section)?,
        skip_header_lines: section.number("skipHeaderLines", 0, 0..=1_000_000)?,
        truncated_record_terminator: terminator(&section, &destination)?,
        aggregated_record_bytes: aggregated_record_bytes(&section, &destination, warnings)?,
        retry_delay_min: millis("retryInitialBackoffMillis", 100, 1..=3_600_000)?,
        retry_delay_max: millis("retryMaxBackoffMillis", 10_000, 1..=3_600_000)?,
        transforms: Transforms::parse(&section, warnings)?,
        destination,
    };
    section.warn_if_set("fileFooterPattern", "files are read to their end", warnings);
    section.finish(warnings);
    Ok(flow)
}

fn destination(section: &Section<'_>) -> Result<Destination, ConfigError> {
    let name = |key| Ok(section.text(key)?.filter(|name| !name.is_empty()));
    match (name("kinesisStream")?, name("deliveryStream")?) {
        (Some(stream), None) => Ok(Destination::Stream(stream)),
        (None, Some(stream)) => Ok(Destination::DeliveryStream(stream)),
        (Some(_), Some(_)) => Err(section.error("deliveryStream", "there is a kinesisStream already")),
        (None, None) => Err(section.error("kinesisStream", "is missing, and so is deliveryStream")),
    }
}

fn partition_key(section: &Section<'_>) -> Result<PartitionKeyOption, ConfigError> {
    let choices = [("RANDOM", PartitionKeyOption::Random), ("DETERMINISTIC", PartitionKeyOption::Deterministic)];
    Ok(section.choice("partitionKeyOption", &choices)?.unwrap_or(PartitionKeyOption::Random))
}

fn multi_line_start(section: &Section<'_>) -> Result<Option<JavaPattern>, ConfigError> {
    let key = "multiLineStartPattern";
    section
        .text(key)?
        .filter(|pattern| !pattern.is_empty())
        .map(|pattern| JavaPattern::new(&pattern, Reach::Start).map_err(|reason| section.error(key, reason)))
        .transpose()
}

fn terminator(section: &Section<'_>, destination: &Destination) -> Result<String, ConfigError> {
    let key = "truncatedRecordTerminator";
    let terminator = section.text(key)?.unwrap_or_else(|| "\n".to_owned());
    // The partition key takes its part of a record too.
    if terminator.len() + crate::record::KEY_BYTES_MAX >= destination.record_bytes_max() {
        return Err(section.error(key, "is as long as a record may be"));
    }
    Ok(terminator)
}

fn aggregated_record_bytes(
    section: &Section<'_>,
    destination: &Destination,
    warnings: &mut Vec<String>,
) -> Result<usize, ConfigError> {
    let key = "aggregatedRecordSizeBytes";
    let bytes = section.number(key, 0, 0..=destination.record_bytes_max() as u64)?;
    if bytes > 0 && matches!(destination, Destination::Stream(_)) {
        warnings.push(format!("{}{key}: only records for delivery streams are joined", section.place()));
        return Ok(0);
    }
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}
