//! The operations, one thin file per family: find the stream, ask the domain, shape the answer.

pub mod put;
mod put_checks;
pub mod read;
pub mod subscribe;

pub mod describe;
pub mod lifecycle;
pub mod list_shards;
pub mod reshard;

pub mod capacity;
pub mod consumers;
pub mod encryption;
pub mod monitoring;
pub mod policies;
pub mod retention;
pub mod tags;

pub mod account;
mod account_use;
mod shapes;

use api::kinesis::KinesisError;
use base::ByteString;

use crate::error::Answer;

/// A dry run ends where the operation would begin to do something.
fn refuse_dry_run(dry_run: Option<bool>) -> Answer<()> {
    if dry_run == Some(true) {
        return Err(KinesisError::dry_run_operation("Request would have succeeded, but DryRun flag is set."));
    }
    Ok(())
}

/// How many entries a page has: as many as the client wants, but at most `max`, which is also the default.
fn page_size(wanted: Option<i32>, max: usize) -> usize {
    wanted.and_then(|wanted| usize::try_from(wanted).ok()).unwrap_or(max).min(max)
}

/// The stream that a request names by name or by ARN, its own or a consumer's, as messages show it.
fn stream_named<'a>(name: Option<&'a ByteString>, arn: Option<&'a ByteString>) -> Option<&'a str> {
    let in_arn = || arn?.split_once(":stream/")?.1.split('/').next();
    name.map(|name| &**name).or_else(in_arn)
}
