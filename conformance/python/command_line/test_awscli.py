"""The AWS CLI: the main commands as a person types them."""

import base64
import json
import os
import subprocess
import sys

import pytest

from harness import record
from harness.kinesis import arn
from harness.server import ACCOUNT, KEY, REGION, SECRET


@pytest.fixture
def aws(server, tmp_path):
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": server.endpoint, "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "",
    }

    def run(command, *arguments, service="kinesis", expect=None):
        ended = subprocess.run(
            [sys.executable, "-m", "awscli", service, command, *arguments, "--output", "json"],
            env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        )
        operation = "".join(part.capitalize() for part in command.split("-"))
        if expect:
            assert ended.returncode != 0 and f"({expect})" in ended.stderr, ended.stderr
            record.note("awscli", operation, expect)
            return ended.stderr
        assert ended.returncode == 0, ended.stderr
        if service == "kinesis" and command not in ("wait", "subscribe-to-shard"):
            record.note("awscli", operation, "ok")
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    return run


def test_a_tour(aws):
    aws("create-stream", "--stream-name", "tour", "--shard-count", "2")
    aws("wait", "stream-exists", "--stream-name", "tour")
    assert "tour" in aws("list-streams")["StreamNames"]
    # Version 1 of the CLI takes data as it is and prints it in base64.
    first = aws("put-record", "--stream-name", "tour", "--partition-key", "k", "--data", "hello",
                "--explicit-hash-key", "0")
    assert first["ShardId"] == "shardId-000000000000"
    records = json.dumps([{"Data": "again", "PartitionKey": "k", "ExplicitHashKey": "1"}])
    assert aws("put-records", "--stream-name", "tour", "--records", records)["FailedRecordCount"] == 0
    position = aws("get-shard-iterator", "--stream-name", "tour", "--shard-id", "shardId-000000000000",
                   "--shard-iterator-type", "TRIM_HORIZON")["ShardIterator"]
    found = aws("get-records", "--shard-iterator", position)["Records"]
    assert [base64.b64decode(r["Data"]) for r in found] == [b"hello", b"again"]
    assert aws("describe-stream-summary", "--stream-name", "tour")["StreamDescriptionSummary"]["OpenShardCount"] == 2
    assert len(aws("describe-stream", "--stream-name", "tour")["StreamDescription"]["Shards"]) == 2
    aws("split-shard", "--stream-name", "tour", "--shard-to-split", "shardId-000000000000", "--new-starting-hash-key",
        str(2**126))
    aws("wait", "stream-exists", "--stream-name", "tour")
    aws("merge-shards", "--stream-name", "tour", "--shard-to-merge", "shardId-000000000002", "--adjacent-shard-to-merge",
        "shardId-000000000003")
    aws("wait", "stream-exists", "--stream-name", "tour")
    assert len(aws("list-shards", "--stream-name", "tour")["Shards"]) == 5
    aws("update-shard-count", "--stream-name", "tour", "--target-shard-count", "4", "--scaling-type", "UNIFORM_SCALING")
    aws("delete-stream", "--stream-name", "tour")
    aws("wait", "stream-not-exists", "--stream-name", "tour")


def test_settings(aws):
    aws("create-stream", "--stream-name", "settings", "--stream-mode-details", "StreamMode=ON_DEMAND")
    aws("wait", "stream-exists", "--stream-name", "settings")
    aws("add-tags-to-stream", "--stream-name", "settings", "--tags", "a=1,b=2")
    aws("remove-tags-from-stream", "--stream-name", "settings", "--tag-keys", "a")
    assert aws("list-tags-for-stream", "--stream-name", "settings")["Tags"] == [{"Key": "b", "Value": "2"}]
    aws("increase-stream-retention-period", "--stream-name", "settings", "--retention-period-hours", "48")
    aws("decrease-stream-retention-period", "--stream-name", "settings", "--retention-period-hours", "24")
    aws("start-stream-encryption", "--stream-name", "settings", "--encryption-type", "KMS", "--key-id", "alias/aws/kinesis")
    aws("stop-stream-encryption", "--stream-name", "settings", "--encryption-type", "KMS", "--key-id", "alias/aws/kinesis")
    aws("put-resource-policy", "--resource-arn", arn("settings"), "--policy", '{"Version":"2012-10-17","Statement":[]}')
    assert "Policy" in aws("get-resource-policy", "--resource-arn", arn("settings"))
    aws("delete-resource-policy", "--resource-arn", arn("settings"))
    made = aws("register-stream-consumer", "--stream-arn", arn("settings"), "--consumer-name", "reader")["Consumer"]
    assert len(aws("list-stream-consumers", "--stream-arn", arn("settings"))["Consumers"]) == 1
    aws("describe-stream-consumer", "--consumer-arn", made["ConsumerARN"])
    aws("deregister-stream-consumer", "--consumer-arn", made["ConsumerARN"])
    assert aws("describe-limits")["ShardLimit"] > 0
    aws("delete-stream", "--stream-name", "settings")


def test_errors(aws):
    text = aws("describe-stream", "--stream-name", "nowhere", expect="ResourceNotFoundException")
    assert "Stream nowhere under account 000000000000 not found." in text
    aws("get-records", "--shard-iterator", "AAAA", expect="InvalidArgumentException")


def test_who_am_i(aws):
    assert aws("get-caller-identity", service="sts") == {
        "UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
