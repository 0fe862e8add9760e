"""Throughput of shards and rates of calls, with limits on as they are by default."""

import time

import pytest

from harness.kinesis import arn, connect, iterator, make_stream, read, refused, wait_active, wait_consumer
from harness.server import ACCOUNT, Server

MIB = 1024 * 1024
SHARD = "shardId-000000000000"


@pytest.fixture(scope="module")
def limited():
    with Server(limits="on") as server:
        yield server


@pytest.fixture(scope="module")
def kinesis(limited):
    return connect(limited)


@pytest.fixture
def stream(kinesis):
    """Creating streams is limited, too: five calls a second."""
    time.sleep(0.25)
    return make_stream(kinesis)


def exceeded(stream):
    return f"Rate exceeded for shard {SHARD} in stream {stream} under account {ACCOUNT}."


def test_put_bytes(kinesis, stream):
    data = b"x" * (900 * 1024)
    kinesis.put_record(StreamName=stream, Data=data, PartitionKey="k")
    refused("ProvisionedThroughputExceededException", exceeded(stream), kinesis.put_record, StreamName=stream,
            Data=data, PartitionKey="k")
    time.sleep(1.5)
    kinesis.put_record(StreamName=stream, Data=data, PartitionKey="k")
    assert len(read(kinesis, stream)) == 2


def test_put_records_fail_in_place(kinesis):
    name = make_stream(kinesis, shards=2)
    # All but one go to the first shard, which takes 1,000 a second.
    records = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": "0"}] * 499
    records.append({"Data": b"y", "PartitionKey": "k", "ExplicitHashKey": str(2**127)})
    failed = stored = 0
    for _ in range(4):
        answer = kinesis.put_records(StreamName=name, Records=records)
        assert len(answer["Records"]) == 500
        bad = [r for r in answer["Records"] if "ErrorCode" in r]
        assert answer["FailedRecordCount"] == len(bad)
        assert "SequenceNumber" in answer["Records"][-1]
        for result in bad:
            assert result["ErrorCode"] == "ProvisionedThroughputExceededException"
            assert result["ErrorMessage"] == exceeded(name)
            assert "SequenceNumber" not in result and "ShardId" not in result
        failed, stored = failed + len(bad), stored + 500 - len(bad)
    assert failed > 0
    time.sleep(1)
    assert sum(len(read(kinesis, name, s)) for s in (SHARD, "shardId-000000000001")) == stored


def test_put_records_bytes_fail_in_place(kinesis, stream):
    """One request of six seconds' worth is no way around the limit of a shard."""
    records = [{"Data": b"x" * 1_000_000, "PartitionKey": "k"}] * 6
    answer = kinesis.put_records(StreamName=stream, Records=records)
    assert answer["FailedRecordCount"] == 5
    assert "SequenceNumber" in answer["Records"][0]
    for result in answer["Records"][1:]:
        assert result == {
            "ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": exceeded(stream),
        }
    assert len(read(kinesis, stream)) == 1


def test_five_reads_a_second(kinesis, stream):
    position = iterator(kinesis, stream)
    started, answers = time.monotonic(), []
    while time.monotonic() - started < 0.5:
        try:
            kinesis.get_records(ShardIterator=position)
            answers.append("ok")
        except kinesis.exceptions.ProvisionedThroughputExceededException as error:
            assert error.response["Error"]["Message"] == exceeded(stream)
            answers.append("refused")
    assert 5 <= answers.count("ok") <= 8
    time.sleep(1.1)
    assert kinesis.get_records(ShardIterator=position)["Records"] == []


def test_two_mebibytes_a_second(kinesis, stream):
    for _ in range(3):
        kinesis.put_record(StreamName=stream, Data=b"x" * (1000 * 1024), PartitionKey="k")
        time.sleep(1.1)
    answer = kinesis.get_records(ShardIterator=iterator(kinesis, stream))
    assert len(answer["Records"]) == 3
    refused("ProvisionedThroughputExceededException", exceeded(stream), kinesis.get_records,
            ShardIterator=answer["NextShardIterator"])
    time.sleep(2.5)
    kinesis.get_records(ShardIterator=answer["NextShardIterator"])


def test_a_consumer_has_throughput_of_its_own(kinesis, stream):
    made = kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName="reader")["Consumer"]
    wait_consumer(kinesis, made["ConsumerARN"])
    for _ in range(3):
        kinesis.put_record(StreamName=stream, Data=b"x" * (1000 * 1024), PartitionKey="k")
        time.sleep(1.1)
    started, seen = time.monotonic(), 0
    for message in kinesis.subscribe_to_shard(
        ConsumerARN=made["ConsumerARN"], ShardId=SHARD, StartingPosition={"Type": "TRIM_HORIZON"}
    )["EventStream"]:
        seen += len(message["SubscribeToShardEvent"]["Records"])
        if seen == 3:
            break
    # Polling is not slowed by it.
    assert len(kinesis.get_records(ShardIterator=iterator(kinesis, stream))["Records"]) == 3
    assert time.monotonic() - started < 30


def test_control_plane(kinesis):
    codes = set()
    for _ in range(5):
        try:
            kinesis.describe_limits()
            codes.add("ok")
        except kinesis.exceptions.LimitExceededException:
            codes.add("refused")
    assert codes == {"ok", "refused"}


def test_shards_of_an_account(kinesis):
    time.sleep(1.1)
    limit, at_once = kinesis.describe_limits()["ShardLimit"], 10_000
    for i in range(limit // at_once):
        kinesis.create_stream(StreamName=f"huge-{i}", ShardCount=at_once - 10)
        wait_active(kinesis, f"huge-{i}")
    time.sleep(1.1)
    message = refused("LimitExceededException", None, kinesis.create_stream, StreamName="more", ShardCount=at_once)
    assert message.startswith(f"This request would exceed the shard limit for the account {ACCOUNT} in us-east-1.")
    assert f"Limit: {limit}." in message
