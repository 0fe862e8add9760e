//! How many files this process may have open. Every connection is one, and the log and the catalog need some when all
//! connections are taken: without a file for the next journal no record can be put.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Files that are kept for journals, segments under their readers, the catalog and what reads `/proc`.
const RESERVED: u64 = 256;
/// Of a limit that is smaller than that, connections get half.
const CONNECTIONS_SHARE: u64 = 2;

/// Raises the limit as far as the system lets everybody, and answers how many connections fit beside the other files, at
/// most `wanted`.
pub fn room_for_connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = limit.map_or(wanted, |files| fitting(files, wanted));
    if room < wanted {
        warn!(limit, connections = room, wanted, "the limit of open files allows fewer connections than are set");
    }
    room
}

fn fitting(files: u64, wanted: usize) -> usize {
    let connections = files.saturating_sub(RESERVED).max(files / CONNECTIONS_SHARE).max(1);
    usize::try_from(connections).unwrap_or(usize::MAX).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_data() {
        for (files, wanted, connections) in
            [(1_048_576, 10_000, 10_000), (1024, 10_000, 768), (300, 10_000, 150), (1024, 10, 10), (1, 10, 1)]
        {
            assert_eq!(fitting(files, wanted), connections, "{files} files");
        }
    }
}
