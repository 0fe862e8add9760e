"""Retention, tags, policies, encryption, monitoring, modes, warm throughput, account settings."""

import json
import re

import pytest

from harness.kinesis import arn, call_code, connect, fresh_name, read, refused, wait_active, wait_consumer
from harness.server import ACCOUNT, Server


def summary(kinesis, name):
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


def test_retention(kinesis, stream):
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=168)
    wait_active(kinesis, stream)
    assert summary(kinesis, stream)["RetentionPeriodHours"] == 168
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=168)
    wait_active(kinesis, stream)
    kinesis.decrease_stream_retention_period(StreamName=stream, RetentionPeriodHours=48)
    wait_active(kinesis, stream)
    assert summary(kinesis, stream)["RetentionPeriodHours"] == 48
    refused(
        "InvalidArgumentException",
        f"Requested retention period (24 hours) for stream {stream} can not be shorter than existing retention period "
        "(48 hours). Use DecreaseRetentionPeriod API.",
        kinesis.increase_stream_retention_period, StreamName=stream, RetentionPeriodHours=24,
    )
    refused(
        "InvalidArgumentException",
        f"Requested retention period (72 hours) for stream {stream} can not be longer than existing retention period "
        "(48 hours). Use IncreaseRetentionPeriod API.",
        kinesis.decrease_stream_retention_period, StreamName=stream, RetentionPeriodHours=72,
    )
    refused(
        "InvalidArgumentException",
        "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.",
        kinesis.decrease_stream_retention_period, StreamName=stream, RetentionPeriodHours=23,
    )
    assert call_code(kinesis.increase_stream_retention_period, StreamName=stream, RetentionPeriodHours=8761) in (
        "InvalidArgumentException", "ValidationException")


def test_tags_of_a_stream(kinesis, stream):
    kinesis.add_tags_to_stream(StreamName=stream, Tags={"a": "1", "b": "2"})
    kinesis.tag_resource(ResourceARN=arn(stream), Tags={"b": "3", "c": ""})
    want = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "3"}, {"Key": "c", "Value": ""}]
    assert kinesis.list_tags_for_stream(StreamName=stream)["Tags"] == want
    assert kinesis.list_tags_for_resource(ResourceARN=arn(stream))["Tags"] == want
    kinesis.remove_tags_from_stream(StreamName=stream, TagKeys=["a"])
    kinesis.untag_resource(ResourceARN=arn(stream), TagKeys=["b", "never there"])
    assert kinesis.list_tags_for_stream(StreamName=stream)["Tags"] == want[2:]


def test_tags_are_refused(kinesis, stream):
    kinesis.add_tags_to_stream(StreamName=stream, Tags={f"k{i}": "v" for i in range(50)})
    for call, where in ((kinesis.add_tags_to_stream, {"StreamName": stream}),
                        (kinesis.tag_resource, {"ResourceARN": arn(stream)})):
        assert call_code(call, **where, Tags={"one more": "v"}) in ("InvalidArgumentException", "LimitExceededException")
        assert call_code(call, **where, Tags={"aws:mine": "v"}) in ("InvalidArgumentException", "ValidationException")
        assert call_code(call, **where, Tags={"k0": "v" * 257}) in ("InvalidArgumentException", "ValidationException")
    assert len(kinesis.list_tags_for_resource(ResourceARN=arn(stream))["Tags"]) == 50
    refused("ResourceNotFoundException", None, kinesis.tag_resource, ResourceARN=arn("nowhere"), Tags={"a": "b"})


def test_tags_of_a_consumer(kinesis, stream):
    made = kinesis.register_stream_consumer(StreamARN=arn(stream), ConsumerName="reader")["Consumer"]
    consumer = wait_consumer(kinesis, made["ConsumerARN"])["ConsumerARN"]
    kinesis.tag_resource(ResourceARN=consumer, Tags={"a": "1"})
    assert kinesis.list_tags_for_resource(ResourceARN=consumer)["Tags"] == [{"Key": "a", "Value": "1"}]
    assert kinesis.list_tags_for_resource(ResourceARN=arn(stream))["Tags"] == []
    kinesis.untag_resource(ResourceARN=consumer, TagKeys=["a"])
    assert kinesis.list_tags_for_resource(ResourceARN=consumer)["Tags"] == []


def test_resource_policy(kinesis, stream):
    assert kinesis.get_resource_policy(ResourceARN=arn(stream))["Policy"] == "{}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Sid": "read", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": ["kinesis:GetRecords"], "Resource": arn(stream)}]})
    kinesis.put_resource_policy(ResourceARN=arn(stream), Policy=policy)
    assert json.loads(kinesis.get_resource_policy(ResourceARN=arn(stream))["Policy"]) == json.loads(policy)
    kinesis.delete_resource_policy(ResourceARN=arn(stream))
    assert kinesis.get_resource_policy(ResourceARN=arn(stream))["Policy"] == "{}"
    refused("ResourceNotFoundException", None, kinesis.get_resource_policy, ResourceARN=arn("nowhere"))
    refused("InvalidArgumentException", None, kinesis.put_resource_policy, ResourceARN=arn(stream), Policy="{ nonsense")


