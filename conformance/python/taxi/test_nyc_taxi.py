"""A real file goes in, the server is killed, the stream is split and merged, and the file comes back equal."""

import csv
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from harness.kinesis import arn, connect, read_stream, shards, wait_active, wait_consumer
from harness.server import BINARY, KEY, REGION, SECRET, Server

FILE = Path(__file__).parents[2] / "data" / "nyc_taxi.csv"
LINES = FILE.read_text().splitlines()
ROWS = LINES[1:]
FIRST, HALF = "shardId-000000000000", str(2**127)


@pytest.fixture
def anabranch():
    """Runs `anabranch` against a server, as a person would; what it prints."""

    def run(server, *arguments):
        environment = {
            "PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_KINESIS": server.endpoint,
        }
        ended = subprocess.run([BINARY, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=120)
        assert ended.returncode == 0, (arguments, ended.stdout[-2000:], ended.stderr)
        return ended.stdout

    return run


def put_rows(kinesis, name, rows):
    """In batches of 500, the time of the row as partition key."""
    for at in range(0, len(rows), 500):
        records = [{"Data": row.encode(), "PartitionKey": row.split(",")[0]} for row in rows[at:at + 500]]
        assert kinesis.put_records(StreamName=name, Records=records)["FailedRecordCount"] == 0


def split(kinesis, name):
    kinesis.split_shard(StreamName=name, ShardToSplit=FIRST, NewStartingHashKey=HALF)
    wait_active(kinesis, name)


def merge(kinesis, name):
    kinesis.merge_shards(StreamName=name, ShardToMerge="shardId-000000000001",
                         AdjacentShardToMerge="shardId-000000000002")
    wait_active(kinesis, name)


def subscribed(kinesis, name):
    """Every record by SubscribeToShard, shard id -> data, ending where each shard ends or falls silent."""
    made = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName=f"reader-{time.monotonic_ns()}")
    consumer = wait_consumer(kinesis, made["Consumer"]["ConsumerARN"])["ConsumerARN"]
    found = {}
    for shard in shards(kinesis, name):
        stream = kinesis.subscribe_to_shard(
            ConsumerARN=consumer, ShardId=shard["ShardId"], StartingPosition={"Type": "TRIM_HORIZON"}
        )["EventStream"]
        data = found[shard["ShardId"]] = []
        for message in stream:
            event = message["SubscribeToShardEvent"]
            data += [r["Data"].decode() for r in event["Records"]]
            if event["MillisBehindLatest"] == 0 and not event["Records"]:
                break
        stream.close()
    return found


def tailed(anabranch, server, name, *options):
    """What `anabranch tail` prints, in its order."""
    out = anabranch(server, "tail", name, "--from", "horizon", "--no-follow", "--output", "json", *options)
    return [json.loads(line)["Data"] for line in out.splitlines()]


def check(anabranch, server, kinesis, name, wanted):
    """Every kind of read gives the rows, each once, each shard in order."""
    by_shard = {s: [r["Data"].decode() for r in records] for s, records in read_stream(kinesis, name).items()}
    polled = [row for rows in by_shard.values() for row in rows]
    assert (len(polled), sorted(polled)) == (len(wanted), sorted(wanted))
    order = {row: i for i, row in enumerate(wanted)}
    for rows in by_shard.values():
        assert [order[row] for row in rows] == sorted(order[row] for row in rows)
    assert subscribed(kinesis, name) == by_shard
    assert sorted(tailed(anabranch, server, name)) == sorted(wanted)
    assert sorted(tailed(anabranch, server, name, "--consumer", "tail")) == sorted(wanted)


def test_through_boto3(anabranch):
    with Server() as server:
        kinesis = connect(server)
        kinesis.create_stream(StreamName="taxi", ShardCount=1)
        wait_active(kinesis, "taxi")
        third = len(ROWS) // 3
        put_rows(kinesis, "taxi", ROWS[:third])
        split(kinesis, "taxi")
        put_rows(kinesis, "taxi", ROWS[third:2 * third])
        server.kill()
        server.start()
        merge(kinesis, "taxi")
        put_rows(kinesis, "taxi", ROWS[2 * third:])
        server.kill()
        server.start()
        check(anabranch, server, kinesis, "taxi", ROWS)


def test_through_the_command_line(anabranch, tmp_path):
    third = len(LINES) // 3
    parts = [LINES[:third], LINES[third:2 * third], LINES[2 * third:]]
    for i, part in enumerate(parts):
        (tmp_path / f"part{i}").write_text("\n".join(part) + "\n")
    with Server() as server:
        kinesis = connect(server)
        anabranch(server, "stream", "create", "taxi", "--shards", "1", "--wait")
        anabranch(server, "put", "taxi", str(tmp_path / "part0"))
        anabranch(server, "stream", "split", "taxi", FIRST, "--wait")
        anabranch(server, "put", "taxi", str(tmp_path / "part1"))
        server.kill()
        server.start()
        anabranch(server, "stream", "merge", "taxi", "shardId-000000000001", "shardId-000000000002",
                  "--wait")
        anabranch(server, "put", "taxi", str(tmp_path / "part2"))
        server.kill()
        server.start()
        records = read_stream(kinesis, "taxi")
        found = sorted(r["Data"].decode() for shard in records.values() for r in shard)
        assert found == sorted(LINES)
        assert sorted(tailed(anabranch, server, "taxi")) == sorted(LINES)
        show = json.loads(anabranch(server, "stream", "show", "taxi", "--output", "json"))
        assert "taxi" in json.dumps(show)


def test_a_column_as_partition_key(anabranch):
    with Server() as server:
        kinesis = connect(server)
        anabranch(server, "stream", "create", "taxi", "--shards", "4", "--wait")
        anabranch(server, "put", "taxi", str(FILE), "--csv-key", "timestamp")
        by_key = {
            r["PartitionKey"]: r["Data"].decode() for shard in read_stream(kinesis, "taxi").values() for r in shard
        }
        with open(FILE, newline="") as text:
            times = [row["timestamp"] for row in csv.DictReader(text)]
        assert sorted(by_key) == sorted(times)
        assert sorted(by_key.values()) == sorted(ROWS)
