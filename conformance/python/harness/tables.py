"""DynamoDB of boto3, its two levels, and the tables that most tests begin with."""

import json

import boto3
from boto3.dynamodb.types import TypeDeserializer

from . import raw
from .kinesis import fresh_name
from .server import KEY, REGION, SECRET

JSON = "application/x-amz-json-1.0"
PREFIX = "DynamoDB_20120810"

_deserializer = TypeDeserializer()


def resource(server):
    """boto3's tables as objects, as applications use them: with retries and checks of parameters."""
    return boto3.resource(
        "dynamodb", region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        endpoint_url=server.endpoint,
    )


def make_table(client, *, partition="id", sort=None, sort_type="S", indexes=(), **options):
    """Creates a table with a name of its own; `indexes`: name, partition key and sort key of global indexes."""
    name = fresh_name("table")
    types = {partition: "S"}
    if sort:
        types[sort] = sort_type
    made = []
    for index, hash_key, range_key in indexes:
        types |= {hash_key: "S", range_key: types.get(range_key, "S")}
        made.append({"IndexName": index, "KeySchema": schema(hash_key, range_key),
                     "Projection": {"ProjectionType": "ALL"}})
    if made:
        options["GlobalSecondaryIndexes"] = made
    client.create_table(
        TableName=name, KeySchema=schema(partition, sort), BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": v} for k, v in types.items()], **options,
    )
    return name


def schema(partition, sort=None):
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def plain(item):
    """An item of the lower level as one of the upper level."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def scan(client, table, **options):
    """Every item, page by page."""
    found = []
    for page in client.get_paginator("scan").paginate(TableName=table, **options):
        found += page["Items"]
    return found


def call(server, operation, body, **options):
    """A signed request without an SDK."""
    return raw.call(server, operation, body, content_type=JSON, prefix=PREFIX, service="dynamodb", **options)


def error_type(answer):
    return json.loads(answer.body)["__type"]
