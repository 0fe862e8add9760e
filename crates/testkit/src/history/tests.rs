use base::hash_key::{HashKey, HashKeyRange};

use super::*;

const SHARD: ShardIndex = ShardIndex(0);

fn number(index: u64) -> SequenceNumber {
    SequenceNumber { shard_created_seconds: 1, index, time_seconds: 2, shard: SHARD }
}

fn record(index: u64, data: &'static str) -> ReadRecord {
    let data = Bytes::from_static(data.as_bytes());
    ReadRecord { sequence: number(index), partition_key: "k".into(), data, arrival: None }
}

/// Two acknowledged puts `a` (1) and `b` (2), and one without an answer, `c`.
fn recorded() -> History {
    let mut history = History::new();
    let a = history.invoke("k", "a");
    history.acknowledge(a, number(1));
    let b = history.invoke("k", "b");
    history.acknowledge(b, number(2));
    history.invoke("k", "c");
    history
}

fn history(read: Vec<ReadRecord>) -> Result<Summary, Vec<Violation>> {
    let mut history = recorded();
    history.read(SHARD, read);
    history.check()
}

fn description(shard: u32, range: HashKeyRange, parents: &[u32], is_closed: bool) -> ShardDescription {
    let parents = parents.iter().copied().map(ShardIndex).collect();
    ShardDescription { shard: ShardIndex(shard), range, parents, is_closed }
}

#[test]
fn clean_histories_pass() {
    let summary = history(vec![record(1, "a"), record(2, "b")]).expect("clean");
    assert_eq!(summary, Summary { acknowledged: 2, unknown_stored: 0, read: 2 });
    let summary = history(vec![record(1, "a"), record(2, "b"), record(3, "c")]).expect("clean");
    assert_eq!(summary.unknown_stored, 1);
}

#[test]
fn every_kind_of_loss_is_found() {
    let found = |read| history(read).expect_err("broken");
    assert!(matches!(found(vec![record(1, "a")])[..], [Violation::Lost { .. }]));
    assert!(matches!(
        found(vec![record(2, "b"), record(1, "a")])[..],
        [Violation::Gap { .. }, Violation::OutOfOrder { .. }]
    ));
    assert!(matches!(found(vec![record(1, "a"), record(2, "b"), record(3, "x")])[..], [Violation::Invented { .. }]));
    let twice = found(vec![record(1, "a"), record(2, "b"), record(3, "b")]);
    assert!(twice.iter().any(|v| matches!(v, Violation::Duplicated { .. })), "{twice:?}");
    let moved = found(vec![record(1, "a"), record(5, "b")]);
    assert!(matches!(moved[..], [Violation::Gap { .. }, Violation::Moved { .. }]), "{moved:?}");
    let swapped = found(vec![record(1, "b"), record(2, "a")]);
    assert!(swapped.iter().any(|v| matches!(v, Violation::TimeReversed { .. })), "{swapped:?}");
    let early = ReadRecord { arrival: Some(5), ..record(1, "a") };
    let late = ReadRecord { arrival: Some(4), ..record(2, "b") };
    assert!(matches!(found(vec![early, late])[..], [Violation::ArrivalReversed { arrival: 4, .. }]));
}

#[test]
fn what_was_promised_after_the_mark_may_be_missing() {
    let mut history = History::new();
    let a = history.invoke("k", "a");
    history.acknowledge(a, number(1));
    let mark = history.mark();
    let b = history.invoke("k", "b");
    history.acknowledge(b, number(2));
    assert_eq!((history.acknowledged_since(Mark::default()), history.acknowledged_since(mark)), (2, 1));
    history.close(SHARD);
    history.list(vec![description(0, HashKeyRange::ALL, &[], false)]);
    history.read(SHARD, vec![record(1, "a")]);
    assert_eq!(history.check_until(mark), Ok(Summary { acknowledged: 1, unknown_stored: 0, read: 1 }));
    assert_eq!(history.check().expect_err("broken").len(), 2);
    history.read(SHARD, vec![]);
    assert!(matches!(history.check_until(mark).expect_err("broken")[..], [Violation::Lost { .. }]));
    history.forget_since(mark);
    history.read(SHARD, vec![record(1, "a")]);
    assert_eq!(history.check(), Ok(Summary { acknowledged: 1, unknown_stored: 0, read: 1 }));
}

