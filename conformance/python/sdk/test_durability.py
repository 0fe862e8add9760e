"""What was acknowledged survives kill -9; one process per data directory; a clean stop."""

import re
import subprocess
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from harness.kinesis import arn, connect, iterator, make_stream, read, read_stream, shards, wait_active, wait_consumer
from harness.server import BINARY, Server


def test_everything_survives_kill_9():
    with Server() as server:
        kinesis = connect(server)
        name = make_stream(kinesis, shards=2, Tags={"a": "b"})
        kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
        wait_active(kinesis, name)
        for i in range(10):
            records = [{"Data": f"{i}-{j}".encode(), "PartitionKey": f"k{j}"} for j in range(100)]
            assert kinesis.put_records(StreamName=name, Records=records)["FailedRecordCount"] == 0
        made = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="reader")["Consumer"]
        wait_consumer(kinesis, made["ConsumerARN"])
        kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
        wait_active(kinesis, name)
        before, listed = read_stream(kinesis, name), shards(kinesis, name)
        position = iterator(kinesis, name, "shardId-000000000001")
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        assert sum(map(len, before.values())) == 1000
        for _ in range(3):
            server.kill()
            server.start()
            assert read_stream(kinesis, name) == before
        assert shards(kinesis, name) == listed
        assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"] == summary
        assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "a", "Value": "b"}]
        # Iterators survive, too, and the numbers go on growing.
        assert kinesis.get_records(ShardIterator=position)["Records"] == before["shardId-000000000001"]
        last = max(int(r["SequenceNumber"]) for r in before["shardId-000000000001"])
        new = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="k", ExplicitHashKey=str(2**128 - 1))
        assert int(new["SequenceNumber"]) > last


def test_the_data_at_rest_is_encrypted():
    secret = b"attack at dawn, attack at dawn"
    with Server() as server:
        kinesis = connect(server)
        name = make_stream(kinesis)
        kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
        wait_active(kinesis, name)
        kinesis.put_record(StreamName=name, Data=secret, PartitionKey="k")
        kinesis.put_record(StreamName=make_stream(kinesis), Data=b"plain as day, plain as day", PartitionKey="k")
        assert server.stop() == 0
        contents = [path.read_bytes() for path in server.data.rglob("*") if path.is_file()]
        assert any(b"plain as day, plain as day" in content for content in contents)
        assert not any(secret in content for content in contents)
        assert any(path.stat().st_mode & 0o777 == 0o600 for path in server.data.rglob("*") if path.is_file())


def test_terminating_keeps_what_is_acknowledged():
    with Server() as server:
        kinesis = connect(server)
        name, acknowledged, stop = make_stream(kinesis), [], threading.Event()

        def put():
            client, number = connect(server), 0
            while not stop.is_set():
                data = f"{threading.get_ident()}-{number}".encode()
                try:
                    client.put_record(StreamName=name, Data=data, PartitionKey="k")
                except (BotoCoreError, ClientError):
                    return
                acknowledged.append(data)
                number += 1

        writers = [threading.Thread(target=put) for _ in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        assert server.stop() == 0
        stop.set()
        for writer in writers:
            writer.join()
        server.start()
        found = [r["Data"] for r in read(kinesis, name)]
        assert len(found) == len(set(found)) and set(acknowledged) <= set(found) and len(acknowledged) > 10


def test_damage_in_the_middle_of_a_journal():
    """The server refuses to start and names file and offset; it never shortens the log."""
    with Server() as server:
        kinesis = connect(server)
        name = make_stream(kinesis)
        for i in range(50):
            kinesis.put_record(StreamName=name, Data=f"record number {i} of fifty".encode(), PartitionKey="k")
        server.kill()
        (path, at), = [
            (path, path.read_bytes().index(b"record number 20 of fifty"))
            for path in server.data.rglob("*.journal") if b"record number 20 of fifty" in path.read_bytes()
        ]

        def write(data):
            with open(path, "r+b") as journal:
                journal.seek(at)
                journal.write(data)

        write(b"damaged")
        server.spawn()
        assert server.process.wait(timeout=30) not in (0, None)
        said = server.log.read_text()
        assert path.name in said and re.search(r"\d{4,}", said.split(path.name)[-1]), said
        assert "panicked" not in said
        write(b"record ")
        server.start()
        assert len(read(kinesis, name)) == 50


def test_a_second_process_is_refused():
    with Server() as server:
        second = Server(data=server.data)
        ended = subprocess.run([BINARY, "serve", *second.arguments], capture_output=True, text=True, timeout=30,
                               stdin=subprocess.DEVNULL)
        assert ended.returncode != 0
        assert str(server.data) in ended.stderr + ended.stdout
        assert connect(server).list_streams()["StreamNames"] == []


def test_auth_off_needs_a_loopback_address():
    ended = subprocess.run([BINARY, "serve", "--listen", "0.0.0.0:0", "--auth", "off", "--dev"], capture_output=True,
                           text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert ended.returncode != 0
    assert "loopback" in ended.stderr + ended.stdout


def test_health_and_metrics():
    with Server() as server:
        assert server.get("/livez")[0] == server.get("/readyz")[0] == 200
        kinesis = connect(server)
        kinesis.put_record(StreamName=make_stream(kinesis), Data=b"x", PartitionKey="k")
        status, text = server.get("/metrics")
        assert status == 200
        assert b"# TYPE " in text and b"PutRecord" in text and b"sync" in text
