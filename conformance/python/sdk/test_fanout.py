"""Enhanced fan-out: consumers and SubscribeToShard."""

import re
import threading
import time

import pytest
from botocore.exceptions import EventStreamError

from harness.kinesis import arn, connect, make_stream, refused, wait_active, wait_consumer
from harness.server import ACCOUNT, Server

SHARD = "shardId-000000000000"


@pytest.fixture
def consumer(kinesis, stream):
    """The ARN of an ACTIVE consumer of `stream`."""
    found = kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName="reader")["Consumer"]
    return wait_consumer(kinesis, found["ConsumerARN"])["ConsumerARN"]


def subscribe(kinesis, consumer, shard=SHARD, **position):
    position = position or {"Type": "TRIM_HORIZON"}
    return kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition=position)["EventStream"]


def collect(events, count):
    """The first `count` records, and the last event that was seen."""
    records, event = [], None
    for message in events:
        event = message["SubscribeToShardEvent"]
        records += event["Records"]
        if len(records) >= count:
            break
    return records, event


def test_register_describe_deregister(kinesis, stream):
    made = kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName="reader", Tags={"a": "b"})["Consumer"]
    assert made["ConsumerStatus"] in ("CREATING", "ACTIVE")
    assert re.fullmatch(re.escape(arn(stream)) + r"/consumer/reader:\d+", made["ConsumerARN"])
    found = wait_consumer(kinesis, made["ConsumerARN"])
    assert (found["ConsumerName"], found["StreamARN"]) == ("reader", arn(stream))
    by_name = kinesis.describe_stream_consumer(StreamARN=arn(stream), ConsumerName="reader")
    assert by_name["ConsumerDescription"] == found
    assert kinesis.list_tags_for_resource(ResourceARN=made["ConsumerARN"])["Tags"] == [{"Key": "a", "Value": "b"}]
    refused("ResourceInUseException", None, kinesis.register_stream_consumer, StreamARN=arn(stream),
            ConsumerName="reader")
    assert kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["ConsumerCount"] == 1
    kinesis.deregister_stream_consumer(StreamARN=arn(stream), ConsumerName="reader")
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        for _ in range(500):
            kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])


def test_twenty_consumers(kinesis, stream):
    for i in range(20):
        made = kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName=f"reader{i}")["Consumer"]
        wait_consumer(kinesis, made["ConsumerARN"])
    refused("LimitExceededException", None, kinesis.register_stream_consumer, StreamARN=arn(stream),
            ConsumerName="one-too-many")


def test_records_are_pushed(kinesis, stream, consumer):
    for i in range(3):
        kinesis.put_record(StreamName=stream, Data=str(i).encode(), PartitionKey="k")
    events = subscribe(kinesis, consumer)
    records, event = collect(events, 3)
    assert [r["Data"] for r in records] == [b"0", b"1", b"2"]
    assert event["ContinuationSequenceNumber"] and event["MillisBehindLatest"] == 0
    # What is put from now on arrives without being asked for.
    threading.Timer(0.2, kinesis.put_record, kwargs={"StreamName": stream, "Data": b"3", "PartitionKey": "k"}).start()
    records, _ = collect(events, 1)
    assert [r["Data"] for r in records] == [b"3"]
    assert isinstance(records[0]["SequenceNumber"], str) and records[0]["ApproximateArrivalTimestamp"]
    events.close()


