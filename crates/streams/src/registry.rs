//! All streams of the node, by name and by incarnation.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base::arn::StreamArn;
use base::ids::{AccountId, Region};

use crate::stream::Stream;

#[derive(Debug, Default)]
pub struct Registry {
    maps: RwLock<Maps>,
}

#[derive(Debug, Default)]
struct Maps {
    by_name: HashMap<StreamArn, Arc<Stream>>,
    by_incarnation: HashMap<u64, Arc<Stream>>,
}

impl Registry {
    fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Maps> {
        self.maps.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn find(&self, arn: &StreamArn) -> Option<Arc<Stream>> {
        self.read().by_name.get(arn).cloned()
    }

    pub fn find_incarnation(&self, incarnation: u64) -> Option<Arc<Stream>> {
        self.read().by_incarnation.get(&incarnation).cloned()
    }

    pub fn insert(&self, stream: Arc<Stream>) {
        let mut maps = self.write();
        maps.by_incarnation.insert(stream.incarnation, stream.clone());
        maps.by_name.insert(stream.arn.clone(), stream);
    }

    pub fn remove(&self, stream: &Stream) {
        let mut maps = self.write();
        maps.by_incarnation.remove(&stream.incarnation);
        maps.by_name.remove(&stream.arn);
    }

    pub fn all(&self) -> Vec<Arc<Stream>> {
        self.read().by_name.values().cloned().collect()
    }

    /// Streams of one account in one region, in no order.
    pub fn of(&self, account: &AccountId, region: &Region) -> Vec<Arc<Stream>> {
        let maps = self.read();
        let own = maps.by_name.values().filter(|stream| stream.arn.account == *account && stream.arn.region == *region);
        own.cloned().collect()
    }
}
