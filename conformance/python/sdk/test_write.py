"""PutRecord and PutRecords."""

import hashlib
import re

from harness.kinesis import arn, call_code, make_stream, read, refused, shards
from harness.server import ACCOUNT

MIB = 1024 * 1024


def test_put_record(kinesis, stream):
    answer = kinesis.put_record(StreamName=stream, Data=b"\x00\xffdata", PartitionKey="clé 鍵")
    assert answer["ShardId"] == "shardId-000000000000"
    assert answer.get("EncryptionType", "NONE") == "NONE"
    (record,) = read(kinesis, stream)
    assert (record["Data"], record["PartitionKey"]) == (b"\x00\xffdata", "clé 鍵")
    assert record["SequenceNumber"] == answer["SequenceNumber"]
    assert record["ApproximateArrivalTimestamp"].timestamp() > 1.7e9
    assert "EncryptionType" not in record


def test_put_by_arn_and_empty_data(kinesis, stream):
    kinesis.put_record(StreamARN=arn(stream), Data=b"", PartitionKey="k")
    assert [r["Data"] for r in read(kinesis, stream)] == [b""]


def test_records_go_to_the_shard_of_their_hash(kinesis):
    name = make_stream(kinesis, shards=7)
    ranges = [(int(s["HashKeyRange"]["EndingHashKey"]), s["ShardId"]) for s in shards(kinesis, name)]
    keys = [f"key-{i}" for i in range(200)]
    answer = kinesis.put_records(StreamName=name, Records=[{"Data": b"x", "PartitionKey": k} for k in keys])
    assert answer["FailedRecordCount"] == 0
    for key, result in zip(keys, answer["Records"], strict=True):
        point = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
        assert result["ShardId"] == next(shard for end, shard in ranges if point <= end)


def test_explicit_hash_key(kinesis):
    name = make_stream(kinesis, shards=2)
    for key, shard in [("0", 0), (str(2**127 - 1), 0), (str(2**127), 1), (str(2**128 - 1), 1)]:
        answer = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="k", ExplicitHashKey=key)
        assert answer["ShardId"] == f"shardId-{shard:012}"
    refused(
        "InvalidArgumentException",
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
        f"Specified value was {2**128}",
        kinesis.put_record, StreamName=name, Data=b"x", PartitionKey="k", ExplicitHashKey=str(2**128),
    )
    refused("ValidationException", re.compile(".*'explicitHashKey'.*regular expression.*"), kinesis.put_record,
            StreamName=name, Data=b"x", PartitionKey="k", ExplicitHashKey="01")


def test_500_records_keep_their_order(kinesis, stream):
    records = [{"Data": str(i).encode(), "PartitionKey": f"k{i}"} for i in range(500)]
    answer = kinesis.put_records(StreamName=stream, Records=records)
    numbers = [int(r["SequenceNumber"]) for r in answer["Records"]]
    assert (len(numbers), numbers) == (500, sorted(set(numbers)))
    assert [r["Data"] for r in read(kinesis, stream)] == [r["Data"] for r in records]


def test_501_records_and_none(kinesis, stream):
    record = {"Data": b"x", "PartitionKey": "k"}
    for records in ([record] * 501, []):
        refused("ValidationException", re.compile(r"1 validation error detected: Value .* at 'records' failed to satisfy "
                r"constraint: Member must have length .* than or equal to \d+", re.S),
                kinesis.put_records, StreamName=stream, Records=records)
    assert read(kinesis, stream) == []


def test_sequence_numbers_grow(kinesis, stream):
    previous = 0
    for i in range(20):
        number = int(kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey=str(i))["SequenceNumber"])
        assert number > previous
        previous = number
    first = int(shards(kinesis, stream)[0]["SequenceNumberRange"]["StartingSequenceNumber"])
    assert first < int(read(kinesis, stream)[0]["SequenceNumber"])


def test_sequence_number_for_ordering(kinesis, stream):
    first = kinesis.put_record(StreamName=stream, Data=b"1", PartitionKey="k")["SequenceNumber"]
    second = kinesis.put_record(StreamName=stream, Data=b"2", PartitionKey="k", SequenceNumberForOrdering=first)
    assert int(second["SequenceNumber"]) > int(first)
    refused(
        "InvalidArgumentException",
        f"ExclusiveMinimumSequenceNumber 7 used in PutRecord on stream {stream} under account {ACCOUNT} is invalid.",
        kinesis.put_record, StreamName=stream, Data=b"3", PartitionKey="k", SequenceNumberForOrdering="7",
    )


def test_partition_key_constraints(kinesis, stream):
    refused("ValidationException", re.compile(".*'partitionKey'.*length greater than or equal to 1"),
            kinesis.put_record, StreamName=stream, Data=b"x", PartitionKey="")
    refused("ValidationException", re.compile(".*'partitionKey'.*length less than or equal to 256"),
            kinesis.put_record, StreamName=stream, Data=b"x", PartitionKey="k" * 257)
    # Characters are counted, not bytes.
    kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="鍵" * 256)


def test_paths_of_nested_members(kinesis, stream):
    records = [{"Data": b"x", "PartitionKey": "k"}, {"Data": b"x"}]
    refused(
        "ValidationException",
        "1 validation error detected: Value null at 'records.2.member.partitionKey' failed to satisfy constraint: "
        "Member must not be null",
        kinesis.put_records, StreamName=stream, Records=records,
    )
    assert read(kinesis, stream) == []


def test_record_size(kinesis, stream):
    kinesis.put_record(StreamName=stream, Data=b"x" * (MIB - 1), PartitionKey="k")
    message = refused("ValidationException", None, kinesis.put_record, StreamName=stream,
                      Data=b"x" * (10 * MIB + 1), PartitionKey="k")
    assert "data" in message
    # Data and key together make the size; the stream allows 1 MiB.
    for size, key in [(MIB, "k"), (MIB + 1, "k")]:
        caught = call_code(kinesis.put_record, StreamName=stream, Data=b"x" * size, PartitionKey=key)
        assert caught in ("ValidationException", "InvalidArgumentException")
    assert len(read(kinesis, stream)) == 1


def test_large_records_where_the_stream_allows_them(kinesis):
    name = make_stream(kinesis, MaxRecordSizeInKiB=10240)
    data = bytes(range(256)) * (8 * MIB // 256)
    kinesis.put_record(StreamName=name, Data=data, PartitionKey="k")
    (record,) = read(kinesis, name)
    assert record["Data"] == data


def test_request_size(kinesis):
    name = make_stream(kinesis, MaxRecordSizeInKiB=2048)
    record = {"Data": b"x" * (MIB - 1), "PartitionKey": "k"}
    answer = kinesis.put_records(StreamName=name, Records=[record] * 10)
    assert answer["FailedRecordCount"] == 0
    caught = call_code(kinesis.put_records, StreamName=name, Records=[record] * 10 + [{"Data": b"", "PartitionKey": "k"}])
    assert caught in ("ValidationException", "InvalidArgumentException")
    assert len(read(kinesis, name)) == 10
