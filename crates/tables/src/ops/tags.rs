//! TagResource, UntagResource, ListTagsOfResource.

use std::sync::Arc;

use api::dynamodb::{
    ListTagsOfResourceInput, ListTagsOfResourceOutput, Tag, TagResourceInput, TagResourceOutput, UntagResourceInput,
    UntagResourceOutput,
};
use base::ByteString;
use base::caller::Caller;

use super::definition::with_tags;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::rows::TableRow;
use crate::table::Table;
use crate::table_name::TableId;

pub async fn tag_resource(core: &Core, caller: &Caller, input: TagResourceInput) -> Answer<TagResourceOutput> {
    let table = find(core, caller, &input.resource_arn)?;
    change(core, &table, move |row| {
        let tags = with_tags(row.tags.clone(), input.tags)?;
        Ok(TableRow { tags, ..row.clone() })
    })
    .await?;
    Ok(TagResourceOutput {})
}

pub async fn untag_resource(core: &Core, caller: &Caller, input: UntagResourceInput) -> Answer<UntagResourceOutput> {
    let table = find(core, caller, &input.resource_arn)?;
    change(core, &table, move |row| {
        let mut row = row.clone();
        input.tag_keys.iter().for_each(|key| drop(row.tags.remove(key)));
        Ok(row)
    })
    .await?;
    Ok(UntagResourceOutput {})
}

/// All tags are on one page.
pub fn list_tags_of_resource(
    core: &Core,
    caller: &Caller,
    input: ListTagsOfResourceInput,
) -> Answer<ListTagsOfResourceOutput> {
    if input.next_token.is_some() {
        return Err(error::invalid("Invalid NextToken"));
    }
    let definition = find(core, caller, &input.resource_arn)?.definition();
    let shape = |(key, value): (&ByteString, &ByteString)| Tag { key: key.clone(), value: value.clone() };
    Ok(ListTagsOfResourceOutput { tags: Some(definition.tags.iter().map(shape).collect()), next_token: None })
}

fn find(core: &Core, caller: &Caller, arn: &str) -> Answer<Arc<Table>> {
    let id: TableId = arn.parse()?;
    let table = core.shared.registry.find(&id).filter(|_| id.is_of(caller));
    table.ok_or_else(|| error::resource_not_found(arn))
}

/// Changes the definition of a table that is there.
pub async fn change(
    core: &Core,
    table: &Table,
    change: impl FnOnce(&TableRow) -> Answer<TableRow> + Send + 'static,
) -> Answer<()> {
    let name = table.id.name.clone();
    let edit = move |present: Option<&TableRow>| match present {
        None => Err(error::table_not_found(&name)),
        Some(row) => change(row).map(Some),
    };
    core.edit_table(table.id.clone(), Box::new(edit)).await?;
    Ok(())
}
