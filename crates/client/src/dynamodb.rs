//! DynamoDB, as far as the API of this workspace goes.

#[allow(clippy::wildcard_imports, reason = "the trait names every shape of the API")]
use api::dynamodb::*;
use base::BoxFuture;
use base::caller::Caller;

use crate::service::service_client;

service_client! {
    /// A signed client of DynamoDB at one server, region and access key. Clones share connections.
    DynamoDbClient implements DynamoDB of SERVICE, fails with DynamoDBError::internal_server_error;
    {}
    batch_get_item "BatchGetItem" BatchGetItemInput BatchGetItemOutput;
    batch_write_item "BatchWriteItem" BatchWriteItemInput BatchWriteItemOutput;
    create_table "CreateTable" CreateTableInput CreateTableOutput;
    delete_item "DeleteItem" DeleteItemInput DeleteItemOutput;
    delete_table "DeleteTable" DeleteTableInput DeleteTableOutput;
    describe_continuous_backups "DescribeContinuousBackups" DescribeContinuousBackupsInput DescribeContinuousBackupsOutput;
    describe_table "DescribeTable" DescribeTableInput DescribeTableOutput;
    describe_time_to_live "DescribeTimeToLive" DescribeTimeToLiveInput DescribeTimeToLiveOutput;
    get_item "GetItem" GetItemInput GetItemOutput;
    list_tables "ListTables" ListTablesInput ListTablesOutput;
    list_tags_of_resource "ListTagsOfResource" ListTagsOfResourceInput ListTagsOfResourceOutput;
    put_item "PutItem" PutItemInput PutItemOutput;
    query "Query" QueryInput QueryOutput;
    scan "Scan" ScanInput ScanOutput;
    tag_resource "TagResource" TagResourceInput TagResourceOutput;
    transact_write_items "TransactWriteItems" TransactWriteItemsInput TransactWriteItemsOutput;
    untag_resource "UntagResource" UntagResourceInput UntagResourceOutput;
    update_continuous_backups "UpdateContinuousBackups" UpdateContinuousBackupsInput UpdateContinuousBackupsOutput;
    update_item "UpdateItem" UpdateItemInput UpdateItemOutput;
    update_table "UpdateTable" UpdateTableInput UpdateTableOutput;
    update_time_to_live "UpdateTimeToLive" UpdateTimeToLiveInput UpdateTimeToLiveOutput;
}
