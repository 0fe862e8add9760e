//! Everything that this service persists, one file per row type, and the keys of the rows: docs/format/tables.md.

pub mod field;
pub mod incarnation;
pub mod item;
pub mod table;
pub mod token;

pub use field::RowError;
pub use incarnation::IncarnationRow;
pub use table::{Billing, TableRow};
pub use token::TokenRow;

/// Keys of rows.
pub mod keys {
    use std::fmt::Write as _;

    use base::ByteString;
    use base::ids::{AccountId, Region};

    use crate::item_key::ItemKey;
    use crate::table_name::TableId;

    pub const TABLES: &str = "tables/table/";
    pub const ITEMS: &str = "tables/item/";
    pub const TOKENS: &str = "tables/token/";
    pub const NEXT_INCARNATION: &str = "tables/counter/incarnation";

    pub fn table(id: &TableId) -> String {
        format!("{TABLES}{}/{}/{}", id.account, id.region, id.name)
    }

    /// The table that a key of [`table`] names.
    pub fn table_of(key: &str) -> Option<TableId> {
        let mut parts = key.strip_prefix(TABLES)?.splitn(3, '/');
        Some(TableId {
            account: AccountId::new(parts.next()?.to_owned()).ok()?,
            region: Region::new(parts.next()?.to_owned()).ok()?,
            name: parts.next()?.parse().ok()?,
        })
    }

    /// Prefix of all items of a table.
    pub fn items(incarnation: u64) -> String {
        format!("{ITEMS}{incarnation:016x}/")
    }

    pub fn item(incarnation: u64, key: &ItemKey) -> String {
        let mut text = items(incarnation);
        text.reserve(2 * (key.partition.len() + key.sort.len()) + 1);
        hex(&mut text, &key.partition);
        text.push('/');
        hex(&mut text, &key.sort);
        text
    }

    /// The incarnation in a key of [`item`].
    pub fn incarnation_of(key: &str) -> Option<u64> {
        u64::from_str_radix(key.strip_prefix(ITEMS)?.get(..16)?, 16).ok()
    }

    fn hex(text: &mut String, bytes: &[u8]) {
        for byte in bytes {
            write!(text, "{byte:02x}").expect("a string takes every write");
        }
    }

    pub fn token(account: &AccountId, region: &Region, token: &str) -> String {
        format!("{TOKENS}{account}/{region}/{token}")
    }

    /// What a key of [`token`] names.
    pub fn token_of(key: &str) -> Option<(AccountId, Region, ByteString)> {
        let mut parts = key.strip_prefix(TOKENS)?.splitn(3, '/');
        let account = AccountId::new(parts.next()?.to_owned()).ok()?;
        let region = Region::new(parts.next()?.to_owned()).ok()?;
        Some((account, region, parts.next()?.into()))
    }

    #[cfg(test)]
    mod tests {
        use base::Bytes;

        use super::*;

        #[test]
        fn keys_can_be_read_back() {
            let id = TableId {
                account: AccountId::zero(),
                region: "eu-west-1".parse().expect("a region"),
                name: "a.b".parse().expect("a name"),
            };
            assert_eq!(table_of(&table(&id)), Some(id.clone()));
            let key = ItemKey::new(Bytes::from_static(b"\x00/\xff"), Bytes::from_static(b"s"));
            assert_eq!(item(300, &key), "tables/item/000000000000012c/002fff/73");
            assert_eq!(incarnation_of(&item(300, &key)), Some(300));
            let token = token(&id.account, &id.region, "a/b");
            assert_eq!(token_of(&token), Some((id.account, id.region, "a/b".into())));
        }
    }
}