def test_encryption(kinesis, stream):
    kinesis.put_record(StreamName=stream, Data=b"plain", PartitionKey="k")
    key = {"StreamName": stream, "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}
    kinesis.start_stream_encryption(**key)
    wait_active(kinesis, stream)
    assert (summary(kinesis, stream)["EncryptionType"], summary(kinesis, stream)["KeyId"]) == ("KMS", key["KeyId"])
    answer = kinesis.put_record(StreamName=stream, Data=b"secret", PartitionKey="k")
    assert answer["EncryptionType"] == "KMS"
    records = read(kinesis, stream)
    assert [(r["Data"], r.get("EncryptionType")) for r in records] == [(b"plain", None), (b"secret", "KMS")]
    kinesis.stop_stream_encryption(**key)
    wait_active(kinesis, stream)
    assert summary(kinesis, stream).get("EncryptionType", "NONE") == "NONE"
    kinesis.put_record(StreamName=stream, Data=b"plain again", PartitionKey="k")
    assert [r.get("EncryptionType") for r in read(kinesis, stream)] == [None, "KMS", None]
    refused("ValidationException", None, kinesis.start_stream_encryption, StreamName=stream, EncryptionType="KMS")


def test_enhanced_monitoring(kinesis, stream):
    seven = {"IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords", "IteratorAgeMilliseconds",
             "WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded"}
    answer = kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["IncomingBytes"])
    assert (answer["CurrentShardLevelMetrics"], answer["DesiredShardLevelMetrics"]) == ([], ["IncomingBytes"])
    answer = kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["ALL"])
    assert answer["CurrentShardLevelMetrics"] == ["IncomingBytes"]
    assert set(answer["DesiredShardLevelMetrics"]) == seven
    answer = kinesis.disable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["OutgoingBytes"])
    assert set(answer["DesiredShardLevelMetrics"]) == seven - {"OutgoingBytes"}
    assert set(summary(kinesis, stream)["EnhancedMonitoring"][0]["ShardLevelMetrics"]) == seven - {"OutgoingBytes"}
    answer = kinesis.disable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["ALL"])
    assert answer["DesiredShardLevelMetrics"] == []
    refused("ValidationException", re.compile(".*'shardLevelMetrics'.*", re.S), kinesis.enable_enhanced_monitoring,
            StreamName=stream, ShardLevelMetrics=["Nothing"])


def test_stream_mode(kinesis, stream):
    for mode in ("ON_DEMAND", "PROVISIONED"):
        kinesis.update_stream_mode(StreamARN=arn(stream), StreamModeDetails={"StreamMode": mode})
        wait_active(kinesis, stream)
        assert summary(kinesis, stream)["StreamModeDetails"] == {"StreamMode": mode}
        assert summary(kinesis, stream)["OpenShardCount"] == 1
        if mode == "ON_DEMAND":
            refused("ValidationException", None, kinesis.split_shard, StreamName=stream,
                    ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
            refused("ValidationException", None, kinesis.update_shard_count, StreamName=stream, TargetShardCount=2,
                    ScalingType="UNIFORM_SCALING")
    refused("LimitExceededException", None, kinesis.update_stream_mode, StreamARN=arn(stream),
            StreamModeDetails={"StreamMode": "ON_DEMAND"})


def test_max_record_size(kinesis, stream):
    kinesis.update_max_record_size(StreamARN=arn(stream), MaxRecordSizeInKiB=4096)
    wait_active(kinesis, stream)
    assert summary(kinesis, stream)["MaxRecordSizeInKiB"] == 4096
    kinesis.put_record(StreamName=stream, Data=b"x" * (4 * 1024 * 1024 - 1), PartitionKey="k")
    for size in (1023, 10241):
        refused("ValidationException", re.compile(".*'maxRecordSizeInKiB'.*"), kinesis.update_max_record_size,
                StreamARN=arn(stream), MaxRecordSizeInKiB=size)


@pytest.fixture
def account():
    """A client of a server of its own: what an account commits to holds for all of its streams."""
    with Server() as server:
        yield connect(server)


def test_account_settings_and_warm_throughput(account):
    kinesis = account
    before = kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]
    assert before["Status"] == "DISABLED"
    answer = kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    assert answer["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED"
    after = kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]
    assert after["Status"] == "ENABLED" and after["StartedAt"]
    # The commitment is what allows warm throughput.
    name = make_stream_on_demand(kinesis)
    answer = kinesis.update_stream_warm_throughput(StreamARN=arn(name), WarmThroughputMiBps=6)
    assert (answer["StreamName"], answer["WarmThroughput"]["TargetMiBps"]) == (name, 6)
    wait_active(kinesis, name)
    assert summary(kinesis, name)["WarmThroughput"]["TargetMiBps"] == 6
    assert summary(kinesis, name)["OpenShardCount"] >= 6


def make_stream_on_demand(kinesis):
    name = fresh_name("on-demand")
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    return wait_active(kinesis, name)
