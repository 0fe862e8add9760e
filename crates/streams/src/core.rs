//! What all operations share: the ports, the streams, and how a request finds its stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use api::kinesis::KinesisError;
use base::ByteString;
use base::arn::{ResourceArn, StreamArn};
use base::caller::Caller;
use base::ids::StreamName;
use base::time::{Clock, Timestamp};
use store::catalog::{Expect, SharedCatalog, Transaction};
use store::shard_log::{LogOptions, SharedShardLog};
use tokio::sync::{Notify, watch};

use crate::error::{self, Answer};
use crate::ids::Ids;
use crate::registry::Registry;
use crate::rows::{StreamRow, keys};
use crate::seal::Seal;
use crate::settings::StreamsSettings;
use crate::shard::lock;
use crate::stream::{Snapshot, Stream};
use crate::subscriptions::Subscriptions;
use crate::throttle::CallThrottle;
use crate::transition::Status;
use crate::worker::Jobs;

/// Accounts and operations whose call rates are kept; the table is emptied when it is full.
const CALL_RATES_MAX: usize = 10_000;

pub struct Core {
    pub catalog: SharedCatalog,
    pub log: SharedShardLog,
    pub clock: Arc<dyn Clock>,
    pub settings: StreamsSettings,
    pub seal: Seal,
    pub registry: Registry,
    pub ids: Ids,
    pub subscriptions: Subscriptions,
    /// Becomes true when the service is to end its subscriptions and its background jobs.
    pub stopped: watch::Sender<bool>,
    /// Wakes the worker before its time.
    pub work: Arc<Notify>,
    pub jobs: Jobs,
    /// Held while a stream is created, so that account limits are counted right.
    pub creation: tokio::sync::Mutex<()>,
    call_rates: Mutex<HashMap<(Caller, &'static str), CallThrottle>>,
}

impl Core {
    pub fn new(
        ports: (SharedCatalog, SharedShardLog, Arc<dyn Clock>),
        settings: StreamsSettings,
        seal: Seal,
        ids: Ids,
    ) -> Self {
        let (catalog, log, clock) = ports;
        Self {
            catalog,
            log,
            clock,
            settings,
            seal,
            registry: Registry::default(),
            ids,
            subscriptions: Subscriptions::default(),
            stopped: watch::Sender::new(false),
            work: Arc::new(Notify::new()),
            jobs: Jobs::default(),
            creation: tokio::sync::Mutex::new(()),
            call_rates: Mutex::default(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the time of a change has come. What is further away than any change is begun to be comes from before the clock
    /// was set back.
    pub fn is_due(&self, due: Timestamp) -> bool {
        let now = self.now();
        due <= now || due > now.plus(self.settings.transition_delay)
    }

    pub fn limits_enforced(&self) -> bool {
        self.settings.limits.enforced
    }

    /// The stream that a request names by name, by ARN, or by both.
    pub fn resolve(
        &self,
        caller: &Caller,
        operation: &'static str,
        name: Option<&ByteString>,
        arn: Option<&ByteString>,
    ) -> Answer<Arc<Stream>> {
        let arn = self.arn_of(caller, operation, name, arn)?;
        self.registry.find(&arn).ok_or_else(|| error::stream_not_found(&arn))
    }

    fn arn_of(
        &self,
        caller: &Caller,
        operation: &'static str,
        name: Option<&ByteString>,
        arn: Option<&ByteString>,
    ) -> Answer<StreamArn> {
        let Some(text) = arn else {
            let name = name
                .ok_or_else(|| KinesisError::invalid_argument("Either StreamARN or StreamName should be provided."))?;
            let stream =
                StreamName::new(name.clone()).map_err(|invalid| KinesisError::invalid_argument(invalid.to_string()))?;
            return Ok(StreamArn { region: caller.region.clone(), account: caller.account.clone(), stream });
        };
        let arn: StreamArn =
            text.parse().map_err(|_| KinesisError::invalid_argument(format!("Invalid StreamARN: {text}")))?;
        if name.is_some_and(|name| **name != *arn.stream.as_str()) {
            return Err(KinesisError::invalid_argument("StreamARN and StreamName do not name the same stream."));
        }
        self.check_owner(caller, operation, &arn, text)?;
        Ok(arn)
    }

    /// Streams are seen by their own account, in their own region.
    pub fn check_owner(
        &self,
        caller: &Caller,
        operation: &'static str,
        stream: &StreamArn,
        resource: &str,
    ) -> Answer<()> {
        if stream.account != caller.account {
            return Err(error::foreign_account(caller, operation, resource));
        }
        if stream.region != caller.region {
            return Err(error::stream_not_found(stream));
        }
        Ok(())
    }

    /// The stream that a resource ARN belongs to, and the resource.
    pub fn resolve_resource(
        &self,
        caller: &Caller,
        operation: &'static str,
        text: &ByteString,
    ) -> Answer<(Arc<Stream>, ResourceArn)> {
        let resource: ResourceArn =
            text.parse().map_err(|_| KinesisError::invalid_argument(format!("Invalid ResourceARN: {text}")))?;
        self.check_owner(caller, operation, resource.stream(), text)?;
        let stream = self.registry.find(resource.stream()).ok_or_else(|| error::stream_not_found(resource.stream()))?;
        self.check_resource(&stream, &resource)?;
        Ok((stream, resource))
    }

    /// Whether a resource of this stream exists: asked anew by whoever has waited for [`Stream::change`].
    pub fn check_resource(&self, stream: &Stream, resource: &ResourceArn) -> Answer<()> {
        let snapshot = self.existing(stream)?;
        let ResourceArn::Consumer(arn) = resource else { return Ok(()) };
        let known = snapshot.consumer(arn.consumer.as_str());
        if known.is_none_or(|consumer| consumer.created_at.seconds() != arn.created_seconds) {
            return Err(error::consumer_not_found(&stream.arn, arn.consumer.as_str()));
        }
        Ok(())
    }

    /// Counts a control-plane call against its rate.
    pub fn admit_call(
        &self,
        caller: &Caller,
        operation: &'static str,
        per_second: usize,
        stream: Option<&str>,
    ) -> Answer<()> {
        if !self.limits_enforced() {
            return Ok(());
        }
        // The rate is the account's, whichever of its keys is used.
        let account = Caller { access_key_id: None, ..caller.clone() };
        let mut rates = lock(&self.call_rates);
        if rates.len() >= CALL_RATES_MAX {
            rates.clear();
        }
        let throttle = rates.entry((account, operation)).or_default();
        if throttle.admit(self.now(), per_second) {
            Ok(())
        } else {
            drop(rates);
            Err(error::call_rate(caller, operation, stream))
        }
    }

    /// The snapshot of a stream that can be changed.
    pub fn active(&self, stream: &Stream) -> Answer<Arc<Snapshot>> {
        let snapshot = self.existing(stream)?;
        match snapshot.row.status {
            Status::Active => Ok(snapshot),
            status @ (Status::Creating | Status::Updating | Status::Deleting) => {
                Err(error::stream_not_active(&stream.arn, status))
            }
        }
    }

    /// The snapshot of a stream that has not gone while the request waited for it.
    pub fn existing(&self, stream: &Stream) -> Answer<Arc<Snapshot>> {
        if stream.is_gone() { Err(error::stream_not_found(&stream.arn)) } else { Ok(stream.snapshot()) }
    }

    /// Commits a changed stream row together with `transaction` and publishes the snapshot. The caller holds
    /// [`Stream::change`].
    pub async fn commit(&self, stream: &Stream, snapshot: Snapshot, transaction: Transaction) -> Answer<()> {
        let snapshot = self.commit_row(stream, snapshot, transaction).await?;
        stream.publish(snapshot);
        Ok(())
    }

    /// As [`Core::commit`], without publishing.
    pub async fn commit_row(
        &self,
        stream: &Stream,
        mut snapshot: Snapshot,
        transaction: Transaction,
    ) -> Answer<Snapshot> {
        let key = keys::stream(&stream.arn);
        let transaction =
            transaction.expect(key.clone(), Expect::Version(snapshot.row_version)).put(key, snapshot.row.encode());
        snapshot.row_version = self.catalog.commit(transaction).await.map_err(error::catalog)?;
        Ok(snapshot)
    }
}

/// How the log of a shard is to be kept.
#[must_use]
pub fn log_options(row: &StreamRow, closed: bool) -> LogOptions {
    LogOptions { retention: row.retention(), closed }
}
