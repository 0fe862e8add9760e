"""The AWS CLI on metrics and alarms, as the book shows it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from harness.server import KEY, REGION, SECRET


@pytest.fixture
def cloudwatch(server, tmp_path):
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": server.endpoint, "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "",
    }

    def run(*arguments):
        ended = subprocess.run(
            [sys.executable, "-m", "awscli", "cloudwatch", *arguments, "--output", "json"],
            env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    return run


def test_metrics(cloudwatch):
    cloudwatch("put-metric-data", "--namespace", "cli", "--metric-name", "Work", "--value", "7", "--unit", "Count",
               "--dimensions", "App=a")
    now = datetime.now(UTC)
    [point] = cloudwatch(
        "get-metric-statistics", "--namespace", "cli", "--metric-name", "Work", "--dimensions", "Name=App,Value=a",
        "--start-time", (now - timedelta(minutes=5)).isoformat(), "--end-time", (now + timedelta(minutes=1)).isoformat(),
        "--period", "600", "--statistics", "Sum", "--extended-statistics", "p99",
    )["Datapoints"]
    assert (point["Sum"], point["Unit"], point["ExtendedStatistics"]) == (7, "Count", {"p99": 7})
    [metric] = cloudwatch("list-metrics", "--namespace", "cli")["Metrics"]
    assert metric["Dimensions"] == [{"Name": "App", "Value": "a"}]


def test_an_alarm(cloudwatch):
    # Version 1 of the CLI would fetch what a bare URL names.
    cloudwatch(
        "put-metric-alarm", "--alarm-name", "orders-late", "--namespace", "AWS/Kinesis",
        "--metric-name", "GetRecords.IteratorAgeMilliseconds", "--dimensions", "Name=StreamName,Value=orders",
        "--statistic", "Maximum", "--period", "60", "--evaluation-periods", "3", "--datapoints-to-alarm", "2",
        "--threshold", "300000", "--comparison-operator", "GreaterThanThreshold",
        "--treat-missing-data", "ignore", "--alarm-actions", '["http://127.0.0.1:9/scale-out"]',
    )
    cloudwatch("set-alarm-state", "--alarm-name", "orders-late", "--state-value", "ALARM", "--state-reason", "a rehearsal")
    [alarm] = cloudwatch("describe-alarms", "--alarm-name-prefix", "orders")["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"], alarm["Threshold"]) == ("ALARM", "a rehearsal", 300000)
    cloudwatch("delete-alarms", "--alarm-names", "orders-late")
    assert cloudwatch("describe-alarms")["MetricAlarms"] == []
