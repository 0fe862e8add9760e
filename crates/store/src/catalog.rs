//! Port: a small transactional key-value store for everything that is not a record.
//!
//! Keys are text, ordered by their bytes; values are opaque bytes with a version that changes on every
//! write. A commit is all or nothing and durable when it answers.

use std::sync::Arc;

use base::{BoxFuture, Bytes};
use thiserror::Error;
use tokio::sync::watch;

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub value: Bytes,
    /// Number of the commit that wrote the row; rises with every commit.
    pub version: u64,
}

/// What must be true of a key for a commit to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Absent,
    Version(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Put {
        key: String,
        value: Bytes,
    },
    Delete {
        key: String,
    },
    /// Deletes every key that begins with this.
    DeletePrefix {
        prefix: String,
    },
}

/// Conditions and writes that happen together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    pub expect: Vec<(String, Expect)>,
    pub writes: Vec<Write>,
}

impl Transaction {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn expect(mut self, key: impl Into<String>, expect: Expect) -> Self {
        self.expect.push((key.into(), expect));
        self
    }

    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.writes.push(Write::Put { key: key.into(), value: value.into() });
        self
    }

    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.writes.push(Write::Delete { key: key.into() });
        self
    }

    #[must_use]
    pub fn delete_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.writes.push(Write::DeletePrefix { prefix: prefix.into() });
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// An expectation did not hold; nothing was written.
    #[error("{key:?} was changed by another writer")]
    Conflict { key: String },
    /// Nothing was written; will succeed when space returns.
    #[error("no space left for the catalog: {0}")]
    Full(String),
    #[error("catalog failed: {0}")]
    Failed(String),
}

pub trait Catalog: Send + Sync {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Row>, CatalogError>>;

    /// Rows whose key begins with `prefix` and is greater than `after`, in key order, at most `limit`.
    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, CatalogError>>;

    /// Answers the version that the written rows now carry.
    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<u64, CatalogError>>;

    /// Follows the version of the last commit.
    fn watch(&self) -> watch::Receiver<u64>;
}

/// The catalog as rooms share it.
pub type SharedCatalog = Arc<dyn Catalog>;
