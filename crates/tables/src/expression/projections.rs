//! The grammar of projections: paths with commas between them.

use super::Fault;
use super::cursor::Cursor;
use super::operands;
use super::updates::check_clashes;
use crate::path::Path;

pub fn paths(cursor: &mut Cursor<'_, '_>) -> Result<Vec<Path>, Fault> {
    let paths = cursor.list(|cursor| operands::path(cursor, |_| false))?;
    check_clashes(&paths)?;
    Ok(paths)
}
