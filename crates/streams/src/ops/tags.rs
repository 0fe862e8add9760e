//! Tags by both families: AddTagsToStream, RemoveTagsFromStream, ListTagsForStream; TagResource, UntagResource,
//! ListTagsForResource.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::kinesis::{
    AddTagsToStreamInput, AddTagsToStreamOutput, ListTagsForResourceInput, ListTagsForResourceOutput,
    ListTagsForStreamInput, ListTagsForStreamOutput, RemoveTagsFromStreamInput, RemoveTagsFromStreamOutput, Tag,
    TagResourceInput, TagResourceOutput, UntagResourceInput, UntagResourceOutput,
};
use base::ByteString;
use base::arn::ResourceArn;
use base::caller::Caller;
use store::catalog::Transaction;

use super::{page_size, stream_named};
use crate::core::Core;
use crate::error::{self, Answer};
use crate::rows::{TagsRow, keys};
use crate::stream::Stream;
use crate::tags;

/// Calls per second of each operation.
const CALLS: usize = 5;
/// Tags on one page unless fewer are wanted.
const PAGE: usize = 50;

/// Whose tags: a stream's, or those of one of its consumers.
struct Tagged {
    stream: Arc<Stream>,
    resource: ResourceArn,
}

impl Tagged {
    fn stream(stream: Arc<Stream>) -> Self {
        let resource = ResourceArn::Stream(stream.arn.clone());
        Self { stream, resource }
    }

    fn resource(core: &Core, caller: &Caller, operation: &'static str, arn: &ByteString) -> Answer<Self> {
        let (stream, resource) = core.resolve_resource(caller, operation, arn)?;
        Ok(Self { stream, resource })
    }

    fn key(&self) -> String {
        let consumer = match &self.resource {
            ResourceArn::Stream(_) => None,
            ResourceArn::Consumer(arn) => Some(arn.consumer.as_str()),
        };
        keys::tags(self.stream.incarnation, consumer)
    }

    async fn read(&self, core: &Core) -> Answer<TagsRow> {
        let row = core.catalog.get(&self.key()).await.map_err(error::catalog)?;
        row.map_or(Ok(TagsRow::default()), |row| TagsRow::decode(&row.value)).map_err(error::row)
    }

    /// Changes the tags while nobody else changes the stream.
    async fn change(
        &self,
        core: &Core,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> Answer<()>,
    ) -> Answer<()> {
        let _change = self.stream.change.lock().await;
        core.check_resource(&self.stream, &self.resource)?;
        let mut row = self.read(core).await?;
        change(&mut row.0)?;
        let transaction = if row.0.is_empty() {
            Transaction::new().delete(self.key())
        } else {
            Transaction::new().put(self.key(), row.encode())
        };
        core.catalog.commit(transaction).await.map_err(error::catalog)?;
        Ok(())
    }

    async fn add(&self, core: &Core, added: &BTreeMap<ByteString, ByteString>) -> Answer<()> {
        self.change(core, |tags| tags::add(tags, added).map_err(error::tags)).await
    }

    async fn remove(&self, core: &Core, removed: &[ByteString]) -> Answer<()> {
        self.change(core, |tags| {
            removed.iter().for_each(|key| drop(tags.remove(&**key)));
            Ok(())
        })
        .await
    }
}

fn shape((key, value): (String, String)) -> Tag {
    Tag { key: key.into(), value: Some(value.into()) }
}

pub async fn add_to_stream(core: &Core, caller: &Caller, input: AddTagsToStreamInput) -> Answer<AddTagsToStreamOutput> {
    core.admit_call(
        caller,
        "AddTagsToStream",
        CALLS,
        stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()),
    )?;
    let stream = core.resolve(caller, "AddTagsToStream", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    Tagged::stream(stream).add(core, &input.tags).await?;
    Ok(AddTagsToStreamOutput {})
}

pub async fn remove_from_stream(
    core: &Core,
    caller: &Caller,
    input: RemoveTagsFromStreamInput,
) -> Answer<RemoveTagsFromStreamOutput> {
    core.admit_call(
        caller,
        "RemoveTagsFromStream",
        CALLS,
        stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()),
    )?;
    let stream = core.resolve(caller, "RemoveTagsFromStream", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    Tagged::stream(stream).remove(core, &input.tag_keys).await?;
    Ok(RemoveTagsFromStreamOutput {})
}

pub async fn list_for_stream(
    core: &Core,
    caller: &Caller,
    input: ListTagsForStreamInput,
) -> Answer<ListTagsForStreamOutput> {
    core.admit_call(
        caller,
        "ListTagsForStream",
        CALLS,
        stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()),
    )?;
    let stream = core.resolve(caller, "ListTagsForStream", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let tags = Tagged::stream(stream).read(core).await?.0;
    let after = input.exclusive_start_tag_key;
    let mut listed = tags.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key.as_str() > &**after));
    let tags = listed.by_ref().take(page_size(input.limit, PAGE)).map(shape).collect();
    Ok(ListTagsForStreamOutput { tags, has_more_tags: listed.next().is_some() })
}

pub async fn tag_resource(core: &Core, caller: &Caller, input: TagResourceInput) -> Answer<TagResourceOutput> {
    core.admit_call(caller, "TagResource", CALLS, stream_named(None, Some(&input.resource_arn)))?;
    Tagged::resource(core, caller, "TagResource", &input.resource_arn)?.add(core, &input.tags).await?;
    Ok(TagResourceOutput {})
}

pub async fn untag_resource(core: &Core, caller: &Caller, input: UntagResourceInput) -> Answer<UntagResourceOutput> {
    core.admit_call(caller, "UntagResource", CALLS, stream_named(None, Some(&input.resource_arn)))?;
    Tagged::resource(core, caller, "UntagResource", &input.resource_arn)?.remove(core, &input.tag_keys).await?;
    Ok(UntagResourceOutput {})
}

pub async fn list_for_resource(
    core: &Core,
    caller: &Caller,
    input: ListTagsForResourceInput,
) -> Answer<ListTagsForResourceOutput> {
    core.admit_call(caller, "ListTagsForResource", CALLS, stream_named(None, Some(&input.resource_arn)))?;
    let tagged = Tagged::resource(core, caller, "ListTagsForResource", &input.resource_arn)?;
    let tags = tagged.read(core).await?.0;
    Ok(ListTagsForResourceOutput { tags: Some(tags.into_iter().map(shape).collect()) })
}
