//! What the two ways of reading a shard share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::kinesis::{KinesisError, Record, ShardIteratorType};
use base::ByteString;
use base::time::Timestamp;
use tokio::sync::mpsc;

use crate::connect::Session;
use crate::failure::Failure;

/// How long a reader tries again while the server cannot be reached or refuses.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);

/// What readers tell.
pub enum News {
    Records {
        shard: ByteString,
        records: Vec<Record>,
        /// Whether these are the newest of the shard.
        is_caught_up: bool,
    },
    /// The shard is closed and has been read to its end.
    Ended {
        shard: ByteString,
    },
    Failed(Failure),
}

/// Where in a shard the next read begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    Horizon,
    Latest,
    Time(Timestamp),
    /// After the record of that number.
    After(ByteString),
}

impl Position {
    /// Kind, number and time, as the API wants them.
    pub fn parts(&self) -> (ShardIteratorType, Option<ByteString>, Option<Timestamp>) {
        match self {
            Self::Horizon => (ShardIteratorType::TrimHorizon, None, None),
            Self::Latest => (ShardIteratorType::Latest, None, None),
            Self::Time(time) => (ShardIteratorType::AtTimestamp, None, Some(*time)),
            Self::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number.clone()), None),
        }
    }
}

/// Reads one shard.
pub struct Reader {
    pub session: Arc<Session>,
    pub stream: ByteString,
    pub shard: ByteString,
    pub news: mpsc::Sender<News>,
}

/// Nobody listens any more, or the reader has told why it stops.
pub struct Stop;

impl Reader {
    pub async fn tell(&self, news: News) -> Result<(), Stop> {
        self.news.send(news).await.map_err(|_| Stop)
    }

    pub async fn tell_records(&self, records: Vec<Record>, is_caught_up: bool) -> Result<(), Stop> {
        self.tell(News::Records { shard: self.shard.clone(), records, is_caught_up }).await
    }

    pub async fn tell_ended(&self) -> Result<(), Stop> {
        self.tell(News::Ended { shard: self.shard.clone() }).await
    }

    /// Waits when the error may pass and has not lasted too long, else gives up.
    pub async fn wait(&self, error: &KinesisError, patience: &mut Patience) -> Result<(), Stop> {
        let since = *patience.failing_since.get_or_insert_with(Instant::now);
        if is_passing(error) && since.elapsed() < PATIENCE {
            tokio::time::sleep(PAUSE).await;
            return Ok(());
        }
        self.tell(News::Failed(self.session.explain(error))).await?;
        Err(Stop)
    }
}

/// Since when every attempt failed.
#[derive(Debug, Default)]
pub struct Patience {
    failing_since: Option<Instant>,
}

impl Patience {
    pub fn renew(&mut self) {
        self.failing_since = None;
    }
}

fn is_passing(error: &KinesisError) -> bool {
    match error {
        KinesisError::ProvisionedThroughputExceededException(_)
        | KinesisError::LimitExceededException(_)
        | KinesisError::ThrottlingException(_)
        | KinesisError::KMSThrottlingException(_)
        // Another subscription of the consumer, perhaps our own of a moment ago.
        | KinesisError::ResourceInUseException(_) => true,
        // The server restarts, say. What was wrong from the beginning has failed before the first read.
        KinesisError::InternalFailureException(_) => true,
        _ => false,
    }
}
