//! What shard iterators and page tokens say. Both expire five minutes after they were issued.

use base::ByteString;
use base::ids::ShardIndex;
use base::limits::TOKEN_LIFE;
use base::time::Timestamp;
use store::shard_log::Position;
use thiserror::Error;

use crate::rows::RowError;
use crate::rows::field::{RowReader, RowWriter};
use crate::seal::{ForeignToken, Seal, TokenKind};
use crate::shard_filter::ShardFilter;

const VERSION: u8 = 1;

/// Why a token is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error(transparent)]
    Foreign(#[from] ForeignToken),
    #[error("token of {issued} has expired at {now}")]
    Expired { issued: Timestamp, now: Timestamp },
}

impl From<RowError> for TokenError {
    /// What was sealed by this server but cannot be read was sealed by another release.
    fn from(_: RowError) -> Self {
        Self::Foreign(ForeignToken)
    }
}

/// A place in a shard of one incarnation of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IteratorToken {
    pub incarnation: u64,
    pub shard: ShardIndex,
    pub position: Position,
    /// Name of the stream, for messages when it is gone.
    pub stream: String,
}

impl IteratorToken {
    #[must_use]
    pub fn seal(&self, seal: &Seal, now: Timestamp) -> ByteString {
        let mut content = RowWriter::new(VERSION);
        content.time(now);
        content.u64(self.incarnation);
        content.u32(self.shard.0);
        content.u64(self.position.0);
        content.text(&self.stream);
        seal.seal(TokenKind::ShardIterator, &content.finish())
    }

    /// Accepts the token in an extra pair of double quotes, as the service does.
    ///
    /// # Errors
    /// When the token is not of this server, or is too old.
    pub fn open(seal: &Seal, token: &str, now: Timestamp) -> Result<Self, TokenError> {
        let token = token.strip_prefix('"').and_then(|token| token.strip_suffix('"')).unwrap_or(token);
        let content = seal.open(TokenKind::ShardIterator, token)?;
        let mut content = RowReader::new(&content, VERSION)?;
        let issued = content.time("issued")?;
        let iterator = Self {
            incarnation: content.u64("incarnation")?,
            shard: ShardIndex(content.u32("shard")?),
            position: Position(content.u64("position")?),
            stream: content.text("stream")?,
        };
        content.finish()?;
        check_age(issued, now)?;
        Ok(iterator)
    }
}

/// Where the next page of ListShards begins, and which shards belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardPageToken {
    pub incarnation: u64,
    pub after: ShardIndex,
    pub filter: ShardFilter,
}

impl ShardPageToken {
    #[must_use]
    pub fn seal(&self, seal: &Seal, now: Timestamp) -> ByteString {
        let mut content = RowWriter::new(VERSION);
        content.time(now);
        content.u64(self.incarnation);
        content.u32(self.after.0);
        let (kind, time) = self.filter.code();
        content.u8(kind);
        content.time(time);
        seal.seal(TokenKind::ShardPage, &content.finish())
    }

    /// # Errors
    /// When the token is not of this server, or is too old.
    pub fn open(seal: &Seal, token: &str, now: Timestamp) -> Result<Self, TokenError> {
        let content = seal.open(TokenKind::ShardPage, token)?;
        let mut content = RowReader::new(&content, VERSION)?;
        let issued = content.time("issued")?;
        let (incarnation, after) = (content.u64("incarnation")?, ShardIndex(content.u32("after")?));
        let filter = ShardFilter::from_code(content.u8("filter")?, content.time("filter")?);
        content.finish()?;
        check_age(issued, now)?;
        Ok(Self { incarnation, after, filter: filter.ok_or(ForeignToken)? })
    }
}

/// Where the next page of a list of names begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePageToken {
    /// The list's owner: a stream ARN, or account and region.
    pub owner: String,
    pub after: String,
}

impl NamePageToken {
    #[must_use]
    pub fn seal(&self, seal: &Seal, kind: TokenKind, now: Timestamp) -> ByteString {
        let mut content = RowWriter::new(VERSION);
        content.time(now);
        content.text(&self.owner);
        content.text(&self.after);
        seal.seal(kind, &content.finish())
    }

    /// # Errors
    /// When the token is not of this server, or is too old.
    pub fn open(seal: &Seal, kind: TokenKind, token: &str, now: Timestamp) -> Result<Self, TokenError> {
        let content = seal.open(kind, token)?;
        let mut content = RowReader::new(&content, VERSION)?;
        let issued = content.time("issued")?;
        let page = Self { owner: content.text("owner")?, after: content.text("after")? };
        content.finish()?;
        check_age(issued, now)?;
        Ok(page)
    }
}

fn check_age(issued: Timestamp, now: Timestamp) -> Result<(), TokenError> {
    if now.since(issued) > TOKEN_LIFE { Err(TokenError::Expired { issued, now }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn iterators_survive_quotes_and_five_minutes() {
        let seal = Seal::new(&[1; 32]);
        let iterator =
            IteratorToken { incarnation: 3, shard: ShardIndex(4), position: Position(5), stream: "s".repeat(128) };
        let token = iterator.seal(&seal, NOW);
        assert!(token.len() <= 512, "{}", token.len());
        let late = NOW.plus(Duration::from_secs(300));
        assert_eq!(IteratorToken::open(&seal, &token, late), Ok(iterator.clone()));
        assert_eq!(IteratorToken::open(&seal, &format!("\"{token}\""), NOW), Ok(iterator));
        let now = late.plus(Duration::from_millis(1));
        assert_eq!(IteratorToken::open(&seal, &token, now), Err(TokenError::Expired { issued: NOW, now }));
        assert_eq!(IteratorToken::open(&seal, "x", NOW), Err(TokenError::Foreign(ForeignToken)));
    }

    #[test]
    fn pages_round_trip() {
        let seal = Seal::new(&[1; 32]);
        let filter = ShardFilter::FromTimestamp(NOW);
        let page = ShardPageToken { incarnation: 1, after: ShardIndex(2), filter };
        assert_eq!(ShardPageToken::open(&seal, &page.seal(&seal, NOW), NOW), Ok(page));
        let names = NamePageToken { owner: "o".into(), after: "a".into() };
        let token = names.seal(&seal, TokenKind::StreamPage, NOW);
        assert_eq!(NamePageToken::open(&seal, TokenKind::StreamPage, &token, NOW), Ok(names));
        assert!(NamePageToken::open(&seal, TokenKind::ConsumerPage, &token, NOW).is_err());
    }
}
