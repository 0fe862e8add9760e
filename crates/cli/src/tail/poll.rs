//! Reads a shard by GetRecords.

use std::time::Duration;

use api::kinesis::{GetRecordsInput, GetShardIteratorInput, Kinesis as _, KinesisError};
use base::ByteString;
use tokio::time::Instant;

use super::reader::{Patience, Position, Reader, Stop};

pub async fn follow(reader: Reader, position: Position, interval: Duration) {
    // The only way out is news that says why, or nobody who listens.
    let Err(Stop) = read(&reader, position, interval).await else { return };
}

async fn read(reader: &Reader, mut position: Position, interval: Duration) -> Result<(), Stop> {
    let mut patience = Patience::default();
    let mut iterator = iterator(reader, &position, &mut patience).await?;
    loop {
        let next = Instant::now() + interval;
        let input = GetRecordsInput { shard_iterator: iterator.clone(), ..Default::default() };
        match reader.session.kinesis.get_records(&reader.session.caller, input).await {
            Ok(output) => {
                patience.renew();
                if let Some(last) = output.records.last() {
                    position = Position::After(last.sequence_number.clone());
                }
                let is_caught_up = output.millis_behind_latest.unwrap_or(0) == 0;
                reader.tell_records(output.records, is_caught_up).await?;
                match output.next_shard_iterator {
                    Some(token) => iterator = token,
                    None => return reader.tell_ended().await,
                }
            }
            Err(KinesisError::ExpiredIteratorException(_)) => {
                iterator = self::iterator(reader, &position, &mut patience).await?;
            }
            Err(error) => reader.wait(&error, &mut patience).await?,
        }
        // Closed shards are paced too: others may be reading them.
        tokio::time::sleep_until(next).await;
    }
}

async fn iterator(reader: &Reader, position: &Position, patience: &mut Patience) -> Result<ByteString, Stop> {
    let (shard_iterator_type, starting_sequence_number, timestamp) = position.parts();
    let input = GetShardIteratorInput {
        stream_name: Some(reader.stream.clone()),
        shard_id: reader.shard.clone(),
        shard_iterator_type,
        starting_sequence_number,
        timestamp,
        ..Default::default()
    };
    loop {
        match reader.session.kinesis.get_shard_iterator(&reader.session.caller, input.clone()).await {
            Ok(output) => return Ok(output.shard_iterator.unwrap_or_default()),
            Err(error) => reader.wait(&error, patience).await?,
        }
    }
}
