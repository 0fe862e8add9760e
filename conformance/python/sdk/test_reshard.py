"""Splits, merges, uniform scaling, and what readers see of them."""

import re

from harness.kinesis import arn, call_code, iterator, make_stream, open_shards, read, refused, shards, wait_active
from harness.server import ACCOUNT

HALF, LAST = str(2**127), str(2**128 - 1)
FIRST = "shardId-000000000000"


def split(kinesis, stream, shard=FIRST, at=HALF):
    kinesis.split_shard(StreamName=stream, ShardToSplit=shard, NewStartingHashKey=at)
    wait_active(kinesis, stream)


def test_split(kinesis, stream):
    kinesis.put_record(StreamName=stream, Data=b"before", PartitionKey="k")
    split(kinesis, stream)
    parent, lower, upper = shards(kinesis, stream)
    assert lower["ParentShardId"] == upper["ParentShardId"] == FIRST
    assert lower["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)}
    assert upper["HashKeyRange"] == {"StartingHashKey": HALF, "EndingHashKey": LAST}
    assert int(parent["SequenceNumberRange"]["EndingSequenceNumber"]) < int(
        lower["SequenceNumberRange"]["StartingSequenceNumber"]
    )
    answer = kinesis.put_record(StreamName=stream, Data=b"after", PartitionKey="k", ExplicitHashKey=HALF)
    assert answer["ShardId"] == upper["ShardId"]
    assert [r["Data"] for r in read(kinesis, stream)] == [b"before"]


def test_shard_end_names_the_children(kinesis, stream):
    kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="k")
    open_answer = kinesis.get_records(ShardIterator=iterator(kinesis, stream))
    assert open_answer["NextShardIterator"] and not open_answer.get("ChildShards")
    split(kinesis, stream)
    # Before the end: an iterator and no children; at the end: the other way round.
    position, answer = open_answer["NextShardIterator"], None
    for _ in range(5):
        answer = kinesis.get_records(ShardIterator=position)
        if answer.get("NextShardIterator") is None:
            break
        assert not answer.get("ChildShards")
        position = answer["NextShardIterator"]
    assert answer.get("NextShardIterator") is None
    children = sorted(answer["ChildShards"], key=lambda child: child["ShardId"])
    assert [c["ShardId"] for c in children] == ["shardId-000000000001", "shardId-000000000002"]
    assert [c["ParentShards"] for c in children] == [[FIRST], [FIRST]]
    assert children[1]["HashKeyRange"] == {"StartingHashKey": HALF, "EndingHashKey": LAST}
    latest = kinesis.get_records(ShardIterator=iterator(kinesis, stream, kind="LATEST"))
    assert (latest["Records"], latest.get("NextShardIterator"), len(latest["ChildShards"])) == ([], None, 2)


def test_merge(kinesis):
    name = make_stream(kinesis, shards=2)
    kinesis.merge_shards(StreamName=name, ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000001")
    wait_active(kinesis, name)
    child = shards(kinesis, name)[2]
    assert (child["ParentShardId"], child["AdjacentParentShardId"]) == (FIRST, "shardId-000000000001")
    assert child["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": LAST}
    for parent in (FIRST, "shardId-000000000001"):
        answer = kinesis.get_records(ShardIterator=iterator(kinesis, name, parent))
        (found,) = answer["ChildShards"]
        assert found["ShardId"] == child["ShardId"]
        assert sorted(found["ParentShards"]) == [FIRST, "shardId-000000000001"]


def test_split_is_refused(kinesis, stream):
    for at in ("0", "1", LAST):
        refused(
            "InvalidArgumentException",
            f"NewStartingHashKey {at} used in SplitShard() on shard {FIRST} in stream {stream} under account {ACCOUNT} "
            f"is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's EndingHashKey "
            f"{LAST}.",
            kinesis.split_shard, StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=at,
        )
    refused(
        "ResourceNotFoundException",
        f"Could not find shard shardId-000000000005 in stream {stream} under account {ACCOUNT}.",
        kinesis.split_shard, StreamName=stream, ShardToSplit="shardId-000000000005", NewStartingHashKey=HALF,
    )
    split(kinesis, stream)
    refused("InvalidArgumentException", None, kinesis.split_shard, StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=HALF)


def test_merge_is_refused(kinesis):
    name = make_stream(kinesis, shards=3)
    pair = (FIRST, "shardId-000000000002")
    refused(
        "InvalidArgumentException",
        f"Shards {pair[0]} and {pair[1]} in stream {name} under account {ACCOUNT} are not an adjacent pair of shards "
        "eligible for merging",
        kinesis.merge_shards, StreamName=name, ShardToMerge=pair[0], AdjacentShardToMerge=pair[1],
    )


def test_update_shard_count(kinesis):
    name = make_stream(kinesis, shards=2)
    for target in (4, 3, 6, 3):
        before = len(open_shards(kinesis, name))
        answer = kinesis.update_shard_count(StreamName=name, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (before, target)
        assert (answer["StreamName"], answer["StreamARN"]) == (name, arn(name))
        wait_active(kinesis, name)
        ranges = sorted(
            (int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
            for s in open_shards(kinesis, name)
        )
        width = 2**128 // target
        assert [r[0] for r in ranges] == [i * width for i in range(target)]
        assert [r[0] for r in ranges[1:]] == [r[1] + 1 for r in ranges[:-1]]


def test_update_shard_count_is_refused(kinesis):
    name = make_stream(kinesis, shards=4)
    for target in (9, 1):
        code = call_code(kinesis.update_shard_count, StreamName=name, TargetShardCount=target,
                          ScalingType="UNIFORM_SCALING")
        assert code in ("InvalidArgumentException", "LimitExceededException")
    refused("ValidationException", re.compile(".*'targetShardCount'.*"), kinesis.update_shard_count, StreamName=name,
            TargetShardCount=0, ScalingType="UNIFORM_SCALING")
    assert len(open_shards(kinesis, name)) == 4


def test_order_of_a_key_across_splits_and_merges(kinesis, stream):
    """Read parents before children, and the records of one key come in the order in which they were put."""
    put = []

    def write():
        for _ in range(30):
            put.append(str(len(put)).encode())
            kinesis.put_record(StreamName=stream, Data=put[-1], PartitionKey="the key")

    write()
    split(kinesis, stream)
    write()
    kinesis.merge_shards(StreamName=stream, ShardToMerge="shardId-000000000001",
                         AdjacentShardToMerge="shardId-000000000002")
    wait_active(kinesis, stream)
    write()
    found = [r["Data"] for s in shards(kinesis, stream) for r in read(kinesis, stream, s["ShardId"])]
    assert found == put
