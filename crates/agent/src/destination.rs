//! Where batches go, as requests of the service.

use std::sync::Arc;

use api::ModeledError;
use api::firehose::{Firehose, FirehoseError, PutRecordBatchInput};
use api::kinesis::{Kinesis, KinesisError, PutRecordsInput, PutRecordsRequestEntry};
use base::caller::Caller;
use base::{BoxFuture, ByteString};

use crate::config;
use crate::record::Record;

/// The services that the flows need, and who calls them.
#[derive(Clone)]
pub struct Services {
    pub kinesis: Arc<dyn Kinesis>,
    pub firehose: Arc<dyn Firehose>,
    pub caller: Caller,
}

/// For each record of a request, in their order: why it was not taken, or nothing if it was.
pub type Refusals = Vec<Option<String>>;

/// One stream of one service.
pub trait Destination: Send + Sync {
    /// Writes records; fails, with the reason, if none was taken.
    fn put<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<Refusals, String>>;
}

impl Services {
    pub fn destination(&self, destination: &config::Destination) -> Arc<dyn Destination> {
        match destination.clone() {
            config::Destination::Stream(name) => Arc::new(Stream { services: self.clone(), name: name.into() }),
            config::Destination::DeliveryStream(name) => {
                Arc::new(DeliveryStream { services: self.clone(), name: name.into() })
            }
        }
    }
}

struct Stream {
    services: Services,
    name: ByteString,
}

impl Destination for Stream {
    fn put<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<Refusals, String>> {
        let entries = records.iter().map(|record| PutRecordsRequestEntry {
            data: &record.data,
            partition_key: &record.partition_key,
            explicit_hash_key: None,
        });
        let input =
            PutRecordsInput { records: entries.collect(), stream_name: Some(self.name.clone()), ..Default::default() };
        Box::pin(async move {
            let answer = self.services.kinesis.put_records(&self.services.caller, input).await;
            let output =
                answer.map_err(|error| words(&error, matches!(error, KinesisError::InternalFailureException(_))))?;
            let results = output.records.iter().map(|entry| refusal(entry.error_code, entry.error_message));
            whole(results.collect(), records.len())
        })
    }
}

struct DeliveryStream {
    services: Services,
    name: ByteString,
}

impl Destination for DeliveryStream {
    fn put<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<Refusals, String>> {
        let input = PutRecordBatchInput {
            delivery_stream_name: self.name.clone(),
            records: records.iter().map(|record| api::firehose::Record { data: record.data.clone() }).collect(),
        };
        Box::pin(async move {
            let answer = self.services.firehose.put_record_batch(&self.services.caller, input).await;
            let output = answer
                .map_err(|error| words(&error, matches!(error, FirehoseError::ServiceUnavailableException(_))))?;
            let results = output
                .request_responses
                .iter()
                .map(|entry| refusal(entry.error_code.as_deref(), entry.error_message.as_deref()));
            whole(results.collect(), records.len())
        })
    }
}

fn refusal(code: Option<&str>, message: Option<&str>) -> Option<String> {
    code.map(|code| format!("{code}: {}", message.unwrap_or_default()))
}

/// An answer that does not speak of each record says nothing about any.
fn whole(refusals: Refusals, records: usize) -> Result<Refusals, String> {
    if refusals.len() == records {
        Ok(refusals)
    } else {
        Err(format!("the answer to {records} records has {} results", refusals.len()))
    }
}

/// An error as a line. The text of a failure on the way says what it is without the name that carries it.
fn words(error: &impl ModeledError, is_of_the_way: bool) -> String {
    let message = error.message().unwrap_or_default();
    let text =
        if is_of_the_way && !message.is_empty() { message.to_owned() } else { format!("{}: {message}", error.code()) };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
