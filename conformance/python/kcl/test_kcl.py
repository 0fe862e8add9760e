"""KCL applications fed by the KPL, with leases, checkpoints and metrics on the same server.

Several workers share a stream while it is split and merged and one of them is killed. Every user record must be
processed at least once, and those of a key in their order.
"""

import time

import boto3
import pytest

from harness.java import Producer, Worker, wait_for
from harness.kinesis import connect, open_shards, shards, wait_active
from harness.server import KEY, REGION, SECRET, Server

KEYS = 1000


@pytest.fixture(scope="module")
def server():
    with Server(tls=True) as running:
        yield running


@pytest.fixture(scope="module")
def kinesis(server):
    return connect(server)


def client(server, service):
    return boto3.client(
        service, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET, endpoint_url=server.endpoint
    )


def expected(count):
    return {f"{i}:{'x' * (i % 100)}" for i in range(count)}


def processed(workers):
    return {record[5] for worker in workers for record in worker.records()}


def check_records(workers, count):
    """Everything is there, byte for byte, under its key; the records of a key were first seen in their order."""
    every = sorted(record for worker in workers for record in worker.records())
    assert {record[5] for record in every} == expected(count)
    assert any(record[3] > 0 for record in every), "the producer aggregates"
    last, seen = {}, set()
    for _, shard, sequence, sub, key, data in every:
        assert key == f"key-{int(data.split(':')[0]) % KEYS}", (key, data)
        if (shard, sequence, sub) in seen:
            continue
        seen.add((shard, sequence, sub))
        assert last.get(key, (0, 0)) < (sequence, sub), f"{key} out of order in {shard}"
        last[key] = (sequence, sub)


def items(tables, application):
    """The library's items by their keys."""
    try:
        found = tables.scan(TableName=application, ConsistentRead=True)["Items"]
    except tables.exceptions.ResourceNotFoundException:
        return {}
    return {item["leaseKey"]["S"]: item for item in found}


def owners(tables, application):
    """Owner of each lease that has one and is not at the end of its shard."""
    return {
        key: item["leaseOwner"]["S"] for key, item in items(tables, application).items()
        if key.startswith("shardId-") and item["checkpoint"]["S"] != "SHARD_END" and "leaseOwner" in item
    }


def split_first(kinesis, name):
    shard = open_shards(kinesis, name)[0]
    low, high = (int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending"))
    kinesis.split_shard(StreamName=name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2))
    wait_active(kinesis, name)
    return shard["ShardId"]


def merge_last(kinesis, name):
    ordered = sorted(open_shards(kinesis, name), key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))
    first, second = ordered[-2]["ShardId"], ordered[-1]["ShardId"]
    kinesis.merge_shards(StreamName=name, ShardToMerge=first, AdjacentShardToMerge=second)
    wait_active(kinesis, name)
    return {first, second}


@pytest.mark.parametrize("mode", ["POLLING", "FANOUT"])
def test_three_workers(server, kinesis, tmp_path, mode):
    count, name, application = 200_000, f"kcl-{mode.lower()}", f"application-{mode.lower()}"
    kinesis.create_stream(StreamName=name, ShardCount=8)
    wait_active(kinesis, name)
    tables, metrics = client(server, "dynamodb"), client(server, "cloudwatch")
    options = {"stream": name, "application": application, "mode": mode}
    began = time.time()
    workers = [Worker(server, tmp_path, "worker-0", **options)]
    try:
        # Of several KCL 3 workers that find no state at the same moment, all but one fail for good.
        wait_for("the application's state", lambda: "Migration3.0" in items(tables, application))
        workers += [Worker(server, tmp_path, f"worker-{n}", **options) for n in (1, 2)]
        wait_for("an owner of each lease", lambda: len(owners(tables, application)) == 8)
        # KCL 3 evens out the load of its workers, not the number of their leases: so they balance while records flow.
        producer = Producer(server, tmp_path, name, count, KEYS, pace=2500)
        names = {worker.name for worker in workers}
        wait_for("a share for each worker", lambda: set(owners(tables, application).values()) == names)
        wait_for("a third of the records", lambda: producer.acknowledged() >= count // 3)
        ended = {split_first(kinesis, name)} | merge_last(kinesis, name)
        workers[0].kill()
        producer.finish()
        wait_for("every record", lambda: len(processed(workers)) >= count, pause=2)
        wait_for("the ends of closed shards", lambda: ended <= set.union(*(worker.ended() for worker in workers)))
        check_records(workers, count)
        left = {shard["ShardId"] for shard in open_shards(kinesis, name)}
        wait_for("heirs of the killed worker", lambda: are_held(owners(tables, application), left, names - {"worker-0"}))
        # What the killed worker had not uploaded yet is in nobody's metrics.
        reported = sum(len(worker.records()) for worker in workers[1:])
        wait_for("metrics", lambda: records_processed(metrics, application, began) >= reported)
    finally:
        for worker in workers:
            worker.stop()


def are_held(held, shards, alive):
    """Whether the leases of these shards, and no others, are held, all by workers that live."""
    return set(held) == shards and set(held.values()) <= alive


def records_processed(metrics, application, began):
    """What the workers have reported to CloudWatch, over all shards."""
    name = "RecordsProcessed"
    queries = [
        {"Id": f"m{i}", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
        for i, metric in enumerate(metrics.list_metrics(Namespace=application, MetricName=name)["Metrics"])
        if any(dimension["Name"] == "ShardId" for dimension in metric["Dimensions"])
    ]
    if not queries:
        return 0
    answer = metrics.get_metric_data(MetricDataQueries=queries, StartTime=began - 3600, EndTime=time.time() + 60)
    return sum(sum(result["Values"]) for result in answer["MetricDataResults"])


def test_an_older_consumer_library(server, kinesis, tmp_path):
    count, name = 20_000, "kcl-two"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    wait_active(kinesis, name)
    worker = Worker(server, tmp_path, "worker", stream=name, application="two", mode="POLLING", version="2")
    try:
        producer = Producer(server, tmp_path, name, count, KEYS)
        wait_for("half of the records", lambda: producer.acknowledged() >= count // 2)
        parent = split_first(kinesis, name)
        producer.finish()
        wait_for("every record", lambda: len(processed([worker])) >= count)
        wait_for("the end of the parent", lambda: parent in worker.ended())
        check_records([worker], count)
        assert len(shards(kinesis, name)) == 4
    finally:
        worker.stop()


def test_what_the_producer_reports(server):
    """The KPL's own metrics, uploaded while the records of the other tests were put."""
    found = client(server, "cloudwatch").list_metrics(Namespace="KinesisProducerLibrary")["Metrics"]
    assert {"UserRecordsPut", "KinesisRecordsPut", "AllErrors"} <= {metric["MetricName"] for metric in found}
