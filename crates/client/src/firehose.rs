//! Firehose, as far as the API of this workspace goes.

#[allow(clippy::wildcard_imports, reason = "the trait names every shape of the API")]
use api::firehose::*;
use base::BoxFuture;
use base::caller::Caller;

use crate::service::service_client;

service_client! {
    /// A signed client of Firehose at one server, region and access key. Clones share connections.
    FirehoseClient implements Firehose of SERVICE, fails with FirehoseError::service_unavailable;
    {}
    put_record_batch "PutRecordBatch" PutRecordBatchInput PutRecordBatchOutput;
}
