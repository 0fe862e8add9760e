"""Shard iterators and GetRecords."""

import datetime
import re
import time

import pytest

from harness.kinesis import arn, iterator, make_stream, read, refused, shards
from harness.server import ACCOUNT

SHARD = "shardId-000000000000"


@pytest.fixture
def numbers(kinesis, stream):
    """Sequence numbers of five records that lie apart in time."""
    found = []
    for i in range(5):
        found.append(kinesis.put_record(StreamName=stream, Data=str(i).encode(), PartitionKey="k")["SequenceNumber"])
        time.sleep(0.02)
    return found


def data(records):
    return b"".join(record["Data"] for record in records)


def test_five_types(kinesis, stream, numbers):
    assert data(read(kinesis, stream)) == b"01234"
    assert data(read(kinesis, stream, kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])) == b"234"
    assert data(read(kinesis, stream, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])) == b"34"
    assert data(read(kinesis, stream, kind="LATEST")) == b""
    arrived = read(kinesis, stream)[3]["ApproximateArrivalTimestamp"]
    # boto3 sends whole seconds; the second before the first record gives them all.
    before = arrived - datetime.timedelta(seconds=5)
    assert data(read(kinesis, stream, kind="AT_TIMESTAMP", Timestamp=before)) == b"01234"


def test_latest_sees_only_what_follows(kinesis, stream, numbers):
    position = iterator(kinesis, stream, kind="LATEST")
    kinesis.put_record(StreamName=stream, Data=b"new", PartitionKey="k")
    answer = kinesis.get_records(ShardIterator=position)
    assert data(answer["Records"]) == b"new"
    assert answer["MillisBehindLatest"] == 0


def test_numbers_that_name_no_record(kinesis, stream, numbers):
    start = shards(kinesis, stream)[0]["SequenceNumberRange"]["StartingSequenceNumber"]
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        assert data(read(kinesis, stream, kind=kind, StartingSequenceNumber=start)) == b"01234"


def test_limit_and_chain(kinesis, stream, numbers):
    position, found = iterator(kinesis, stream), []
    for _ in range(5):
        answer = kinesis.get_records(ShardIterator=position, Limit=1)
        found += answer["Records"]
        position = answer["NextShardIterator"]
    assert data(found) == b"01234"
    assert kinesis.get_records(ShardIterator=position, StreamARN=arn(stream))["Records"] == []


def test_the_same_iterator_reads_the_same(kinesis, stream, numbers):
    position = iterator(kinesis, stream)
    assert len(position) <= 512
    first, second = (kinesis.get_records(ShardIterator=position) for _ in range(2))
    assert first["Records"] == second["Records"]
    # Some clients send the token in quotes.
    assert kinesis.get_records(ShardIterator=f'"{position}"')["Records"] == first["Records"]


def test_millis_behind(kinesis, stream, numbers):
    answer = kinesis.get_records(ShardIterator=iterator(kinesis, stream), Limit=1)
    assert answer["MillisBehindLatest"] > 0
    answer = kinesis.get_records(ShardIterator=answer["NextShardIterator"])
    assert answer["MillisBehindLatest"] == 0


def test_ten_mebibytes_in_one_answer(kinesis, stream):
    part = [{"Data": b"x" * (100 * 1024), "PartitionKey": "k"}] * 50
    for _ in range(3):
        assert kinesis.put_records(StreamName=stream, Records=part)["FailedRecordCount"] == 0
    first = kinesis.get_records(ShardIterator=iterator(kinesis, stream))
    size = sum(len(r["Data"]) + len(r["PartitionKey"]) for r in first["Records"])
    assert 9 * 1024 * 1024 < size <= 10 * 1024 * 1024
    assert first["MillisBehindLatest"] > 0
    assert len(read(kinesis, stream)) == 150


