//! The operations as the API's trait has them. Everything is in `ops`; this file only names who answers what.

use api::dynamodb::*;
use base::BoxFuture;
use base::caller::Caller;

use crate::Tables;
use crate::ops::*;

/// Operations that wait for the writer.
macro_rules! waits {
    ($($operation:ident($input:ident) -> $output:ty = $($path:ident)::+;)*) => {
        $(fn $operation<'a>(
            &'a self,
            caller: &'a Caller,
            input: $input,
        ) -> BoxFuture<'a, Result<$output, DynamoDBError>> {
            Box::pin($($path)::+(&self.core, caller, input))
        })*
    };
}

/// Operations that answer from memory.
macro_rules! answers {
    ($($operation:ident($input:ident) -> $output:ty = $($path:ident)::+;)*) => {
        $(fn $operation<'a>(
            &'a self,
            caller: &'a Caller,
            input: $input,
        ) -> BoxFuture<'a, Result<$output, DynamoDBError>> {
            Box::pin(async move { $($path)::+(&self.core, caller, input) })
        })*
    };
}

impl DynamoDB for Tables {
    waits! {
        put_item(PutItemInput) -> PutItemOutput = items::put_item;
        update_item(UpdateItemInput) -> UpdateItemOutput = items::update_item;
        delete_item(DeleteItemInput) -> DeleteItemOutput = items::delete_item;
        batch_write_item(BatchWriteItemInput) -> BatchWriteItemOutput = batch::batch_write_item;
        transact_write_items(TransactWriteItemsInput) -> TransactWriteItemsOutput = transact::transact_write_items;
        create_table(CreateTableInput) -> CreateTableOutput = tables::create_table;
        update_table(UpdateTableInput) -> UpdateTableOutput = update_table::update_table;
        delete_table(DeleteTableInput) -> DeleteTableOutput = tables::delete_table;
        update_time_to_live(UpdateTimeToLiveInput) -> UpdateTimeToLiveOutput = time_to_live::update_time_to_live;
        update_continuous_backups(UpdateContinuousBackupsInput) -> UpdateContinuousBackupsOutput = backups::update_continuous_backups;
        tag_resource(TagResourceInput) -> TagResourceOutput = tags::tag_resource;
        untag_resource(UntagResourceInput) -> UntagResourceOutput = tags::untag_resource;
    }

    answers! {
        get_item(GetItemInput) -> GetItemOutput = items::get_item;
        batch_get_item(BatchGetItemInput) -> BatchGetItemOutput = batch::batch_get_item;
        describe_table(DescribeTableInput) -> DescribeTableOutput = tables::describe_table;
        list_tables(ListTablesInput) -> ListTablesOutput = tables::list_tables;
        describe_time_to_live(DescribeTimeToLiveInput) -> DescribeTimeToLiveOutput = time_to_live::describe_time_to_live;
        describe_continuous_backups(DescribeContinuousBackupsInput) -> DescribeContinuousBackupsOutput = backups::describe_continuous_backups;
        list_tags_of_resource(ListTagsOfResourceInput) -> ListTagsOfResourceOutput = tags::list_tags_of_resource;
        query(QueryInput) -> QueryOutput = query::query;
        scan(ScanInput) -> ScanOutput = scan::scan;
    }
}
