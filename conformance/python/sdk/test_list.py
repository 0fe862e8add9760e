"""ListShards with filters, and paging tokens of every list."""

import datetime
import re
import time

from harness.kinesis import arn, call_code, connect, make_stream, read, refused, shards, wait_active
from harness.server import Server

HALF = str(2**127)


def ids(answer):
    return [int(s["ShardId"][-4:]) for s in answer["Shards"]]


def test_list_shards_by_pages(kinesis):
    name = make_stream(kinesis, shards=5)
    first = kinesis.list_shards(StreamName=name, MaxResults=2)
    second = kinesis.list_shards(NextToken=first["NextToken"], MaxResults=2)
    third = kinesis.list_shards(NextToken=second["NextToken"])
    assert (ids(first), ids(second), ids(third)) == ([0, 1], [2, 3], [4])
    assert "NextToken" not in third
    assert ids(kinesis.list_shards(StreamName=name, ExclusiveStartShardId="shardId-000000000003")) == [4]
    refused("InvalidArgumentException", "NextToken and StreamName cannot be provided together.",
            kinesis.list_shards, StreamName=name, NextToken=first["NextToken"])


def test_list_shards_needs_a_name_or_a_token(kinesis):
    refused("InvalidArgumentException", "Either NextToken or StreamName should be provided.", kinesis.list_shards)
    code = call_code(kinesis.list_shards, NextToken="nonsense")
    assert code in ("InvalidArgumentException", "ExpiredNextTokenException")


def test_shard_filters(kinesis):
    name = make_stream(kinesis, shards=1)
    time.sleep(1.1)
    before = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(1.1)
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=HALF)
    wait_active(kinesis, name)

    def listed(kind, **options):
        return ids(kinesis.list_shards(StreamName=name, ShardFilter={"Type": kind, **options}))

    assert listed("AT_LATEST") == [1, 2]
    assert listed("AT_TRIM_HORIZON") == [0]
    assert listed("FROM_TRIM_HORIZON") == [0, 1, 2]
    assert listed("AFTER_SHARD_ID", ShardId="shardId-000000000000") == [1, 2]
    assert listed("AT_TIMESTAMP", Timestamp=before) == [0]
    assert listed("FROM_TIMESTAMP", Timestamp=before) == [0, 1, 2]
    # boto3 sends whole seconds, and the children begin one second after the parent's end.
    time.sleep(2.1)
    assert listed("FROM_TIMESTAMP", Timestamp=datetime.datetime.now(datetime.timezone.utc)) == [1, 2]
    refused("ValidationException", re.compile(".*'shardFilter.type'.*enum value set.*"), kinesis.list_shards,
            StreamName=name, ShardFilter={"Type": "SOMETIMES"})


def test_filtered_shards_tile_the_hash_space(kinesis):
    name = make_stream(kinesis, shards=2)
    kinesis.update_shard_count(StreamName=name, TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    wait_active(kinesis, name)
    for kind in ("AT_LATEST", "AT_TRIM_HORIZON"):
        ranges = sorted(
            (int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
            for s in kinesis.list_shards(StreamName=name, ShardFilter={"Type": kind})["Shards"]
        )
        assert (ranges[0][0], ranges[-1][1]) == (0, 2**128 - 1)
        assert all(left[1] + 1 == right[0] for left, right in zip(ranges, ranges[1:], strict=False))


def test_list_tags_by_pages(kinesis, stream):
    kinesis.add_tags_to_stream(StreamName=stream, Tags={f"key{i}": str(i) for i in range(5)})
    first = kinesis.list_tags_for_stream(StreamName=stream, Limit=2)
    assert ([t["Key"] for t in first["Tags"]], first["HasMoreTags"]) == (["key0", "key1"], True)
    rest = kinesis.list_tags_for_stream(StreamName=stream, ExclusiveStartTagKey="key1")
    assert ([t["Key"] for t in rest["Tags"]], rest["HasMoreTags"]) == (["key2", "key3", "key4"], False)


def test_list_consumers_by_pages(kinesis, stream):
    for i in range(3):
        kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName=f"reader{i}")
    first = kinesis.list_stream_consumers(StreamARN=arn(stream), MaxResults=2)
    rest = kinesis.list_stream_consumers(StreamARN=arn(stream), NextToken=first["NextToken"])
    names = [c["ConsumerName"] for c in first["Consumers"] + rest["Consumers"]]
    assert (len(first["Consumers"]), sorted(names)) == (2, ["reader0", "reader1", "reader2"])
    assert "NextToken" not in rest


def test_tokens_and_iterators_expire():
    with Server(dev=True) as server:
        kinesis = connect(server)
        name = make_stream(kinesis, shards=3)
        token = kinesis.list_shards(StreamName=name, MaxResults=1)["NextToken"]
        position = kinesis.get_shard_iterator(
            StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="LATEST"
        )["ShardIterator"]
        server.advance(299)
        assert kinesis.list_shards(NextToken=token)["Shards"]
        assert kinesis.get_records(ShardIterator=position)["Records"] == []
        server.advance(3)
        refused("ExpiredNextTokenException", None, kinesis.list_shards, NextToken=token)
        refused(
            "ExpiredIteratorException",
            re.compile(r"Iterator expired. The iterator was created at time \w{3} \w{3} \d\d [\d:]{8} UTC \d{4} while "
                       r"right now it is \w{3} \w{3} \d\d [\d:]{8} UTC \d{4} which is further in the future than the "
                       r"tolerated delay of 300000 milliseconds."),
            kinesis.get_records, ShardIterator=position,
        )
        # A fresh one reads on.
        assert len(shards(kinesis, name)) == 3


def test_retention_trims():
    with Server(dev=True) as server:
        kinesis = connect(server)
        name = make_stream(kinesis)
        kinesis.put_record(StreamName=name, Data=b"old", PartitionKey="k")
        server.advance(23 * 3600)
        kinesis.put_record(StreamName=name, Data=b"new", PartitionKey="k")
        assert read_data(kinesis, name) == [b"old", b"new"]
        server.advance(2 * 3600)
        assert read_data(kinesis, name) == [b"new"]
        # A longer retention does not bring back what was trimmed.
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
        assert read_data(kinesis, name) == [b"new"]


def read_data(kinesis, name):
    return [r["Data"] for r in read(kinesis, name)]


def test_pages_have_a_greatest_size(kinesis):
    name = make_stream(kinesis, shards=1001)
    page = kinesis.list_shards(StreamName=name, MaxResults=10_000)
    assert len(page["Shards"]) == 1000
    assert len(kinesis.list_shards(NextToken=page["NextToken"])["Shards"]) == 1
    page = kinesis.describe_stream(StreamName=name, Limit=10_000)["StreamDescription"]
    assert len(page["Shards"]) == 100 and page["HasMoreShards"]
