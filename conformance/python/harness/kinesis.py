"""boto3 clients and the few steps that most tests begin with."""

import itertools
import re
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from . import record
from .server import ACCOUNT, KEY, REGION, SECRET

_numbers = itertools.count(1)


def connect(server, service="kinesis", *, key=KEY, secret=SECRET, region=REGION, token=None, tls=False, verify=None):
    """A client that neither retries nor checks its parameters, so that tests see what the server says."""
    config = Config(
        retries={"total_max_attempts": 1}, parameter_validation=False, connect_timeout=5, read_timeout=60,
        max_pool_connections=32,
    )
    client = boto3.client(
        service, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
        endpoint_url=server.tls_endpoint if tls else server.endpoint, verify=verify, config=config,
    )
    return record.watch("boto3", client)


def arn(stream, region=REGION):
    return f"arn:aws:kinesis:{region}:{ACCOUNT}:stream/{stream}"


def fresh_name(prefix="stream"):
    return f"{prefix}-{next(_numbers)}"


def make_stream(client, shards=1, **options):
    """Creates a stream with a name of its own and returns the name when it is ACTIVE."""
    name = fresh_name()
    client.create_stream(StreamName=name, ShardCount=shards, **options)
    return wait_active(client, name)


def wait_active(client, name):
    for _ in range(500):
        if client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE":
            return name
        time.sleep(0.01)
    raise AssertionError(f"{name} does not become ACTIVE")


def wait_consumer(client, consumer_arn):
    for _ in range(500):
        found = client.describe_stream_consumer(ConsumerARN=consumer_arn)["ConsumerDescription"]
        if found["ConsumerStatus"] == "ACTIVE":
            return found
        time.sleep(0.01)
    raise AssertionError(f"{consumer_arn} does not become ACTIVE")


def shards(client, name):
    """All shards in order of their ids."""
    found = client.list_shards(StreamName=name)["Shards"]
    return sorted(found, key=lambda shard: shard["ShardId"])


def open_shards(client, name):
    return [s for s in shards(client, name) if "EndingSequenceNumber" not in s["SequenceNumberRange"]]


def iterator(client, name, shard="shardId-000000000000", kind="TRIM_HORIZON", **options):
    answer = client.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType=kind, **options)
    return answer["ShardIterator"]


def read(client, name, shard="shardId-000000000000", kind="TRIM_HORIZON", **options):
    """Every record of one shard from a position to its tip or end."""
    position, records = iterator(client, name, shard, kind, **options), []
    for _ in range(10_000):
        answer = client.get_records(ShardIterator=position)
        records += answer["Records"]
        position = answer.get("NextShardIterator")
        if position is None or (not answer["Records"] and answer["MillisBehindLatest"] == 0):
            return records
    raise AssertionError("the shard does not end")


def read_stream(client, name):
    """Every record of every shard: shard id -> records."""
    return {shard["ShardId"]: read(client, name, shard["ShardId"]) for shard in shards(client, name)}


def refused(code, text, call, **parameters):
    """The call fails with this type and text; `text` may be a compiled pattern, or None when no text is fixed."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    found = caught.value.response
    message = found["Error"].get("Message", "")
    assert (found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"]) == (code, 400), message
    if isinstance(text, re.Pattern):
        assert text.fullmatch(message), message
    elif text is not None:
        assert message == text
    return message


def call_code(call, **parameters):
    """The type of the error that the call ends with; `None` when it succeeds."""
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None
