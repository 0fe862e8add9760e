"""Items as applications write and read them: boto3's upper level, expressions, indexes, pages."""

from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary

from harness import tables
from harness.kinesis import connect, refused
from harness.tables import make_table, plain, scan


@pytest.fixture(scope="module")
def dynamodb(server):
    return connect(server, "dynamodb")


@pytest.fixture(scope="module")
def upper(server):
    return tables.resource(server)


def test_every_type_comes_back(dynamodb, upper):
    table = upper.Table(make_table(dynamodb))
    item = {
        "id": "x", "number": Decimal("-12345678901234567890.123456789"), "tiny": Decimal("1E-130"),
        "huge": Decimal("9" * 38), "text": "é\U0001f600\n", "empty": "",
        "blob": Binary(bytes(range(256))), "texts": {"a", "b"}, "numbers": {Decimal(1), Decimal("2.5")},
        "blobs": {Binary(b"a"), Binary(b"b")}, "list": [None, True, [], {"k": Decimal(1)}], "map": {"": {"deep": "x"}},
    }
    table.put_item(Item=item)
    assert table.get_item(Key={"id": "x"}, ConsistentRead=True)["Item"] == item
    assert "Item" not in table.get_item(Key={"id": "y"})
    assert table.delete_item(Key={"id": "x"}, ReturnValues="ALL_OLD")["Attributes"] == item


def test_updates(dynamodb, upper):
    table = upper.Table(make_table(dynamodb))
    key = {"id": "x"}
    table.put_item(Item={"id": "x", "n": 1, "tags": {"a", "b"}, "list": [1, 2, 3], "short": [5, 6],
                         "map": {"k": "old"}})
    changed = table.update_item(
        Key=key,
        UpdateExpression="SET n = n + :one, #m.k = :new, fresh = if_not_exists(fresh, :one), "
                         "#l = list_append(#l, :more) REMOVE short[0] ADD counter :one DELETE tags :gone",
        ExpressionAttributeNames={"#m": "map", "#l": "list"},
        ExpressionAttributeValues={":one": 1, ":new": "new", ":more": [4], ":gone": {"a"}},
        ConditionExpression=Attr("n").eq(1) & Attr("absent").not_exists() & Attr("list").size().gt(2),
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert changed == {"id": "x", "n": 2, "tags": {"b"}, "list": [1, 2, 3, 4], "short": [6], "map": {"k": "new"},
                       "fresh": 1, "counter": 1}
    refused("ConditionalCheckFailedException", "The conditional request failed", table.put_item,
            Item={"id": "x"}, ConditionExpression=Attr("id").not_exists())
    refused("ValidationException", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"=\"",
            table.update_item, Key=key, UpdateExpression="SET a =")


def test_queries_by_table_and_index(dynamodb, upper):
    name = make_table(dynamodb, sort="at", sort_type="N", indexes=[("by-kind", "kind", "id")])
    table = upper.Table(name)
    with table.batch_writer() as batch:
        for i in range(120):
            batch.put_item(Item={"id": f"i{i % 3}", "at": i, "kind": "even" if i % 2 == 0 else "odd", "fill": "x" * 100})
    found = table.query(
        KeyConditionExpression=Key("id").eq("i1") & Key("at").between(10, 40), FilterExpression=Attr("kind").eq("odd"),
        ScanIndexForward=False, ProjectionExpression="#a", ExpressionAttributeNames={"#a": "at"},
    )
    assert [item["at"] for item in found["Items"]] == [37, 31, 25, 19, 13]
    assert (found["Count"], found["ScannedCount"]) == (5, 11)
    query = {"IndexName": "by-kind", "KeyConditionExpression": Key("kind").eq("even") & Key("id").begins_with("i"),
             "Limit": 7}
    items = []
    while True:
        page = table.query(**query)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert sorted(item["at"] for item in items) == list(range(0, 120, 2))
    assert [item["id"] for item in items] == sorted(item["id"] for item in items)


def test_scans_in_segments_and_pages(dynamodb):
    name = make_table(dynamodb)
    for start in range(0, 300, 25):
        requests = [{"PutRequest": {"Item": {"id": {"S": f"k{i}"}, "n": {"N": str(i)}, "fill": {"S": "x" * 9000}}}}
                    for i in range(start, start + 25)]
        assert dynamodb.batch_write_item(RequestItems={name: requests})["UnprocessedItems"] == {}
    whole = scan(dynamodb, name)
    assert sorted(plain(item)["n"] for item in whole) == list(range(300))
    pages = list(dynamodb.get_paginator("scan").paginate(TableName=name))
    assert len(pages) == 3, "a page holds a mebibyte"
    segments = [scan(dynamodb, name, Segment=i, TotalSegments=5, PaginationConfig={"PageSize": 7}) for i in range(5)]
    assert sum(segments, []) == whole
    assert all(segments)
    filtered = scan(dynamodb, name, FilterExpression="n < :n", ExpressionAttributeValues={":n": {"N": "10"}})
    assert len(filtered) == 10


def test_batches_of_keys(dynamodb, upper):
    names = [make_table(dynamodb), make_table(dynamodb)]
    for name in names:
        with upper.Table(name).batch_writer() as batch:
            for i in range(40):
                batch.put_item(Item={"id": str(i), "table": name})
    wanted = {name: {"Keys": [{"id": str(i)} for i in range(20, 60)]} for name in names}
    found = upper.batch_get_item(RequestItems=wanted)
    assert found["UnprocessedKeys"] == {}
    for name in names:
        assert sorted(int(item["id"]) for item in found["Responses"][name]) == list(range(20, 40))
        assert {item["table"] for item in found["Responses"][name]} == {name}


def test_limits_of_items(dynamodb):
    name = make_table(dynamodb)
    kib = 1024
    big = {"id": {"S": "x"}, "v": {"S": "x" * (400 * kib - 4)}}
    dynamodb.put_item(TableName=name, Item=big)
    for item, text in [
        ({"id": {"S": "x"}, "v": {"S": "x" * 400 * kib}}, "Item size has exceeded the maximum allowed size"),
        ({"id": {"S": "x" * 2049}}, "One or more parameter values were invalid: Size of hashkey has exceeded the maximum "
                                    "size limit of2048 bytes"),
        ({"id": {"S": "x"}, "n": {"N": "1E126"}}, "Number overflow. Attempting to store a number with magnitude larger "
                                                  "than supported range"),
    ]:
        refused("ValidationException", text, dynamodb.put_item, TableName=name, Item=item)
    refused("ValidationException", "Item size to update has exceeded the maximum allowed size", dynamodb.update_item,
            TableName=name, Key={"id": {"S": "x"}}, AttributeUpdates={"more": {"Value": {"S": "xxxx"}}})
    deep = {"NULL": True}
    for _ in range(33):
        deep = {"L": [deep]}
    refused("ValidationException", None, dynamodb.put_item, TableName=name, Item={"id": {"S": "y"}, "v": deep})
    assert plain(dynamodb.get_item(TableName=name, Key={"id": {"S": "x"}})["Item"]) == plain(big)
