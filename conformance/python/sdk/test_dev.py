"""`--dev`: a server in memory whose clock and faults belong to the tester."""

import pytest

from harness.kinesis import connect, make_stream, refused
from harness.server import Server


@pytest.fixture(scope="module")
def dev():
    with Server(dev=True) as server:
        yield server


@pytest.fixture
def kinesis(dev):
    dev.control("reset", {})
    return connect(dev, key="anybody", secret="anything")


def test_reset_forgets_all_streams(dev, kinesis):
    make_stream(kinesis)
    assert kinesis.list_streams()["StreamNames"]
    dev.control("reset", {})
    assert kinesis.list_streams()["StreamNames"] == []


def test_faults(dev, kinesis):
    name = make_stream(kinesis)
    record = {"StreamName": name, "Data": b"x", "PartitionKey": "k"}
    dev.control("faults", {"operation": "PutRecord", "error": "ProvisionedThroughputExceededException"}, method="PUT")
    refused("ProvisionedThroughputExceededException", None, kinesis.put_record, **record)
    # Other operations are not touched.
    assert kinesis.describe_stream_summary(StreamName=name)
    dev.control("faults", {}, method="DELETE")
    kinesis.put_record(**record)


def test_faults_at_a_rate(dev, kinesis):
    name = make_stream(kinesis)
    dev.control("faults", {"operation": "PutRecord", "error": "ThrottlingException", "rate": 0.5}, method="PUT")
    outcomes = []
    for _ in range(100):
        try:
            kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="k")
            outcomes.append("ok")
        except kinesis.exceptions.ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    dev.control("faults", {}, method="DELETE")
    assert set(outcomes) == {"ok", "ThrottlingException"}
    assert 20 <= outcomes.count("ok") <= 80


def test_the_clock_moves_forward_only(dev):
    status, _ = dev.request("POST", "/_anabranch/dev/clock/advance", b'{"seconds": -1}')
    assert status == 400
    dev.advance(60)


def test_there_is_no_control_without_dev(server):
    assert server.request("POST", "/_anabranch/dev/reset", b"{}")[0] in (403, 404)
