"""A Flink job that reads a stream, counts by key and writes another stream, across a savepoint and its restoration."""

import os
import subprocess
import time
from collections import defaultdict

import pytest

from harness.java import wait_for
from harness.kinesis import connect, read_stream, wait_active
from harness.server import KEY, REGION, SECRET, Server

# Built by the test command.
FOLDER = os.environ.get("ANABRANCH_FLINK", "")
COUNT, KEYS = 12_000, 100
# Flink's serializers look into the collections of the JDK.
OPENED = ["java.util", "java.util.concurrent", "java.lang", "java.time"]


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


def start(server, folder, log, environment):
    classpath = f"{FOLDER}/conformance-flink-1.jar:{FOLDER}/libraries/*"
    known = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANABRANCH_"))}
    known |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}
    known |= {"ENDPOINT": server.endpoint, "SCRATCH": str(folder)} | environment
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
    # It leaves its files there.
    temporary = f"-Djava.io.tmpdir={folder}"
    with open(log, "ab") as output:
        return subprocess.Popen(
            ["java", "-Xmx1g", "-XX:+UseSerialGC", temporary, *opens, "-cp", classpath, "conformance.Job"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=known,
        )


def put(kinesis, stream, numbers):
    for first in range(0, len(numbers), 500):
        entries = [
            {"PartitionKey": f"k{i % KEYS}", "Data": f"k{i % KEYS}:{i}".encode()} for i in numbers[first:first + 500]
        ]
        assert kinesis.put_records(StreamName=stream, Records=entries)["FailedRecordCount"] == 0


def written(kinesis, stream):
    """What the job has put into its output."""
    return [r["Data"].decode() for records in read_stream(kinesis, f"{stream}-out").values() for r in records]


@pytest.mark.parametrize("source", ["NEW", "POLLING", "EFO"])
def test_every_record_is_counted_once(server, tmp_path, source):
    kinesis, stream = connect(server), f"flink-{source.lower()}"
    for name in (stream, f"{stream}-out"):
        kinesis.create_stream(StreamName=name, ShardCount=4)
        wait_active(kinesis, name)
    log = tmp_path / "log"
    environment = {"STREAM": stream, "OUTPUT": f"{stream}-out", "COUNT": str(COUNT), "SOURCE": source}
    process = start(server, tmp_path, log, environment)
    try:
        put(kinesis, stream, range(COUNT // 8))
        wait_for("the first records", lambda: written(kinesis, stream))
        # While the job stops and goes on.
        for first in range(COUNT // 8, COUNT, 100):
            put(kinesis, stream, range(first, first + 100))
            time.sleep(0.05)
        wait_for("every record", lambda: process.poll() is not None or len(written(kinesis, stream)) >= COUNT, pause=2)
        assert process.poll() is None and "stopped after" in log.read_text(errors="replace"), log.read_text()[-6000:]
    finally:
        process.kill()
        process.wait(timeout=30)
    found = defaultdict(list)
    for record in written(kinesis, stream):
        key, number, count = record.split(":")
        found[key].append((int(number), int(count)))
    # Nothing twice, nothing missing, and counts that went on where the savepoint was taken.
    for key in range(KEYS):
        numbers, counts = zip(*sorted(found[f"k{key}"]))
        assert list(numbers) == list(range(key, COUNT, KEYS))
        assert list(counts) == list(range(1, COUNT // KEYS + 1))
