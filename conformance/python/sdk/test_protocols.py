"""The three protocols of CloudWatch: boto3 speaks each when it is told to, though it would choose JSON."""

import datetime

import pytest
from botocore.exceptions import ClientError

from harness.cloudwatch import connect_cloudwatch
from harness.kinesis import fresh_name

REPLIES = {"json": "application/x-amz-json-1.0", "smithy-rpc-v2-cbor": "application/cbor", "query": "text/xml"}


@pytest.fixture(params=REPLIES)
def cloudwatch(server, request, monkeypatch):
    """A client, and the headers of what it sent."""
    monkeypatch.setattr("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (request.param,))
    client, sent = connect_cloudwatch(server), []
    client.meta.events.register("before-send.cloudwatch", lambda request, **_: sent.append(request.headers))
    client.expected = REPLIES[request.param]
    assert client.meta.service_model.resolved_protocol == request.param
    return client, sent


def check(client, answer):
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == client.expected
    assert answer["ResponseMetadata"]["RequestId"] == headers["x-amzn-requestid"]
    return answer


def test_there_and_back(cloudwatch):
    client, sent = cloudwatch
    namespace, now = fresh_name("app"), datetime.datetime.now(datetime.UTC).replace(microsecond=123000)
    # Long enough to be compressed.
    data = [{
        "MetricName": "Söme & <ödd>+name%", "Timestamp": now, "Unit": "Seconds", "StorageResolution": 1,
        "Dimensions": [{"Name": f"d{n}", "Value": f"value {n}"} for n in range(12)], "Values": [1.5, 2.5], "Counts": [1.0, float(i)],
    } for i in range(1, 41)]
    client.put_metric_data(Namespace=namespace, MetricData=data)
    assert sent[-1]["Content-Encoding"] in ("gzip", b"gzip")
    client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "one", "Value": 1e-300}])
    assert "Content-Encoding" not in sent[-1]
    [metric] = check(client, client.list_metrics(Namespace=namespace, MetricName=data[0]["MetricName"]))["Metrics"]
    assert sorted(metric["Dimensions"], key=lambda d: int(d["Name"][1:])) == data[0]["Dimensions"]
    [point] = check(client, client.get_metric_statistics(
        Namespace=namespace, MetricName=metric["MetricName"], Dimensions=metric["Dimensions"], Period=60,
        StartTime=now - datetime.timedelta(minutes=5), EndTime=now + datetime.timedelta(minutes=5),
        Statistics=["Sum", "SampleCount", "Maximum"], ExtendedStatistics=["p99"],
    ))["Datapoints"]
    count = sum(range(1, 41))
    assert (point["SampleCount"], point["Sum"], point["Maximum"]) == (40 + count, 40 * 1.5 + 2.5 * count, 2.5)
    assert point["Timestamp"] == now.replace(second=0, microsecond=0) and point["Unit"] == "Seconds"
    assert point["ExtendedStatistics"].keys() == {"p99"}


def test_errors(cloudwatch):
    client, _ = cloudwatch
    for code, status, call, parameters in [
        ("InvalidParameterCombination", 400, client.put_metric_data,
         {"Namespace": "app", "MetricData": [{"MetricName": "m", "Value": 1, "Values": [1.0]}]}),
        ("ResourceNotFound", 404, client.delete_alarms, {"AlarmNames": ["no-such-alarm"]}),
        ("ValidationError", 400, client.list_metrics, {"Namespace": ":"}),
    ]:
        with pytest.raises(ClientError) as caught:
            call(**parameters)
        found = check(client, caught.value.response)
        assert (found["Error"]["Code"], found["Error"]["Type"]) == (code, "Sender")
        assert found["Error"]["Message"] and found["ResponseMetadata"]["HTTPStatusCode"] == status


def test_strangers(server, monkeypatch):
    for protocol, code in [("json", "InvalidClientTokenId"), ("smithy-rpc-v2-cbor", "InvalidClientTokenId"),
                           ("query", "InvalidClientTokenId")]:
        monkeypatch.setattr("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (protocol,))
        with pytest.raises(ClientError) as caught:
            connect_cloudwatch(server, key="AKIANOBODYKNOWSME000").list_metrics()
        assert caught.value.response["Error"]["Code"] == code