def test_starting_positions(kinesis, stream, consumer):
    numbers = [
        kinesis.put_record(StreamName=stream, Data=str(i).encode(), PartitionKey="k")["SequenceNumber"]
        for i in range(3)
    ]
    for i, (position, first) in enumerate([
        ({"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}, b"1"),
        ({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}, b"2"),
        ({"Type": "AT_TIMESTAMP", "Timestamp": time.time() - 60}, b"0"),
    ]):
        made = kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName=f"other{i}")["Consumer"]
        wait_consumer(kinesis, made["ConsumerARN"])
        events = subscribe(kinesis, made["ConsumerARN"], **position)
        records, _ = collect(events, 1)
        assert records[0]["Data"] == first
        events.close()


def test_heartbeats_keep_a_quiet_subscription_alive(kinesis, stream, consumer):
    events = subscribe(kinesis, consumer, Type="LATEST")
    started, seen = time.monotonic(), 0
    for message in events:
        assert message["SubscribeToShardEvent"]["Records"] == []
        assert message["SubscribeToShardEvent"]["ContinuationSequenceNumber"]
        seen += 1
        if seen == 2:
            break
    assert time.monotonic() - started < 15
    events.close()


def test_second_subscription_is_refused_and_later_takes_over(kinesis, stream, consumer):
    first = subscribe(kinesis, consumer, Type="LATEST")
    time.sleep(1.2)
    refused(
        "ResourceInUseException",
        f"Another active subscription exists for this consumer: {ACCOUNT}:{stream}:{SHARD}:reader",
        kinesis.subscribe_to_shard, ConsumerARN=consumer, ShardId=SHARD, StartingPosition={"Type": "LATEST"},
    )
    time.sleep(5)
    second = subscribe(kinesis, consumer, Type="LATEST")
    kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="k")
    records, _ = collect(second, 1)
    assert records[0]["Data"] == b"x"
    # The old subscription ends, with an exception or without.
    try:
        assert all(not message["SubscribeToShardEvent"]["Records"] for message in first)
    except EventStreamError as error:
        assert error.response["Error"]["Code"] == "ResourceInUseException"
    second.close()


def test_shard_end_names_the_children(kinesis, stream, consumer):
    kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="k")
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    wait_active(kinesis, stream)
    messages = [message["SubscribeToShardEvent"] for message in subscribe(kinesis, consumer)]
    assert [r["Data"] for m in messages for r in m["Records"]] == [b"x"]
    assert not messages[-1].get("ContinuationSequenceNumber")
    children = sorted(child["ShardId"] for child in messages[-1]["ChildShards"])
    assert children == ["shardId-000000000001", "shardId-000000000002"]
    assert all(not m.get("ChildShards") for m in messages[:-1])


def test_resubscribing_continues_where_it_stopped(kinesis, stream):
    for i in range(4):
        kinesis.put_record(StreamName=stream, Data=str(i).encode(), PartitionKey="k")
    made = kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName="reader")["Consumer"]
    wait_consumer(kinesis, made["ConsumerARN"])
    events = subscribe(kinesis, made["ConsumerARN"])
    _, event = collect(events, 4)
    events.close()
    kinesis.put_record(StreamName=stream, Data=b"4", PartitionKey="k")
    time.sleep(5.5)
    events = subscribe(
        kinesis, made["ConsumerARN"], Type="AFTER_SEQUENCE_NUMBER", SequenceNumber=event["ContinuationSequenceNumber"]
    )
    records, _ = collect(events, 1)
    assert [r["Data"] for r in records] == [b"4"]
    events.close()


def test_subscriptions_are_refused(kinesis, stream, consumer):
    latest = {"Type": "LATEST"}
    refused("ResourceNotFoundException", None, kinesis.subscribe_to_shard, ConsumerARN=consumer,
            ShardId="shardId-000000000007", StartingPosition=latest)
    refused("ResourceNotFoundException", None, kinesis.subscribe_to_shard,
            ConsumerARN=f"{arn(stream)}/consumer/nobody:1", ShardId=SHARD, StartingPosition=latest)
    refused("ValidationException", None, kinesis.subscribe_to_shard, ConsumerARN="nonsense", ShardId=SHARD,
            StartingPosition=latest)


def test_large_records_are_pushed(kinesis):
    name = make_stream(kinesis, MaxRecordSizeInKiB=10240)
    made = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="reader")["Consumer"]
    consumer = wait_consumer(kinesis, made["ConsumerARN"])["ConsumerARN"]
    data = [bytes([i]) * (5 * 1024 * 1024) for i in range(3)]
    for part in data:
        kinesis.put_record(StreamName=name, Data=part, PartitionKey="k")
    events = subscribe(kinesis, consumer)
    records, _ = collect(events, 3)
    assert [r["Data"] for r in records] == data
    events.close()


def test_a_subscription_lives_five_minutes():
    with Server(dev=True) as server:
        kinesis = connect(server)
        name = make_stream(kinesis)
        made = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="reader")["Consumer"]
        wait_consumer(kinesis, made["ConsumerARN"])
        events = subscribe(kinesis, made["ConsumerARN"], Type="LATEST")
        threading.Timer(0.3, server.advance, [301]).start()
        started = time.monotonic()
        assert all(not message["SubscribeToShardEvent"].get("ChildShards") for message in events)
        assert time.monotonic() - started < 30
