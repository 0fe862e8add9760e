//! Limits of the DynamoDB API, each with its source, and those of this server.

use base::limits::{KIB, MIB};

/// Names and values of one item (service documentation).
pub const ITEM_BYTES_MAX: usize = 400 * KIB;
/// A partition key (service documentation).
pub const PARTITION_KEY_BYTES_MAX: usize = 2048;
/// A sort key (service documentation).
pub const SORT_KEY_BYTES_MAX: usize = 1024;
/// Lists and maps within each other (service documentation).
pub const NESTING_MAX: usize = 32;
/// One expression (service documentation).
pub const EXPRESSION_BYTES_MAX: usize = 4 * KIB;
/// Memory of the values that the expressions of one request hold, each as often as it is named: ours, so that few bytes do not
/// become many. No item is larger than a fortieth of it.
pub const EXPRESSION_VALUES_BYTES_MAX: usize = 16 * MIB;
/// Parentheses, functions and NOT within each other in one expression: ours, so that stacks are bounded.
pub const EXPRESSION_NESTING_MAX: usize = 64;
/// Values of one IN (service documentation).
pub const IN_OPERANDS_MAX: usize = 100;
/// Items that one page of Query or Scan looks at (service documentation).
pub const PAGE_BYTES_MAX: usize = MIB;
/// What every item counts for beside its size, so that pages of tiny items have an end, too. Ours.
pub const PAGE_ITEM_BYTES: usize = 100;
/// Items in one answer of BatchGetItem (service documentation).
pub const BATCH_GET_BYTES_MAX: usize = 16 * MIB;
/// Keys of one BatchGetItem (service documentation).
pub const BATCH_GET_COUNT_MAX: usize = 100;
/// Requests of one BatchWriteItem (service documentation).
pub const BATCH_WRITE_COUNT_MAX: usize = 25;
/// Items of one transaction together (service documentation).
pub const TRANSACTION_BYTES_MAX: usize = 4 * MIB;
/// Global secondary indexes of one table (service documentation).
pub const GLOBAL_INDEXES_MAX: usize = 20;
/// Local secondary indexes of one table (service documentation).
pub const LOCAL_INDEXES_MAX: usize = 5;
/// Attributes that the indexes of one table name in INCLUDE (service documentation).
pub const INCLUDED_ATTRIBUTES_MAX: usize = 100;
/// Capacity units of one table or index.
pub const CAPACITY_UNITS_MAX: i64 = 1_000_000_000_000;
/// Tags of one table (service documentation).
pub const TAGS_MAX: usize = base::limits::TAGS_PER_RESOURCE_MAX;
/// Tables on one page of ListTables (service model).
pub const LIST_TABLES_MAX: usize = 100;
/// Tokens of transactions that are remembered; with more, the oldest are forgotten before their time. Ours.
pub const TOKENS_MAX: usize = 100_000;