#[test]
fn what_was_promised_in_a_moment_of_doubt_may_be_missing() {
    let mut history = recorded();
    let from = history.mark();
    let doubtful = history.invoke("k", "doubtful");
    history.acknowledge(doubtful, number(4));
    history.observe(SHARD, Some(3), &[record(4, "doubtful")]);
    let to = history.mark();
    let late = history.invoke("k", "late");
    history.acknowledge(late, number(5));
    assert_eq!(history.doubt(from, to), 1);
    let kept = || vec![record(1, "a"), record(2, "b"), record(3, "c")];
    history.read(SHARD, [kept(), vec![record(4, "doubtful"), record(5, "late")]].concat());
    // Beside the one that was never answered.
    assert_eq!(history.check().expect("it may be there").unknown_stored, 2);
    history.read(SHARD, kept());
    assert!(matches!(history.check().expect_err("the late one is missed")[..], [Violation::Lost { .. }]));
}

#[test]
fn what_consumers_were_given_stays_and_has_no_gaps() {
    let mut history = recorded();
    history.observe(SHARD, None, &[record(1, "a"), record(2, "b")]);
    history.observe(SHARD, Some(2), &[record(3, "c")]);
    history.read(SHARD, vec![record(1, "a"), record(2, "b"), record(3, "c")]);
    history.check().expect("clean");
    history.read(SHARD, vec![record(1, "a"), record(2, "b")]);
    assert!(matches!(history.check().expect_err("gone")[..], [Violation::Unread { index: 3, .. }]));
    let mut skipped = recorded();
    skipped.observe(SHARD, Some(0), &[record(2, "b")]);
    skipped.read(SHARD, vec![record(1, "a"), record(2, "b")]);
    assert!(matches!(skipped.check().expect_err("gap")[..], [Violation::Gap { index: 0, expected: 2, .. }]));
}

#[test]
fn lineage() {
    let (lower, upper) = HashKeyRange::ALL.split(HashKey(1 << 127)).expect("the middle");
    let owner = if lower.contains(HashKey::of("k")) { 1 } else { 2 };
    let mut history = History::new();
    let a = history.invoke("k", "a");
    history.acknowledge(a, number(1));
    history.close(SHARD);
    let shards = vec![
        description(0, HashKeyRange::ALL, &[], true),
        description(1, lower, &[0], false),
        description(2, upper, &[0], false),
    ];
    let child = SequenceNumber { shard: ShardIndex(owner), ..number(1) };
    let b = history.invoke("k", "b");
    history.acknowledge(b, child);
    history.list(shards.clone());
    history.read(SHARD, vec![record(1, "a")]);
    history.read(child.shard, vec![ReadRecord { sequence: child, ..record(1, "b") }]);
    history.check().expect("clean");

    let mut open = history.clone();
    open.list(vec![description(0, HashKeyRange::ALL, &[], false)]);
    let found = open.check().expect_err("the shard is open again, and its child is gone");
    assert!(matches!(found[..], [Violation::Reopened { .. }, Violation::Misrouted { .. }]), "{found:?}");

    let mut halved = history.clone();
    halved.list(shards[..2].to_vec());
    let found = halved.check().expect_err("half is missing");
    assert!(found.iter().any(|v| matches!(v, Violation::NotCovered { .. })), "{found:?}");

    let late = history.invoke("k", "c");
    history.acknowledge(late, number(2));
    history.read(SHARD, vec![record(1, "a"), record(2, "c")]);
    let found = history.check().expect_err("the parent takes records again");
    assert!(matches!(found[..], [Violation::ParentRevived { .. }]), "{found:?}");
}

#[test]
fn tiling() {
    assert_eq!(check_tiling(&HashKeyRange::uniform(7)), Ok(()));
    assert!(check_tiling(&HashKeyRange::uniform(7)[1..]).is_err());
    assert!(check_tiling(&[HashKeyRange::ALL, HashKeyRange::ALL]).is_err());
    assert!(check_tiling(&[]).is_err());
}
