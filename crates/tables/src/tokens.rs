//! ClientRequestTokens of transactions that were carried out in the last ten minutes: asked again, they are not carried
//! out a second time.

use std::collections::HashMap;
use std::time::Duration;

use base::ByteString;
use base::caller::Caller;
use base::ids::{AccountId, Region};
use base::time::Timestamp;

use crate::limits::TOKENS_MAX;
use crate::rows::{TokenRow, keys};

/// How long a token is remembered (service documentation).
pub const LIFE: Duration = Duration::from_secs(600);

/// A token among those of all callers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenId {
    pub account: AccountId,
    pub region: Region,
    pub token: ByteString,
}

/// A token as it comes with a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUse {
    pub id: TokenId,
    pub row: TokenRow,
}

/// What is known of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Never,
    /// With the same transaction.
    Same,
    /// With another one.
    Different,
}

impl TokenId {
    #[must_use]
    pub fn new(caller: &Caller, token: &str) -> Self {
        // A copy, because it outlives the request.
        Self { account: caller.account.clone(), region: caller.region.clone(), token: token.into() }
    }

    #[must_use]
    pub fn key(&self) -> String {
        keys::token(&self.account, &self.region, &self.token)
    }
}

/// The tokens that are remembered.
#[derive(Debug, Default)]
pub struct Tokens {
    known: HashMap<TokenId, TokenRow>,
}

impl Tokens {
    #[must_use]
    pub fn seen(&self, used: &TokenUse, now: Timestamp) -> Seen {
        match self.known.get(&used.id) {
            Some(row) if row.forgotten_at <= now => Seen::Never,
            Some(row) if row.digest == used.row.digest => Seen::Same,
            Some(_) => Seen::Different,
            None => Seen::Never,
        }
    }

    pub fn insert(&mut self, id: TokenId, row: TokenRow) {
        self.known.insert(id, row);
    }

    pub fn remove(&mut self, id: &TokenId) {
        self.known.remove(id);
    }

    /// Tokens whose time has come, and, beyond what may be remembered, those whose time comes next.
    #[must_use]
    pub fn forgotten(&self, now: Timestamp) -> Vec<TokenId> {
        let mut by_time: Vec<(Timestamp, &TokenId)> =
            self.known.iter().map(|(id, row)| (row.forgotten_at, id)).collect();
        by_time.sort_by_key(|(at, _)| *at);
        let surplus = by_time.len().saturating_sub(TOKENS_MAX);
        let due = by_time.iter().enumerate().filter(|(rank, (at, _))| *rank < surplus || *at <= now);
        due.map(|(_, (_, id))| (*id).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(token: &str, digest: u8, forgotten_at: i64) -> TokenUse {
        let id =
            TokenId { account: AccountId::zero(), region: "us-east-1".parse().expect("a region"), token: token.into() };
        TokenUse { id, row: TokenRow { digest: [digest; 32], forgotten_at: Timestamp::from_millis(forgotten_at) } }
    }

    #[test]
    fn tokens_are_known_for_their_time() {
        let mut tokens = Tokens::default();
        let first = used("t", 1, 100);
        let at = Timestamp::from_millis;
        assert_eq!(tokens.seen(&first, at(0)), Seen::Never);
        tokens.insert(first.id.clone(), first.row);
        assert_eq!(tokens.seen(&first, at(99)), Seen::Same);
        assert_eq!(tokens.seen(&used("t", 2, 100), at(99)), Seen::Different);
        assert_eq!(tokens.seen(&used("u", 1, 100), at(99)), Seen::Never);
        assert_eq!(tokens.seen(&first, at(100)), Seen::Never);
        assert_eq!((tokens.forgotten(at(99)), tokens.forgotten(at(100))), (vec![], vec![first.id.clone()]));
        tokens.remove(&first.id);
        assert_eq!(tokens.forgotten(at(100)), []);
    }
}
