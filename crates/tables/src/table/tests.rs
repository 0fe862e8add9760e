use base::ByteString;
use base::ids::AccountId;
use base::time::Timestamp;

use super::*;
use crate::rows::Billing;
use crate::rows::table::Class;
use crate::schema::{Index, KeyAttribute, Projection, Scope};
use crate::value::{Kind, Value};

fn key(name: &'static str, sort: Option<&'static str>) -> KeySchema {
    let attribute = |name: &'static str| KeyAttribute { name: name.into(), kind: Kind::S };
    KeySchema { partition: attribute(name), sort: sort.map(attribute) }
}

fn by_owner() -> Index {
    Index {
        name: "by-owner".into(),
        scope: Scope::Global,
        keys: key("owner", Some("id")),
        projection: Projection::KeysOnly,
        throughput: None,
    }
}

fn table(indexes: Vec<Index>) -> Table {
    let id = TableId {
        account: AccountId::zero(),
        region: "us-east-1".parse().expect("a region"),
        name: "leases".parse().expect("a name"),
    };
    let definition = TableRow {
        incarnation: 1,
        id: ByteString::new(),
        created_at: Timestamp::from_millis(0),
        keys: key("id", None),
        indexes,
        billing: Billing::OnDemand,
        on_demand_since: None,
        is_protected: false,
        time_to_live: None,
        recovery_since: None,
        class: Class::Standard,
        tags: BTreeMap::new(),
    };
    Table::new(id, definition, 1)
}

fn item(id: &str, owner: Option<&str>) -> Arc<Item> {
    let mut attributes: Attributes = [("id".into(), Value::S(id.into()))].into();
    attributes.extend(owner.map(|owner| ("owner".into(), Value::S(owner.into()))));
    Arc::new(Item::new(attributes))
}

fn put(table: &Table, item: &Arc<Item>, version: u64) -> Result<Option<Stored>, Outdated> {
    let key = table.keys.in_index(&item.attributes).expect("a key");
    table.write().apply(&key, Some(Arc::clone(item)), version)
}

fn page(table: &Table, index: Option<usize>, forward: bool, items: usize, range: KeyRange) -> Page {
    table.read().page(index, range, forward, PageLimit { items, bytes: usize::MAX })
}

#[test]
fn the_newer_version_wins() {
    let table = table(vec![]);
    assert!(put(&table, &item("a", Some("new")), 5).expect("put").is_none());
    assert_eq!(put(&table, &item("a", Some("old")), 4).map(|_| ()), Err(Outdated));
    let key = table.keys.in_index(&item("a", None).attributes).expect("a key");
    assert_eq!(table.write().apply(&key, None, 4).map(|_| ()), Err(Outdated));
    assert_eq!(table.read().get(&key).map(|stored| stored.version), Some(5));
    assert_eq!(table.write().apply(&key, None, 6).expect("removed").map(|stored| stored.version), Some(5));
    assert_eq!((table.read().len(), table.read().size()), (0, 0));
}

#[test]
fn indexes_follow_their_items() {
    let table = table(vec![by_owner()]);
    for (n, (id, owner)) in [("a", Some("x")), ("b", Some("y")), ("c", None), ("a", Some("y"))].into_iter().enumerate()
    {
        put(&table, &item(id, owner), n as u64 + 1).expect("put");
    }
    assert_eq!((table.read().len(), table.read().index_len(0)), (3, 2));
    put(&table, &item("b", None), 9).expect("put");
    assert_eq!(page(&table, Some(0), true, 9, KeyRange::ALL).items, [item("a", Some("y"))]);
    assert_eq!(table.read().size(), 2 + 1 + 5 + 1 + 3 + 3);
}

#[test]
fn a_new_index_is_filled() {
    let table = table(vec![]);
    put(&table, &item("a", Some("x")), 1).expect("put");
    put(&table, &item("b", None), 2).expect("put");
    let definition = Arc::new(TableRow { indexes: vec![by_owner()], ..(*table.definition()).clone() });
    let filled = [("by-owner".into(), table.read().fill(&by_owner()))].into();
    table.write().redefine(Arc::clone(&definition), 3, filled);
    assert_eq!((table.read().index_len(0), table.read().version), (1, 3));
    // Another definition with the same index keeps it.
    table.write().redefine(definition, 4, BTreeMap::new());
    assert_eq!(table.read().index_len(0), 1);
}

#[test]
fn pages_go_through_everything_in_both_directions() {
    let table = table(vec![by_owner()]);
    for n in 0..20u64 {
        put(&table, &item(&format!("id-{n:02}"), Some("w")), n + 1).expect("put");
    }
    for forward in [true, false] {
        let (mut found, mut range) = (Vec::new(), KeyRange::ALL);
        loop {
            let page = page(&table, Some(0), forward, 6, range);
            found.extend(page.items);
            let Some(last) = page.last else { break };
            range = KeyRange::ALL.behind(last, forward);
        }
        let mut ids: Vec<_> = found.iter().map(|item| item.attributes["id"].clone()).collect();
        if !forward {
            ids.reverse();
        }
        let expected: Vec<_> = (0..20).map(|n| Value::S(format!("id-{n:02}").into())).collect();
        assert_eq!(ids, expected);
    }
    // A page that is full ends where it is full, even when nothing follows.
    assert!(page(&table, None, true, 20, KeyRange::ALL).last.is_some());
    assert!(page(&table, None, true, 21, KeyRange::ALL).last.is_none());
    let limit = PageLimit { items: 100, bytes: 1 };
    assert_eq!(table.read().page(None, KeyRange::ALL, true, limit).items.len(), 1);
}
