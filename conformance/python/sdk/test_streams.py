"""The life of a stream: create, describe, list, delete."""

import re

import pytest

from harness.kinesis import arn, connect, fresh_name, make_stream, refused, shards, wait_active
from harness.server import ACCOUNT, Server


def test_create_and_describe(kinesis):
    name = make_stream(kinesis, shards=3)
    described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    assert described["StreamName"] == name
    assert described["StreamARN"] == arn(name)
    assert described["StreamStatus"] == "ACTIVE"
    assert described["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert described["RetentionPeriodHours"] == 24
    assert described["EncryptionType"] == "NONE"
    assert described["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}]
    assert described["HasMoreShards"] is False
    assert [s["ShardId"] for s in described["Shards"]] == [f"shardId-{i:012}" for i in range(3)]


def test_shards_tile_the_hash_space(kinesis):
    for count in (1, 2, 3, 7, 16):
        found = shards(kinesis, make_stream(kinesis, shards=count))
        ranges = [
            (int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"])) for s in found
        ]
        width = 2**128 // count
        assert ranges == [
            (i * width, 2**128 - 1 if i == count - 1 else (i + 1) * width - 1) for i in range(count)
        ]


def test_summary(kinesis):
    name = make_stream(kinesis, shards=2)
    for by in ({"StreamName": name}, {"StreamARN": arn(name)}, {"StreamName": name, "StreamARN": arn(name)}):
        summary = kinesis.describe_stream_summary(**by)["StreamDescriptionSummary"]
        assert (summary["StreamName"], summary["OpenShardCount"], summary["ConsumerCount"]) == (name, 2, 0)
        # A StreamId would send the SDKs away from the configured endpoint.
        assert "StreamId" not in summary


def test_create_on_demand(kinesis):
    name = fresh_name()
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    wait_active(kinesis, name)
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert summary["OpenShardCount"] == 4


def test_create_with_tags_and_record_size(kinesis):
    name = make_stream(kinesis, Tags={"team": "river"}, MaxRecordSizeInKiB=2048)
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "team", "Value": "river"}]
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["MaxRecordSizeInKiB"] == 2048


def test_create_again_is_refused(kinesis, stream):
    refused(
        "ResourceInUseException", f"Stream {stream} under account {ACCOUNT} already exists.",
        kinesis.create_stream, StreamName=stream, ShardCount=1,
    )


def test_missing_stream(kinesis):
    text = f"Stream nowhere under account {ACCOUNT} not found."
    for call, parameters in [
        (kinesis.describe_stream, {}),
        (kinesis.describe_stream_summary, {}),
        (kinesis.delete_stream, {}),
        (kinesis.list_shards, {}),
        (kinesis.put_record, {"Data": b"x", "PartitionKey": "k"}),
        (kinesis.put_records, {"Records": [{"Data": b"x", "PartitionKey": "k"}]}),
        (kinesis.list_tags_for_stream, {}),
    ]:
        refused("ResourceNotFoundException", text, call, StreamName="nowhere", **parameters)
    # The name form of the text, even when called by ARN.
    refused("ResourceNotFoundException", text, kinesis.describe_stream_summary, StreamARN=arn("nowhere"))


def test_name_constraints(kinesis):
    refused(
        "ValidationException",
        "1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        kinesis.create_stream, StreamName="a b", ShardCount=1,
    )
    refused(
        "ValidationException",
        "1 validation error detected: Value null at 'streamName' failed to satisfy constraint: Member must not be null",
        kinesis.create_stream, ShardCount=1,
    )
    refused("ValidationException", re.compile(".*less than or equal to 128"), kinesis.create_stream,
            StreamName="a" * 129, ShardCount=1)
    refused("ValidationException", re.compile(".*'shardCount'.*greater than or equal to 1"), kinesis.create_stream,
            StreamName="a", ShardCount=0)


def test_delete(kinesis, stream):
    kinesis.delete_stream(StreamName=stream)
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        for _ in range(500):
            kinesis.describe_stream_summary(StreamName=stream)


def test_delete_with_consumers(kinesis, stream):
    kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName="reader")
    refused("ResourceInUseException", None, kinesis.delete_stream, StreamName=stream)
    kinesis.delete_stream(StreamName=stream, EnforceConsumerDeletion=True)


def test_list_streams_by_pages():
    with Server() as server:
        kinesis = connect(server)
        names = sorted(make_stream(kinesis) for _ in range(7))
        first = kinesis.list_streams(Limit=3)
        assert (first["StreamNames"], first["HasMoreStreams"]) == (names[:3], True)
        assert [s["StreamName"] for s in first["StreamSummaries"]] == names[:3]
        assert {s["StreamStatus"] for s in first["StreamSummaries"]} == {"ACTIVE"}
        second = kinesis.list_streams(Limit=3, NextToken=first["NextToken"])
        assert second["StreamNames"] == names[3:6]
        rest = kinesis.list_streams(ExclusiveStartStreamName=names[5])
        assert (rest["StreamNames"], rest["HasMoreStreams"]) == (names[6:], False)
        assert "NextToken" not in rest


def test_streams_live_per_region(server, kinesis, stream):
    elsewhere = connect(server, region="eu-west-1")
    assert stream not in elsewhere.list_streams()["StreamNames"]
    elsewhere.create_stream(StreamName=stream, ShardCount=1)
    wait_active(elsewhere, stream)
    summary = elsewhere.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert summary["StreamARN"] == arn(stream, "eu-west-1")
    elsewhere.delete_stream(StreamName=stream)
    assert kinesis.describe_stream_summary(StreamName=stream)


def test_describe_stream_by_pages(kinesis):
    name = make_stream(kinesis, shards=5)
    first = kinesis.describe_stream(StreamName=name, Limit=2)["StreamDescription"]
    assert ([s["ShardId"][-1] for s in first["Shards"]], first["HasMoreShards"]) == (["0", "1"], True)
    rest = kinesis.describe_stream(StreamName=name, ExclusiveStartShardId="shardId-000000000001")["StreamDescription"]
    assert ([s["ShardId"][-1] for s in rest["Shards"]], rest["HasMoreShards"]) == (["2", "3", "4"], False)


def test_describe_limits(kinesis):
    limits = kinesis.describe_limits()
    assert limits["ShardLimit"] >= limits["OpenShardCount"] >= 0
    assert limits["OnDemandStreamCountLimit"] >= limits["OnDemandStreamCount"]
