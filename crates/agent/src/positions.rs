//! How far each file is done: everything before its position is acknowledged by the service.
//!
//! Kept in memory, and written to the checkpoint file by [`crate::checkpoint`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// Names the content of a file within a flow, while the agent runs: content that moves to another file keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileKey(u64);

/// A file on a disk, whatever its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
}

/// The first bytes of a file, by which it is known again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub bytes: u64,
    pub md5: String,
}

/// One file and how far it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// For people, and to know a file again that moved to another disk. Not exact if the path is not UTF-8.
    pub path: String,
    #[serde(flatten)]
    pub id: FileId,
    pub head: Head,
    /// Bytes from the start of the file that are acknowledged.
    pub offset: u64,
    /// When the file was last found, in milliseconds since 1970.
    pub seen_millis: i64,
}

/// Positions by flow. A flow that is there has been started before, even if it has no files.
pub type Flows = BTreeMap<String, Vec<Position>>;

/// The positions of all flows.
#[derive(Debug, Default)]
pub struct Positions {
    state: Mutex<State>,
    /// Told of each change.
    pub changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    flows: BTreeMap<String, BTreeMap<FileKey, Position>>,
    /// Content that is known by another key since it lost its end: what it has left, and how many bytes that is.
    clipped: BTreeMap<FileKey, (FileKey, u64)>,
    next_key: u64,
    is_dirty: bool,
}

impl Positions {
    pub fn new(flows: Flows) -> Self {
        let mut state = State::default();
        for (flow, positions) in flows {
            let positions = positions.into_iter().map(|position| (state.new_key(), position)).collect();
            state.flows.insert(flow, positions);
        }
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// What was known of a flow before; `None` at its first start, which this ends.
    pub fn start(&self, flow: &str) -> Option<Vec<(FileKey, Position)>> {
        let mut state = self.state();
        if let Some(known) = state.flows.get(flow) {
            return Some(known.iter().map(|(key, position)| (*key, position.clone())).collect());
        }
        state.flows.insert(flow.to_owned(), BTreeMap::new());
        self.touch(state);
        None
    }

    pub fn add(&self, flow: &str, position: Position) -> FileKey {
        let mut state = self.state();
        let key = state.new_key();
        state.flows.entry(flow.to_owned()).or_default().insert(key, position);
        self.touch(state);
        key
    }

    /// Notes where the content is to be found now.
    pub fn locate(&self, flow: &str, key: FileKey, change: impl FnOnce(&mut Position)) {
        let mut state = self.state();
        if let Some(position) = state.flows.get_mut(flow).and_then(|files| files.get_mut(&key)) {
            change(position);
            self.touch(state);
        }
    }

    /// Notes that a file was found. Not worth a write of its own.
    pub fn see(&self, flow: &str, key: FileKey, now: Timestamp) {
        if let Some(position) = self.state().flows.get_mut(flow).and_then(|files| files.get_mut(&key)) {
            position.seen_millis = now.millis();
        }
    }

    /// Moves a position forward; files that are forgotten are passed over.
    pub fn acknowledge(&self, flow: &str, ends: &[(FileKey, u64)]) {
        let mut guard = self.state();
        let state = &mut *guard;
        if let Some(files) = state.flows.get_mut(flow) {
            for &(mut key, mut end) in ends {
                while let Some((left, bytes)) = state.clipped.get(&key) {
                    (key, end) = (*left, end.min(*bytes));
                }
                if let Some(position) = files.get_mut(&key) {
                    position.offset = position.offset.max(end);
                }
            }
        }
        self.touch(guard);
    }

    /// The content has only so many bytes left. Answers its new key, by which bytes that come after those are told from
    /// what was there and may not be acknowledged yet.
    pub fn clip(&self, flow: &str, key: FileKey, bytes: u64) -> FileKey {
        let mut state = self.state();
        let left = state.new_key();
        if let Some(files) = state.flows.get_mut(flow)
            && let Some(mut position) = files.remove(&key)
        {
            position.offset = position.offset.min(bytes);
            files.insert(left, position);
            state.clipped.insert(key, (left, bytes));
        }
        self.touch(state);
        left
    }

    pub fn offset(&self, flow: &str, key: FileKey) -> Option<u64> {
        self.state().flows.get(flow).and_then(|files| files.get(&key)).map(|position| position.offset)
    }

    pub fn forget(&self, flow: &str, key: FileKey) {
        let mut state = self.state();
        if let Some(files) = state.flows.get_mut(flow) {
            files.remove(&key);
        }
        state.clipped.retain(|_, (left, _)| *left != key);
        self.touch(state);
    }

    /// What is to be written, if anything is; files not found since `oldest` are left out.
    pub fn take_changes(&self, oldest: Timestamp) -> Option<Flows> {
        let mut state = self.state();
        if !std::mem::take(&mut state.is_dirty) {
            return None;
        }
        let kept = |position: &&Position| position.seen_millis >= oldest.millis();
        let flows = state.flows.iter();
        Some(flows.map(|(flow, files)| (flow.clone(), files.values().filter(kept).cloned().collect())).collect())
    }

    /// What was taken could not be written.
    pub fn give_back_changes(&self) {
        self.state().is_dirty = true;
    }

    fn touch(&self, mut state: MutexGuard<'_, State>) {
        state.is_dirty = true;
        drop(state);
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new_key(&mut self) -> FileKey {
        self.next_key += 1;
        FileKey(self.next_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(path: &str, seen_millis: i64) -> Position {
        let id = FileId { device: 1, inode: 2 };
        Position { path: path.into(), id, head: Head::default(), offset: 0, seen_millis }
    }

    #[test]
    fn positions_only_move_forward_and_changes_are_taken_once() {
        let positions = Positions::new(Flows::new());
        let all = Timestamp::from_millis(0);
        assert_eq!(positions.start("f"), None);
        assert_eq!(positions.start("f"), Some(Vec::new()));
        let key = positions.add("f", position("/a", 10));
        positions.acknowledge("f", &[(key, 7)]);
        positions.acknowledge("f", &[(key, 5)]);
        assert_eq!(positions.offset("f", key), Some(7));
        let taken = positions.take_changes(all).expect("changed");
        assert_eq!(taken["f"], [Position { offset: 7, ..position("/a", 10) }]);
        assert_eq!(positions.take_changes(all), None);
        positions.give_back_changes();
        assert_eq!(positions.take_changes(Timestamp::from_millis(11)).expect("given back")["f"], []);
        positions.forget("f", key);
        positions.acknowledge("f", &[(key, 9)]);
        assert_eq!(positions.offset("f", key), None);
        assert_eq!(Positions::new(taken).start("f").expect("known").len(), 1);
    }

    #[test]
    fn what_lost_its_end_is_done_with_what_it_has_left() {
        let positions = Positions::new(Flows::new());
        let key = positions.add("f", position("/a", 10));
        positions.acknowledge("f", &[(key, 7)]);
        let left = positions.clip("f", key, 5);
        assert_eq!((positions.offset("f", key), positions.offset("f", left)), (None, Some(5)));
        positions.acknowledge("f", &[(key, 9)]);
        assert_eq!(positions.offset("f", left), Some(5));
        positions.acknowledge("f", &[(left, 6)]);
        assert_eq!(positions.offset("f", left), Some(6));
        let less = positions.clip("f", left, 4);
        positions.acknowledge("f", &[(key, 9)]);
        assert_eq!(positions.offset("f", less), Some(4));
    }
}
