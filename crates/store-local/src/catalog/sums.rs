//! What proves that the rows are those that were committed: a checksum per row, and one over all rows.

use crc_fast::{CrcAlgorithm, Digest};
use rusqlite::{Connection, OptionalExtension};

use super::failure::Failure;

/// Checksum of one row: CRC-64/NVME of `key length u32 | key | version u64 | value`, little endian.
pub(super) fn row_sum(key: &str, version: u64, value: &[u8]) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
    digest.update(key.as_bytes());
    digest.update(&version.to_le_bytes());
    digest.update(value);
    digest.finalize()
}

/// The row of `commits`: the last commit, and what all rows come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Number of the last commit.
    pub version: u64,
    /// Number of rows.
    pub rows: u64,
    /// The checksums of all rows, combined with exclusive or: neither order nor history counts.
    pub sums: u64,
}

impl Totals {
    /// Reads the row, which guards itself.
    pub(super) fn load(sql: &Connection) -> Result<Self, Failure> {
        let mut select = sql.prepare_cached("SELECT version, rows, sums, seal FROM commits")?;
        let found = select.query_row([], |row| {
            let field = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok((Self { version: field(0)?, rows: field(1)?, sums: field(2)? }, field(3)?))
        });
        match found.optional()? {
            Some((totals, seal)) if totals.seal() == seal => Ok(totals),
            Some(_) | None => Err(Failure::Damaged("the row of the last commit".to_owned())),
        }
    }

    pub(super) fn store(&self, sql: &Connection) -> rusqlite::Result<()> {
        let fields = [self.version, self.rows, self.sums, self.seal()].map(u64::cast_signed);
        sql.prepare_cached("INSERT OR REPLACE INTO commits VALUES (1, ?1, ?2, ?3, ?4)")?.execute(fields)?;
        Ok(())
    }

    pub(super) fn add(&mut self, sum: u64) {
        self.rows += 1;
        self.sums ^= sum;
    }

    pub(super) fn remove(&mut self, sum: u64) {
        self.rows = self.rows.wrapping_sub(1);
        self.sums ^= sum;
    }

    fn seal(&self) -> u64 {
        let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        for field in [self.version, self.rows, self.sums] {
            digest.update(&field.to_le_bytes());
        }
        digest.finalize()
    }
}

/// Reads every row and holds it against its checksum, and all together against the totals: nothing has changed, nothing
/// has vanished, and keys are in order, so that none is overlooked by a search.
pub(super) fn verify(sql: &Connection) -> Result<Totals, Failure> {
    let check: String = sql.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if check != "ok" {
        return Err(Failure::Damaged(check));
    }
    let totals = Totals::load(sql)?;
    let mut found = Totals { version: totals.version, ..Totals::default() };
    let mut select = sql.prepare("SELECT key, value, version, sum FROM entries ORDER BY key")?;
    let mut rows = select.query([])?;
    let mut last: Option<String> = None;
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        let sum = checked(row, &key, 1)?.1;
        if last.as_ref().is_some_and(|last| *last >= key) {
            return Err(Failure::Damaged(format!("the order of row {key:?}")));
        }
        found.add(sum);
        last = Some(key);
    }
    if found == totals {
        Ok(totals)
    } else {
        Err(Failure::Damaged(format!("there are {} rows where the last commit left {}", found.rows, totals.rows)))
    }
}

/// Value, version and checksum of a row from three columns, the first at `column`.
pub(super) fn checked(
    row: &rusqlite::Row<'_>,
    key: &str,
    column: usize,
) -> Result<(store::catalog::Row, u64), Failure> {
    let value: Vec<u8> = row.get(column)?;
    let version = row.get::<_, i64>(column + 1)?.cast_unsigned();
    let sum = row.get::<_, i64>(column + 2)?.cast_unsigned();
    if row_sum(key, version, &value) != sum {
        return Err(Failure::Damaged(format!("row {key:?}")));
    }
    Ok((store::catalog::Row { value: value.into(), version }, sum))
}
