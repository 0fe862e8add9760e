//! Writes one batch, and what the server refuses of it again, until it is in or given up.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use api::kinesis::{Kinesis as _, KinesisError, PutRecordsInput, PutRecordsOutput};
use base::ByteString;

use super::batch::{Batch, Line, Reject};
use crate::connect::Session;
use crate::failure::{Failure, words};

/// Waits between attempts: limits are counted per second.
const DELAY_MIN: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(2);

pub struct Sender {
    session: Session,
    stream: String,
    retry_for: Duration,
    /// Records were given up because nothing could be written for so long. Those that follow are tried once, or a long
    /// input would wait anew for each of its batches.
    is_hopeless: Cell<bool>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Outcome {
    pub written: BTreeMap<ByteString, u64>,
    pub rejects: Vec<Reject>,
    pub retried: u64,
    pub input_bytes: u64,
}

impl Sender {
    pub fn new(session: Session, stream: String, retry_for: Duration) -> Self {
        Self { session, stream, retry_for, is_hopeless: Cell::new(false) }
    }

    /// Fails when nothing that follows could be written either.
    pub async fn send(&self, batch: Batch) -> Result<Outcome, Failure> {
        let mut outcome = Outcome { rejects: batch.rejects, input_bytes: batch.input_bytes, ..Default::default() };
        // Parts in the order of the input, the next one last.
        let mut parts = vec![batch.lines];
        while let Some(lines) = parts.pop() {
            if !lines.is_empty() {
                self.send_part(lines, &mut parts, &mut outcome).await?;
            }
        }
        Ok(outcome)
    }

    async fn send_part(
        &self,
        mut lines: Vec<Line>,
        parts: &mut Vec<Vec<Line>>,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let mut deadline = Instant::now() + self.retry_for;
        let mut delay = DELAY_MIN;
        loop {
            let reason = match self.put(&lines).await {
                Ok(output) => {
                    let before = lines.len();
                    let reason = settle(&mut lines, &output, outcome);
                    if lines.len() < before {
                        // Something went in: the stream works, only slower than we write.
                        self.is_hopeless.set(false);
                        deadline = Instant::now() + self.retry_for;
                        delay = DELAY_MIN;
                    }
                    if lines.is_empty() {
                        return Ok(());
                    }
                    reason
                }
                Err(error) if is_about_a_record(&error) => {
                    if lines.len() == 1 {
                        outcome.rejects.extend(lines.into_iter().map(|line| reject(line, &words(&error))));
                        return Ok(());
                    }
                    // The server refuses the whole for one: halve until that one stands alone.
                    let upper = lines.split_off(lines.len() / 2);
                    parts.push(upper);
                    parts.push(lines);
                    return Ok(());
                }
                Err(error) if is_passing(&error) => words(&error),
                Err(error) => return Err(self.session.explain(&error)),
            };
            if self.is_hopeless.get() || Instant::now() + delay > deadline {
                self.is_hopeless.set(true);
                outcome.rejects.extend(lines.into_iter().map(|line| reject(line, &reason)));
                return Ok(());
            }
            outcome.retried += lines.len() as u64;
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(DELAY_MAX);
        }
    }

    async fn put(&self, lines: &[Line]) -> Result<PutRecordsOutput, KinesisError> {
        let input = PutRecordsInput {
            records: lines.iter().map(Line::to_entry).collect(),
            stream_name: Some(ByteString::from(self.stream.as_str())),
            ..Default::default()
        };
        self.session.kinesis.put_records(&self.session.caller, input).await
    }
}

/// Takes out what was written; returns why the last of the others was not.
fn settle(lines: &mut Vec<Line>, output: &PutRecordsOutput, outcome: &mut Outcome) -> String {
    let mut reason = "the answer does not name every record".to_owned();
    let mut results = output.records.iter();
    lines.retain(|_| match results.next() {
        Some(result) if result.error_code.is_none() => {
            *outcome.written.entry(result.shard_id.unwrap_or_default().into()).or_default() += 1;
            false
        }
        Some(result) => {
            let text = Option::unwrap_or_default;
            reason = format!("{}: {}", text(result.error_code), text(result.error_message));
            true
        }
        None => true,
    });
    reason
}

fn reject(line: Line, reason: &str) -> Reject {
    Reject { number: line.number, data: line.data, reason: reason.to_owned() }
}

fn is_about_a_record(error: &KinesisError) -> bool {
    matches!(error, KinesisError::ValidationException(_) | KinesisError::InvalidArgumentException(_))
}

/// Whether the same request may succeed later.
fn is_passing(error: &KinesisError) -> bool {
    match error {
        KinesisError::ProvisionedThroughputExceededException(_)
        | KinesisError::LimitExceededException(_)
        | KinesisError::ThrottlingException(_)
        | KinesisError::KMSThrottlingException(_)
        | KinesisError::ResourceInUseException(_) => true,
        // What is no error of the API either is one of the way to the server, or will stay.
        KinesisError::InternalFailureException(inner) => {
            let text = inner.message.as_deref().unwrap_or_default();
            !["UnrecognizedClient", "InvalidSignature", "MissingAuth", "IncompleteSignature", "TLS", "SignatureDoes"]
                .iter()
                .any(|name| text.starts_with(name))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use api::kinesis::PutRecordsResultEntry;

    use super::*;

    #[test]
    fn refused_records_stay_in_their_order() {
        let line = |number| Line { number, key: "k".into(), data: "d".into() };
        let mut lines: Vec<Line> = (1..=4).map(line).collect();
        let good = PutRecordsResultEntry { shard_id: Some("s"), ..Default::default() };
        let bad =
            PutRecordsResultEntry { error_code: Some("Throttled"), error_message: Some("slow"), ..Default::default() };
        let output = PutRecordsOutput { records: [good, bad, good, bad].into_iter().collect(), ..Default::default() };
        let mut outcome = Outcome::default();
        assert_eq!(settle(&mut lines, &output, &mut outcome), "Throttled: slow");
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(outcome.written.get("s"), Some(&2));
    }

    #[tokio::test]
    async fn without_a_server_only_the_first_batch_waits() {
        let endpoint = "http://127.0.0.1:1".parse().expect("an endpoint");
        let region: base::ids::Region = "us-east-1".parse().expect("a region");
        let caller =
            base::caller::Caller { account: base::ids::AccountId::zero(), region: region.clone(), access_key_id: None };
        let kinesis = client::KinesisClient::builder(endpoint, region, client::Credentials::anonymous());
        let kinesis = kinesis.attempts_max(1).build().expect("no TLS");
        let sender = Sender::new(Session::new(kinesis, caller), "s".to_owned(), Duration::from_millis(150));
        for retried in [1, 0, 0] {
            let mut batch = Batch::default();
            batch.push(Line { number: 7, key: "k".into(), data: "d".into() });
            let outcome = sender.send(batch).await.expect("records are given up one by one");
            assert_eq!((outcome.retried, outcome.rejects.len()), (retried, 1));
            assert!(outcome.rejects[0].reason.starts_with("cannot connect to "), "{}", outcome.rejects[0].reason);
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        assert!(is_passing(&KinesisError::internal_failure("cannot connect to http://x: refused")));
        assert!(!is_passing(&KinesisError::internal_failure("UnrecognizedClientException: who?")));
        assert!(!is_passing(&KinesisError::resource_not_found("gone")));
    }
}
