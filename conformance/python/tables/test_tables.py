"""DynamoDB's protocol: KCL's session as its clients write it, the form of answers and errors, tables by their life."""

import json
import zlib
from pathlib import Path

import pytest

from harness import raw, tables
from harness.kinesis import connect, refused
from harness.server import ACCOUNT, REGION, Server
from harness.tables import JSON, PREFIX, call, error_type, make_table

SESSION = Path(__file__).parents[3] / "crates/tables/tests/vectors/dynamodb_kcl_session.json"
MODELLED, CORAL = "com.amazonaws.dynamodb.v20120810#", "com.amazon.coral."


@pytest.fixture(scope="module")
def dynamodb(server):
    return connect(server, "dynamodb")


def without_order(value):
    """Sets, and the items of a scan, have no order."""
    if isinstance(value, list):
        return [without_order(element) for element in value]
    if not isinstance(value, dict):
        return value
    loose = ("SS", "NS", "BS", "Items")
    return {k: sorted(map(without_order, v), key=str) if k in loose else without_order(v) for k, v in value.items()}


def test_kcl_session():
    """All steps, on a server of their own, with a restart by kill -9 before every one."""
    steps, scanned = json.loads(SESSION.read_text()), []
    assert len(steps) == 31
    with Server() as server:
        for step in steps:
            server.kill()
            server.start()
            answer = call(server, step["target"].split(".")[1], step["request"])
            found, expected = json.loads(answer.body), step["moto_output"]
            assert answer.headers["Content-Type"] == JSON
            if step["expect"] == "ok":
                assert answer.status == 200, (step["step"], found)
                if step["step"].startswith("parallel scan"):
                    scanned += found["Items"]
                    continue
                found = {member: found.get(member) for member in expected}
                assert without_order(found) == without_order(expected), step["step"]
            else:
                assert (answer.status, found["__type"]) == (400, MODELLED + step["expect"]), step["step"]
                assert found["message"] == expected["Error"]["Message"]
                assert found.get("CancellationReasons") == expected.get("CancellationReasons")
    # Which segment has an item is the server's affair.
    assert sorted(item["leaseKey"]["S"] for item in scanned) == ["Migration3.0", "shardId-000000000000"]


def test_a_failed_renewal_shows_the_lease(dynamodb):
    table = make_table(dynamodb)
    dynamodb.put_item(TableName=table, Item={"id": {"S": "lease"}, "counter": {"N": "2"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.update_item(
            TableName=table, Key={"id": {"S": "lease"}}, Expected={"counter": {"Value": {"N": "1"}}},
            AttributeUpdates={"counter": {"Value": {"N": "2"}, "Action": "PUT"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == {"id": {"S": "lease"}, "counter": {"N": "2"}}


def test_cancelled_transactions_have_reasons(dynamodb):
    table = make_table(dynamodb)
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}})
    put = {"TableName": table, "Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(id)",
           "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    other = {"TableName": table, "Item": {"id": {"S": "b"}}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=[{"Put": other}, {"Put": put}])
    assert caught.value.response["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": {"id": {"S": "a"}}},
    ]
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "b"}})


def test_answers_carry_a_checksum(server, dynamodb):
    table = make_table(dynamodb)
    for operation, body in [("DescribeTable", {"TableName": table}), ("DescribeTable", {"TableName": "nothing"}),
                            ("ListTables", {}), ("ListTables", b"{")]:
        answer = call(server, operation, body)
        assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.body), operation


def test_errors_have_absolute_names(server, dynamodb):
    table = make_table(dynamodb)
    key = {"TableName": table, "Key": {"id": {"N": "1"}}}
    for operation, body, options, name in [
        ("DescribeTable", {"TableName": "nothing"}, {}, MODELLED + "ResourceNotFoundException"),
        ("GetItem", key, {}, CORAL + "validate#ValidationException"),
        ("GetItem", {}, {}, CORAL + "validate#ValidationException"),
        ("GetItem", b"[]", {}, CORAL + "service#SerializationException"),
        ("GetItem", {"TableName": 1}, {}, CORAL + "service#SerializationException"),
        ("GetItem", key, {"secret": "wrong"}, CORAL + "service#InvalidSignatureException"),
        ("GetItem", key, {"key": "AKIAUNKNOWN00000001"}, CORAL + "service#UnrecognizedClientException"),
    ]:
        answer = call(server, operation, body, **options)
        assert (answer.status, error_type(answer)) == (400, name), answer.body
    # A signature for another service is none for this one.
    answer = raw.call(server, "ListTables", {}, content_type=JSON, prefix=PREFIX, service="kinesis")
    assert (answer.status, error_type(answer)) == (400, CORAL + "service#InvalidSignatureException")


def test_operations_that_there_are_not(server):
    for operation in ["ExecuteStatement", "CreateBackup", "CreateGlobalTable", "Nonsense"]:
        answer = call(server, operation, {"TableName": "any"})
        assert (answer.status, error_type(answer)) == (400, "UnknownOperationException")


def test_what_a_table_cannot_have(dynamodb):
    for member, value in [
        ("StreamSpecification", {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}),
        ("SSESpecification", {"Enabled": True, "SSEType": "KMS"}),
        ("OnDemandThroughput", {"MaxReadRequestUnits": 5}),
    ]:
        text = f"One or more parameter values were invalid: {member} is not supported by this server"
        refused("ValidationException", text, make_table, client=dynamodb, **{member: value})


def test_the_life_of_a_table(server):
    """By the upper level, with its waiters."""
    dynamodb = tables.resource(server)
    table = dynamodb.create_table(
        TableName="life-of-a-table", KeySchema=tables.schema("id"), BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], Tags=[{"Key": "a", "Value": "b"}],
    )
    table.wait_until_exists()
    assert (table.table_status, table.item_count) == ("ACTIVE", 0)
    assert table.table_arn == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/life-of-a-table"
    table.update(
        AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": {
            "IndexName": "by-owner", "KeySchema": tables.schema("owner"), "Projection": {"ProjectionType": "ALL"},
        }}],
    )
    assert [index["IndexStatus"] for index in table.global_secondary_indexes] == ["ACTIVE"]
    client = dynamodb.meta.client
    client.update_time_to_live(
        TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
    )
    assert client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED", "AttributeName": "expires",
    }
    client.update_continuous_backups(
        TableName=table.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    assert client.list_tags_of_resource(ResourceArn=table.table_arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert table.name in client.list_tables()["TableNames"]
    table.delete()
    table.wait_until_not_exists()
    assert table.name not in client.list_tables()["TableNames"]
    refused("ResourceNotFoundException", "Requested resource not found: Table: life-of-a-table not found",
            client.describe_table, TableName=table.name)


def test_expired_items_go():
    with Server(dev=True) as server:
        dynamodb = connect(server, "dynamodb")
        table = make_table(dynamodb)
        now = int(dynamodb.describe_table(TableName=table)["Table"]["CreationDateTime"].timestamp())
        for name, seconds in [("soon", 60), ("later", 10_000)]:
            dynamodb.put_item(TableName=table, Item={"id": {"S": name}, "expires": {"N": str(now + seconds)}})
        dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
        )
        assert len(tables.scan(dynamodb, table)) == 2
        server.advance(3600)
        assert [item["id"]["S"] for item in tables.scan(dynamodb, table)] == ["later"]
        # A fresh start leaves nothing behind.
        server.control("reset", {})
        assert dynamodb.list_tables()["TableNames"] == []
