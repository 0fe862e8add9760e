"""Metrics and alarms through boto3: PutMetricData to GetMetricData, the server's own metrics, webhooks."""

import datetime
import http.server
import json
import queue
import threading

import pytest

from harness.cloudwatch import connect_cloudwatch
from harness.kinesis import connect, iterator, make_stream, refused
from harness.server import Server

MINUTE = datetime.timedelta(minutes=1)
AGE = "GetRecords.IteratorAgeMilliseconds"


@pytest.fixture(scope="module")
def dev():
    """A server whose clock belongs to the tests."""
    with Server(dev=True) as server:
        yield server


@pytest.fixture
def cloudwatch(dev):
    dev.control("reset", {})
    return connect_cloudwatch(dev, key="anybody", secret="anything")


@pytest.fixture
def hook():
    """The URL of a listener, and what has been posted to it."""
    posts = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            posts.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_port}/alarm", posts
    listener.shutdown()


def statistics(cloudwatch, around, name, namespace="app", stats=("Sum",), **options):
    answer = cloudwatch.get_metric_statistics(
        Namespace=namespace, MetricName=name, StartTime=around - 30 * MINUTE, EndTime=around + 5 * MINUTE, Period=60,
        Statistics=list(stats), **options,
    )
    return sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])


def today():
    return datetime.datetime.now(datetime.UTC)


def test_points_survive_a_clean_restart():
    with Server() as server:
        cloudwatch = connect_cloudwatch(server)
        cloudwatch.put_metric_data(
            Namespace="app",
            MetricData=[
                {"MetricName": "Work", "Value": 3, "Unit": "Count"},
                {"MetricName": "Work", "Values": [1.0, 2.0], "Counts": [1.0, 2.0], "Unit": "Count"},
                {
                    "MetricName": "Set",
                    "Dimensions": [{"Name": "Operation", "Value": "ProcessTask"}],
                    "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4},
                },
            ],
        )
        server.stop()
        server.start()
        [point] = statistics(cloudwatch, today(), "Work", stats=("SampleCount", "Sum", "Minimum", "Maximum", "Average"))
        assert (point["SampleCount"], point["Sum"], point["Minimum"], point["Maximum"]) == (4, 8, 1, 3)
        assert (point["Average"], point["Unit"]) == (2, "Count")
        [point] = statistics(cloudwatch, today(), "Set", Dimensions=[{"Name": "Operation", "Value": "ProcessTask"}])
        assert (point["Sum"], point["Unit"]) == (10, "None")
        names = {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="app")["Metrics"]}
        assert names == {"Work", "Set"}


def test_metrics_are_listed_by_page(server):
    cloudwatch = connect_cloudwatch(server)
    for batch in range(26):
        data = [{"MetricName": f"m{batch}-{at}", "Value": at, "Unit": "Bytes"} for at in range(20)]
        cloudwatch.put_metric_data(Namespace="pages", MetricData=data)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace="pages"))
    assert [len(page["Metrics"]) for page in pages] == [500, 20]


def test_math_and_percentiles(server):
    cloudwatch = connect_cloudwatch(server)
    cloudwatch.put_metric_data(
        Namespace="math", MetricData=[{"MetricName": "In", "Values": [float(n) for n in range(1, 21)]}, {"MetricName": "Out", "Value": 5}]
    )
    metric = lambda id, name, stat: {  # noqa: E731
        "Id": id, "MetricStat": {"Metric": {"Namespace": "math", "MetricName": name}, "Period": 300, "Stat": stat}
    }
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[metric("p", "In", "p50"), {**metric("o", "Out", "Sum"), "ReturnData": False},
                           {"Id": "ratio", "Expression": "(p + 10) / o", "Label": "of all"}],
        StartTime=today() - 10 * MINUTE, EndTime=today() + MINUTE,
    )["MetricDataResults"]
    assert [(result["Id"], result["Label"], result["Values"]) for result in found] == [
        ("p", "In", [10.0]), ("ratio", "of all", [4.0]),
    ]
    message = refused(
        "ValidationError", None, cloudwatch.get_metric_data,
        MetricDataQueries=[metric("m", "In", "Sum"), {"Id": "e", "Expression": "RATE(m)"}],
        StartTime=today() - MINUTE, EndTime=today(),
    )
    assert "the function RATE is not supported" in message


def test_refusals(server):
    cloudwatch = connect_cloudwatch(server, compress=False)
    put = cloudwatch.put_metric_data
    datum = {"MetricName": "m", "Value": 1}
    refused("InvalidParameterValue", None, put, Namespace="AWS/Kinesis", MetricData=[datum])
    refused("InvalidParameterValue", None, put, Namespace="app", MetricData=[datum] * 1001)
    refused("InvalidParameterValue", None, put, Namespace="app",
            MetricData=[{**datum, "Timestamp": today() - datetime.timedelta(days=15)}])
    refused("InvalidParameterCombination", None, put, Namespace="app", MetricData=[{**datum, "Values": [1.0]}])
    refused("MissingParameter", None, put, Namespace="app", MetricData=[{"MetricName": "m"}])


def test_the_age_of_iterators_rings_a_hook(dev, cloudwatch, hook):
    kinesis = connect(dev, key="anybody", secret="anything")
    url, posts = hook
    stream = make_stream(kinesis)
    for at in range(2):
        kinesis.put_record(StreamName=stream, Data=b"x" * at, PartitionKey="k")
    position = iterator(kinesis, stream)
    cloudwatch.put_metric_alarm(
        AlarmName="late", Namespace="AWS/Kinesis", MetricName=AGE, Dimensions=[{"Name": "StreamName", "Value": stream}],
        Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=30_000, ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[url],
    )
    dev.control("clock/advance", {"seconds": 61})
    # Reads the first record only: the reader is left a minute behind.
    assert len(kinesis.get_records(ShardIterator=position, Limit=1)["Records"]) == 1
    dev.control("clock/advance", {"seconds": 61})
    told = posts.get(timeout=30)
    assert (told["AlarmName"], told["NewStateValue"], told["Trigger"]["MetricName"]) == ("late", "ALARM", AGE)
    [alarm] = cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert alarm["AlarmName"] == "late"
    metrics = cloudwatch.list_metrics(Namespace="AWS/Kinesis", Dimensions=[{"Name": "StreamName", "Value": stream}])
    assert {AGE, "IncomingBytes", "IncomingRecords", "PutRecord.Success"} <= {m["MetricName"] for m in metrics["Metrics"]}
    cloudwatch.set_alarm_state(AlarmName="late", StateValue="OK", StateReason="by hand")
    cloudwatch.delete_alarms(AlarmNames=["late"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
