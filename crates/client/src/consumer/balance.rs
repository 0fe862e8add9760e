//! Which leases a worker should try to get: a decision from what the table says, without I/O.
//!
//! Each worker aims at an equal share of the leases of unfinished shards. What is free or whose owner is gone is taken
//! at once; when there is nothing of that kind, the worker with the most leases is asked for one at a time.

use std::collections::BTreeMap;

use base::ByteString;

use super::lease::Lease;

/// What to do about one lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Move {
    /// Nobody processes it.
    Take(ByteString),
    /// Its owner does, and should hand it over.
    Ask(ByteString),
}

/// `is_gone` tells of a lease that its owner has not renewed it in time. `rotate` differs from worker to worker, so
/// that they do not all try for the same lease.
pub(super) fn moves(leases: &[Lease], me: &ByteString, is_gone: impl Fn(&Lease) -> bool, rotate: usize) -> Vec<Move> {
    let unfinished: Vec<&Lease> = leases.iter().filter(|lease| !lease.checkpoint.is_shard_end()).collect();
    let (free, held): (Vec<&Lease>, Vec<&Lease>) =
        unfinished.into_iter().partition(|lease| lease.actual_owner().is_none() || is_gone(lease));
    // A lease that is on its way counts for the worker that will have it.
    let mut counts = BTreeMap::from([(me, 0)]);
    for owner in held.iter().filter_map(|lease| lease.owner.as_ref().or(lease.actual_owner())) {
        *counts.entry(owner).or_insert(0) += 1;
    }
    let mine = counts[me];
    let share = (free.len() + held.len()).div_ceil(counts.len());
    let wanted = share.saturating_sub(mine);
    if !free.is_empty() {
        let first = rotate % free.len();
        let in_turn = free.iter().cycle().skip(first).take(free.len());
        return in_turn.take(wanted).map(|lease| Move::Take(lease.key.clone())).collect();
    }
    let most = counts.iter().max_by_key(|(_, count)| **count).map(|(owner, count)| ((*owner).clone(), *count));
    let Some((owner, count)) = most.filter(|(owner, count)| owner != me && *count >= mine + 2) else {
        return Vec::new();
    };
    let of_owner: Vec<&&Lease> =
        held.iter().filter(|lease| lease.owner.as_ref() == Some(&owner) && lease.checkpoint_owner.is_none()).collect();
    let asked = of_owner.get(rotate % count.max(1)).or_else(|| of_owner.first());
    asked.map(|lease| Move::Ask(lease.key.clone())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumer::lease::Checkpoint;

    fn lease(key: &str, owner: &str, checkpoint_owner: &str) -> Lease {
        let some = |owner: &str| (!owner.is_empty()).then(|| ByteString::from(owner));
        Lease {
            key: key.into(),
            counter: 1,
            owner: some(owner),
            checkpoint_owner: some(checkpoint_owner),
            checkpoint: Checkpoint::new("TRIM_HORIZON"),
            parents: Vec::new(),
            children: Vec::new(),
            range: None,
            since: None,
        }
    }

    fn check(leases: &[Lease], gone: &str, expected: &[Move]) {
        let is_gone = |lease: &Lease| lease.actual_owner().is_some_and(|owner| owner == gone);
        assert_eq!(moves(leases, &"me".into(), is_gone, 0), expected);
    }

    #[test]
    fn free_leases_are_taken_up_to_a_share() {
        let leases = [lease("1", "", ""), lease("2", "", ""), lease("3", "", ""), lease("4", "other", "")];
        check(&leases, "", &[Move::Take("1".into()), Move::Take("2".into())]);
        let alone = [lease("1", "", ""), lease("2", "me", "")];
        check(&alone, "", &[Move::Take("1".into())]);
    }

    #[test]
    fn leases_of_a_worker_that_is_gone_are_free() {
        let leases = [lease("1", "dead", ""), lease("2", "other", ""), lease("3", "me", ""), lease("4", "me", "dead")];
        check(&leases, "dead", &[Move::Take("1".into())]);
    }

    #[test]
    fn the_worker_with_the_most_is_asked_for_one() {
        let leases = [lease("1", "a", ""), lease("2", "a", ""), lease("3", "b", "")];
        check(&leases, "", &[Move::Ask("1".into())]);
        // What is on its way counts already.
        check(&[lease("1", "me", "a"), lease("2", "a", ""), lease("3", "b", "")], "", &[]);
        check(&[lease("1", "me", ""), lease("2", "a", ""), lease("3", "a", "")], "", &[]);
    }

    #[test]
    fn finished_shards_do_not_count() {
        let mut ended = lease("1", "a", "");
        ended.checkpoint = Checkpoint::shard_end();
        check(&[ended.clone(), ended], "", &[]);
    }
}
