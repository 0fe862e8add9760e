"""An application of amazon_kclpy: the daemon that the package brings runs Python processors to the end of each shard."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.java import HEAP, wait_for
from harness.kinesis import arn, connect, open_shards, shards, wait_active
from harness.server import KEY, REGION, SECRET, Server

APPLICATION = "python"
DAEMON = "software.amazon.kinesis.multilang.MultiLangDaemon"


@pytest.fixture
def daemon(tmp_path):
    """A running daemon for the stream `kclpy` of its own server: (server, file of the processors)."""
    import amazon_kclpy

    with Server() as server:
        connect(server).create_stream(StreamName="kclpy", ShardCount=2)
        file, log = tmp_path / "records", tmp_path / "log"
        file.touch()
        properties = {
            "executableName": f"{sys.executable} {Path(__file__).parent / 'application.py'}",
            "processingLanguage": "python", "applicationName": APPLICATION, "streamArn": arn("kclpy"),
            "streamName": "kclpy", "regionName": REGION, "AwsCredentialsProvider": "DefaultCredentialsProvider",
            "initialPositionInStream": "TRIM_HORIZON", "failoverTimeMillis": "3000",
            "shardSyncIntervalMillis": "2000", "parentShardPollIntervalMillis": "500",
        }
        (tmp_path / "kcl.properties").write_text("".join(f"{name} = {value}\n" for name, value in properties.items()))
        jars = Path(amazon_kclpy.__file__).parent / "jars"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANABRANCH_"))}
        environment |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}
        environment |= {"AWS_ENDPOINT_URL": server.endpoint, "FILE": str(file)}
        with open(log, "ab") as output:
            process = subprocess.Popen(
                ["java", HEAP, "-XX:+UseSerialGC", "-cp", f"{jars}/*:{tmp_path}", DAEMON,
                 "--properties-file", "kcl.properties"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True,
            )
        try:
            yield server, file
        except AssertionError:
            print(log.read_text()[-4000:])
            raise
        finally:
            # The daemon's processors are in its session.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


def read(file):
    """Data of the records by key, and the shards that were ended."""
    records, ended = {}, set()
    for line in file.read_text().splitlines():
        first, second, *rest = line.split(" ")
        if first == "END":
            ended.add(second)
        elif rest:
            records.setdefault(second, []).append(rest[0])
    return records, ended


def put(kinesis, numbers):
    for start in range(0, len(numbers), 500):
        entries = [{"PartitionKey": f"k{i % 100}", "Data": f"{i}".encode()} for i in numbers[start:start + 500]]
        assert kinesis.put_records(StreamName="kclpy", Records=entries)["FailedRecordCount"] == 0


def test_an_application_runs_to_the_end_of_its_shards(daemon):
    server, file = daemon
    kinesis, tables = connect(server), connect(server, "dynamodb")
    wait_active(kinesis, "kclpy")
    put(kinesis, range(5000))
    wait_for("half of the records", lambda: sum(map(len, read(file)[0].values())) >= 5000)
    parents = {shard["ShardId"] for shard in open_shards(kinesis, "kclpy")}
    kinesis.update_shard_count(StreamName="kclpy", TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    wait_active(kinesis, "kclpy")
    put(kinesis, range(5000, 10_000))
    wanted = {str(i) for i in range(10_000)}
    wait_for("every record", lambda: set().union(*read(file)[0].values()) >= wanted)
    records, ended = read(file)
    assert parents <= ended
    for key, values in records.items():
        # A lost lease repeats records; the first time, those of a key come in their order.
        first = list(dict.fromkeys(values))
        assert first == [str(i) for i in range(int(key[1:]), 10_000, 100)], key

    def states():
        items = tables.scan(TableName=APPLICATION, ConsistentRead=True)["Items"]
        return {i["leaseKey"]["S"]: i["checkpoint"]["S"] for i in items if i["leaseKey"]["S"].startswith("shardId-")}

    open_now = {shard["ShardId"] for shard in open_shards(kinesis, "kclpy")}
    closed = {shard["ShardId"] for shard in shards(kinesis, "kclpy")} - open_now
    # The library deletes leases of closed shards when their children are being read.
    wait_for("leases", lambda: {s for s, at in states().items() if at != "SHARD_END"} == open_now)
    assert {s for s, at in states().items() if at == "SHARD_END"} <= closed
