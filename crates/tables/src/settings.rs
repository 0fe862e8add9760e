//! What an operator can choose. Plain data.

use base::limits::MIB;

/// Settings of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablesSettings {
    /// Memory that all items together may take, as reckoned; every item is held in memory.
    pub memory_bytes_max: usize,
    /// Tables that an account may have in one region.
    pub tables_max: usize,
}

impl Default for TablesSettings {
    fn default() -> Self {
        Self { memory_bytes_max: 256 * MIB, tables_max: 2500 }
    }
}
