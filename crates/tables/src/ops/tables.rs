//! CreateTable, DescribeTable, ListTables, DeleteTable.

use api::dynamodb::{
    CreateTableInput, CreateTableOutput, DeleteTableInput, DeleteTableOutput, DescribeTableInput, DescribeTableOutput,
    ListTablesInput, ListTablesOutput, TableStatus,
};
use aws_lc_rs::rand;
use base::ByteString;
use base::caller::Caller;

use super::definition;
use super::shapes::{described, description};
use crate::core::Core;
use crate::error::{self, Answer};
use crate::limits::LIST_TABLES_MAX;
use crate::table_name::TableId;

/// The table is ACTIVE when this returns.
pub async fn create_table(core: &Core, caller: &Caller, input: CreateTableInput) -> Answer<CreateTableOutput> {
    let id = TableId { name: input.table_name.parse()?, ..TableId::named(caller, &input.table_name)? };
    let name = id.name.clone();
    let row = definition::new_table(input, random_id(), core.now())?;
    let edit = move |present: Option<&_>| match present {
        Some(_) => Err(error::table_exists(&name)),
        None => Ok(Some(row)),
    };
    let (table, _) = core.edit_table(id, Box::new(edit)).await?;
    Ok(CreateTableOutput { table_description: Some(description(&table)) })
}

/// A random UUID.
fn random_id() -> ByteString {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]).into()
}

pub fn describe_table(core: &Core, caller: &Caller, input: DescribeTableInput) -> Answer<DescribeTableOutput> {
    let table = core.described_table(caller, &input.table_name)?;
    Ok(DescribeTableOutput { table: Some(description(&table)) })
}

pub fn list_tables(core: &Core, caller: &Caller, input: ListTablesInput) -> Answer<ListTablesOutput> {
    let after = input.exclusive_start_table_name.as_deref();
    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LIST_TABLES_MAX);
    let names = core.shared.registry.of(caller).into_iter().map(|table| table.id.name.text());
    let mut names = names.filter(|name| after.is_none_or(|after| **name > *after));
    let table_names: Vec<ByteString> = names.by_ref().take(limit).collect();
    let last = names.next().and(table_names.last()).cloned();
    Ok(ListTablesOutput { table_names: Some(table_names), last_evaluated_table_name: last })
}

/// The table is gone when this returns.
pub async fn delete_table(core: &Core, caller: &Caller, input: DeleteTableInput) -> Answer<DeleteTableOutput> {
    let id = core.described_table(caller, &input.table_name)?.id.clone();
    let name = id.name.clone();
    let edit = move |present: Option<&crate::rows::TableRow>| match present {
        None => Err(error::table_not_found(&name)),
        Some(row) if row.is_protected => Err(error::invalid(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
             first.",
        )),
        Some(_) => Ok(None),
    };
    let (table, _) = core.edit_table(id, Box::new(edit)).await?;
    let state = table.read();
    Ok(DeleteTableOutput { table_description: Some(described(&table, &state, TableStatus::Deleting)) })
}
