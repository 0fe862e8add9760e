//! Tables: what they can be, how they are described, listed, changed and deleted.

use serde_json::{Value, json};
use tables::TablesSettings;

use crate::world::{ACCOUNT, World, caller, table};

#[tokio::test]
async fn a_table_is_described_as_it_was_made() {
    let world = World::new().await;
    let mut request = table("orders", &[("customer", "S", "HASH"), ("number", "N", "RANGE")]);
    request["AttributeDefinitions"].as_array_mut().expect("a list").extend([
        json!({"AttributeName": "state", "AttributeType": "S"}),
        json!({"AttributeName": "due", "AttributeType": "N"}),
    ]);
    request["BillingMode"] = json!("PROVISIONED");
    request["ProvisionedThroughput"] = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 6});
    request["GlobalSecondaryIndexes"] = json!([{
        "IndexName": "by-state",
        "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]},
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
    }]);
    request["LocalSecondaryIndexes"] = json!([{
        "IndexName": "by-due",
        "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "due", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }]);
    request["DeletionProtectionEnabled"] = json!(true);
    request["TableClass"] = json!("STANDARD_INFREQUENT_ACCESS");
    request["Tags"] = json!([{"Key": "team", "Value": "sales"}]);
    let created = world.ok("CreateTable", request.clone()).await;
    let described = world.ok("DescribeTable", json!({"TableName": "orders"})).await;
    assert_eq!(created["TableDescription"], described["Table"]);
    let found = &described["Table"];
    let arn = format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders");
    for (member, expected) in [
        ("TableName", json!("orders")),
        ("TableArn", json!(arn)),
        ("TableStatus", json!("ACTIVE")),
        ("KeySchema", request["KeySchema"].clone()),
        ("CreationDateTime", json!(1_700_000_000.25)),
        ("ItemCount", json!(0)),
        ("TableSizeBytes", json!(0)),
        ("DeletionProtectionEnabled", json!(true)),
        ("TableClassSummary", json!({"TableClass": "STANDARD_INFREQUENT_ACCESS"})),
        ("BillingModeSummary", Value::Null),
    ] {
        assert_eq!(found[member], expected, "{member}");
    }
    let table_id = found["TableId"].as_str().expect("a text");
    let lengths: Vec<usize> = table_id.split('-').map(str::len).collect();
    assert_eq!((&lengths[..], table_id.as_bytes()[14]), (&[8, 4, 4, 4, 12][..], b'4'), "{table_id}");
    assert_eq!(found["ProvisionedThroughput"]["WriteCapacityUnits"], 6);
    assert_eq!(found["AttributeDefinitions"].as_array().map(Vec::len), Some(4));
    let (global, local) = (&found["GlobalSecondaryIndexes"][0], &found["LocalSecondaryIndexes"][0]);
    assert_eq!(global["Projection"], request["GlobalSecondaryIndexes"][0]["Projection"]);
    assert_eq!(global["ProvisionedThroughput"]["ReadCapacityUnits"], 1);
    assert_eq!(local["KeySchema"], request["LocalSecondaryIndexes"][0]["KeySchema"]);
    assert_eq!(local["IndexArn"], format!("{arn}/index/by-due"));
    let tags = world.ok("ListTagsOfResource", json!({"ResourceArn": arn})).await;
    assert_eq!(tags["Tags"], request["Tags"]);
    // By its ARN, too.
    assert_eq!(world.ok("DescribeTable", json!({"TableName": arn})).await, described);
}

/// CreateTable for a table with the key `id`, with one member replaced.
fn with(member: &str, value: Value) -> Value {
    let mut request = table("things", &[("id", "S", "HASH")]);
    request[member] = value;
    request
}

#[tokio::test]
async fn keys_that_no_table_can_have() {
    let world = World::new().await;
    let key = |name: &str, role: &str| json!([{"AttributeName": name, "KeyType": role}]);
    for (request, text) in [
        (
            table("ab", &[("id", "S", "HASH")]),
            "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain \
             only the characters a-z, A-Z, 0-9, '_', '-', and '.'",
        ),
        (
            with("KeySchema", key("x", "HASH")),
            "One or more parameter values were invalid: Some index key attributes are not defined in \
             AttributeDefinitions. Keys: [x], AttributeDefinitions: [id]",
        ),
        (with("KeySchema", key("id", "RANGE")), "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
        (
            table("things", &[("a", "S", "HASH"), ("b", "S", "HASH")]),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            with(
                "AttributeDefinitions",
                json!([
                    {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "x", "AttributeType": "S"},
                ]),
            ),
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number \
             of attributes defined in AttributeDefinitions",
        ),
        (
            with(
                "LocalSecondaryIndexes",
                json!([{
                    "IndexName": "idx", "KeySchema": key("id", "HASH"), "Projection": {"ProjectionType": "ALL"},
                }]),
            ),
            "One or more parameter values were invalid: Table KeySchema does not have a range key, which is required \
             when specifying a LocalSecondaryIndex",
        ),
        (
            with(
                "GlobalSecondaryIndexes",
                json!([{
                    "IndexName": "idx", "KeySchema": key("id", "HASH"),
                    "Projection": {"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["x"]},
                }]),
            ),
            "One or more parameter values were invalid: ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
        ),
    ] {
        world.invalid("CreateTable", request, text).await;
    }
    assert_eq!(world.ok("ListTables", json!({})).await["TableNames"], json!([]));
}

#[tokio::test]
async fn features_that_no_table_has() {
    let world = World::new().await;
    for (member, value, text) in [
        (
            "ProvisionedThroughput",
            json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}),
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        (
            "BillingMode",
            json!("PROVISIONED"),
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            "StreamSpecification",
            json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}),
            "StreamSpecification is not supported by this server",
        ),
        ("SSESpecification", json!({"Enabled": true}), "SSESpecification is not supported by this server"),
        ("ResourcePolicy", json!("{}"), "ResourcePolicy is not supported by this server"),
        ("Tags", json!([{"Key": "aws:x", "Value": ""}]), "Tag keys must not begin with aws:"),
    ] {
        let text = format!("One or more parameter values were invalid: {text}");
        world.invalid("CreateTable", with(member, value), &text).await;
    }
    let off = json!({"StreamEnabled": false});
    world.ok("CreateTable", with("StreamSpecification", off)).await;
}

#[tokio::test]
async fn names_are_taken_once_and_free_again() {
    let world = World::new().await;
    world.create("things").await;
    world.put("things", json!({"id": "old"})).await;
    let again = world.refuses("CreateTable", table("things", &[("id", "S", "HASH")]), "ResourceInUseException").await;
    assert_eq!(again, "Table already exists: things");
    let deleted = world.ok("DeleteTable", json!({"TableName": "things"})).await;
    assert_eq!(deleted["TableDescription"]["TableStatus"], "DELETING");
    for (operation, request, text) in [
        ("DescribeTable", json!({"TableName": "things"}), "Requested resource not found: Table: things not found"),
        ("DeleteTable", json!({"TableName": "things"}), "Requested resource not found: Table: things not found"),
        ("Scan", json!({"TableName": "things"}), "Requested resource not found"),
        ("PutItem", json!({"TableName": "things", "Item": {"id": {"S": "x"}}}), "Requested resource not found"),
        (
            "TagResource",
            json!({"ResourceArn": format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/things"), "Tags": []}),
            "Requested resource not found: ResourcArn: arn:aws:dynamodb:us-east-1:111122223333:table/things not found",
        ),
    ] {
        assert_eq!(world.refuses(operation, request, "ResourceNotFoundException").await, text, "{operation}");
    }
    assert_eq!(world.tables.memory(), 0);
    // Nothing of the old table is in the new one, nor after a restart.
    world.create("things").await;
    assert_eq!(world.get("things", "old").await, Value::Null);
    let world = world.restart().await;
    assert_eq!(world.ok("Scan", json!({"TableName": "things"})).await["Count"], 0);
}

#[tokio::test]
async fn protected_tables_stay() {
    let world = World::new().await;
    world.create("things").await;
    world.ok("UpdateTable", json!({"TableName": "things", "DeletionProtectionEnabled": true})).await;
    let text = "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
                first.";
    world.invalid("DeleteTable", json!({"TableName": "things"}), text).await;
    world.ok("UpdateTable", json!({"TableName": "things", "DeletionProtectionEnabled": false})).await;
    world.ok("DeleteTable", json!({"TableName": "things"})).await;
}

#[tokio::test]
async fn billing_changes() {
    let world = World::new().await;
    world.create("things").await;
    let units = json!({"ReadCapacityUnits": 3, "WriteCapacityUnits": 4});
    let text = "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be \
                specified when BillingMode is PAY_PER_REQUEST";
    world.invalid("UpdateTable", json!({"TableName": "things", "ProvisionedThroughput": units}), text).await;
    let provisioned = json!({"TableName": "things", "BillingMode": "PROVISIONED", "ProvisionedThroughput": units});
    let found = world.ok("UpdateTable", provisioned).await;
    assert_eq!(found["TableDescription"]["ProvisionedThroughput"]["ReadCapacityUnits"], 3);
    assert_eq!(found["TableDescription"]["BillingModeSummary"]["BillingMode"], "PROVISIONED");
    let found = world.ok("UpdateTable", json!({"TableName": "things", "BillingMode": "PAY_PER_REQUEST"})).await;
    assert_eq!(found["TableDescription"]["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    world.refuses("UpdateTable", json!({"TableName": "things"}), "ValidationException").await;
    let replicas = json!({"TableName": "things", "ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]});
    let text = "One or more parameter values were invalid: ReplicaUpdates is not supported by this server";
    world.invalid("UpdateTable", replicas, text).await;
}

#[tokio::test]
async fn lists_have_pages_and_show_ones_own() {
    let world = World::new().await;
    for name in ["bbb", "aaa", "ccc"] {
        world.create(name).await;
    }
    let first = world.ok("ListTables", json!({"Limit": 2})).await;
    assert_eq!(first, json!({"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"}));
    let second = world.ok("ListTables", json!({"Limit": 2, "ExclusiveStartTableName": "bbb"})).await;
    assert_eq!(second, json!({"TableNames": ["ccc"]}));
    for stranger in [caller("999999999999", "us-east-1"), caller(ACCOUNT, "eu-west-1")] {
        let theirs = World { caller: stranger, ..world.clone() };
        assert_eq!(theirs.ok("ListTables", json!({})).await["TableNames"], json!([]));
        let arn = format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/aaa");
        theirs.refuses("DescribeTable", json!({"TableName": arn}), "ResourceNotFoundException").await;
        theirs.create("aaa").await;
    }
}

#[tokio::test]
async fn there_are_so_many_tables() {
    let world = World::with(TablesSettings { tables_max: 2, ..TablesSettings::default() }).await;
    world.create("aaa").await;
    world.create("bbb").await;
    let text = world.refuses("CreateTable", table("ccc", &[("id", "S", "HASH")]), "LimitExceededException").await;
    assert_eq!(text, "Subscriber limit exceeded: There is a limit of 2 tables per subscriber");
    world.ok("DeleteTable", json!({"TableName": "aaa"})).await;
    world.create("ccc").await;
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = World::new().await;
    world.create("things").await;
    let arn = format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/things");
    let tags = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]);
    world.ok("TagResource", json!({"ResourceArn": arn, "Tags": tags})).await;
    world.ok("TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "b", "Value": "3"}]})).await;
    world.ok("UntagResource", json!({"ResourceArn": arn, "TagKeys": ["a", "never"]})).await;
    let world = world.restart().await;
    let found = world.ok("ListTagsOfResource", json!({"ResourceArn": arn})).await;
    assert_eq!(found, json!({"Tags": [{"Key": "b", "Value": "3"}]}));
    let many: Vec<Value> = (0..50).map(|n| json!({"Key": format!("k{n}"), "Value": ""})).collect();
    world.refuses("TagResource", json!({"ResourceArn": arn, "Tags": many}), "ValidationException").await;
}

#[tokio::test]
async fn backups_are_a_switch() {
    let world = World::new().await;
    world.create("things").await;
    let status = |found: Value| {
        let description = &found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
        description["PointInTimeRecoveryStatus"].clone()
    };
    let describe = json!({"TableName": "things"});
    assert_eq!(status(world.ok("DescribeContinuousBackups", describe.clone()).await), "DISABLED");
    let on = json!({
        "TableName": "things", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true},
    });
    assert_eq!(status(world.ok("UpdateContinuousBackups", on).await), "ENABLED");
    let world = world.restart().await;
    assert_eq!(status(world.ok("DescribeContinuousBackups", describe).await), "ENABLED");
    let missing = json!({"TableName": "nothing"});
    let text = world.refuses("DescribeContinuousBackups", missing, "TableNotFoundException").await;
    assert_eq!(text, "Table not found: nothing");
}