def test_ten_thousand_records_in_one_answer(kinesis, stream):
    part = [{"Data": b"x", "PartitionKey": "k"}] * 500
    for _ in range(21):
        kinesis.put_records(StreamName=stream, Records=part)
    assert len(kinesis.get_records(ShardIterator=iterator(kinesis, stream))["Records"]) == 10_000
    assert len(kinesis.get_records(ShardIterator=iterator(kinesis, stream), Limit=10_000)["Records"]) == 10_000
    assert len(read(kinesis, stream)) == 10_500


def test_limits_of_limit(kinesis, stream):
    for limit, side in ((0, "greater than or equal to 1"), (10_001, "less than or equal to 10000")):
        refused("ValidationException", f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
                f"constraint: Member must have value {side}", kinesis.get_records,
                ShardIterator=iterator(kinesis, stream), Limit=limit)


def test_bad_iterators(kinesis, stream):
    good = iterator(kinesis, stream)
    for bad in ("AAAA", "nonsense!", good[:-8] + "AAAAAAA=", good[4:], "é"):
        refused("InvalidArgumentException", "Invalid ShardIterator.", kinesis.get_records, ShardIterator=bad)
    refused("ValidationException", re.compile(".*'shardIterator'.*"), kinesis.get_records, ShardIterator="A" * 513)


def test_wrong_combinations(kinesis, stream, numbers):
    at = {"StreamName": stream, "ShardId": SHARD}
    for kind in ("TRIM_HORIZON", "LATEST"):
        refused(
            "InvalidArgumentException",
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
            f"(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and also a "
            "StartingSequenceNumber.",
            kinesis.get_shard_iterator, **at, ShardIteratorType=kind, StartingSequenceNumber=numbers[0],
        )
    refused(
        "InvalidArgumentException",
        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp "
        "parameter.",
        kinesis.get_shard_iterator, **at, ShardIteratorType="AT_TIMESTAMP",
    )
    future = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    refused(
        "InvalidArgumentException",
        re.compile("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                   r"timestampInMillis: \d+, currentTimestampInMillis: \d+"),
        kinesis.get_shard_iterator, **at, ShardIteratorType="AT_TIMESTAMP", Timestamp=future,
    )
    refused("ValidationException", re.compile(r".*'shardIteratorType'.*enum value set: \[.*"),
            kinesis.get_shard_iterator, **at, ShardIteratorType="SIDEWAYS")


def test_foreign_numbers(kinesis, stream, numbers):
    name = make_stream(kinesis, shards=2)
    answer = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="k", ExplicitHashKey=str(2**127))
    refused(
        "InvalidArgumentException",
        f"Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call to a shard with "
        f"{SHARD}",
        kinesis.get_shard_iterator, StreamName=name, ShardId=SHARD, ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=answer["SequenceNumber"],
    )
    refused(
        "InvalidArgumentException",
        re.compile(f"StartingSequenceNumber 12345 used in GetShardIterator on shard {SHARD} in stream {stream} under "
                   f"account {ACCOUNT} is invalid.*"),
        kinesis.get_shard_iterator, StreamName=stream, ShardId=SHARD, ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber="12345",
    )


def test_missing_shard(kinesis, stream):
    refused(
        "ResourceNotFoundException",
        f"Shard shardId-000000000009 in stream {stream} under account {ACCOUNT} does not exist",
        kinesis.get_shard_iterator, StreamName=stream, ShardId="shardId-000000000009", ShardIteratorType="LATEST",
    )


def test_shard_ids_are_normalised(kinesis, stream, numbers):
    for spelled in ("shardId-0", "0", "anything-000"):
        assert data(read(kinesis, stream, spelled)) == b"01234"


def test_iterators_are_bound_to_the_incarnation(kinesis, stream, numbers):
    position = iterator(kinesis, stream)
    kinesis.delete_stream(StreamName=stream)
    for _ in range(500):
        if stream not in kinesis.list_streams(ExclusiveStartStreamName=stream[:-1])["StreamNames"]:
            break
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    refused("ResourceNotFoundException", None, kinesis.get_records, ShardIterator=position)
