"""A full disk: puts fail and say so, reads go on, puts recover when space returns, nothing acknowledged is lost."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness.kinesis import call_code, connect, make_stream, read
from harness.server import Server

MIB = 1024 * 1024
DATA = b"x" * (512 * 1024)

# A file system of its own for the server: in memory, small, and seen by nobody else.
MOUNT = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=256m none "$0" && exec "$@"']


def can_mount(folder):
    if not shutil.which("unshare"):
        return False
    ended = subprocess.run([*MOUNT, str(folder), "true"], capture_output=True, stdin=subprocess.DEVNULL)
    return ended.returncode == 0


def put_until_refused(kinesis, name, stored):
    """Puts until the server refuses; the answer. At most what the disk holds twice over."""
    for _ in range(1024):
        data = DATA + str(len(stored)).encode()
        try:
            kinesis.put_record(StreamName=name, Data=data, PartitionKey="k")
        except kinesis.exceptions.ClientError as error:
            return error.response
        stored.append(data)
    raise AssertionError("the disk does not become full")


def test_a_full_disk(tmp_path):
    if not can_mount(tmp_path):
        pytest.skip("this machine does not let a user mount a file system")
    with Server(data=tmp_path / "data", prefix=[*MOUNT, str(tmp_path)]) as server:
        ballast = Path(f"/proc/{server.process.pid}/root{tmp_path}/ballast")
        kinesis, stored = connect(server), []
        name = make_stream(kinesis)
        kinesis.put_record(StreamName=name, Data=DATA, PartitionKey="k")
        stored.append(DATA)
        fill(ballast, 64)
        refusal = put_until_refused(kinesis, name, stored)
        assert refusal["Error"]["Message"] == "Internal service failure: the disk is full."
        assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert [r["Data"] for r in read(kinesis, name)] == stored
        assert server.get("/livez")[0] == 200
        ballast.unlink()
        for _ in range(300):
            if call_code(kinesis.put_record, StreamName=name, Data=b"space again", PartitionKey="k") is None:
                break
            time.sleep(0.1)
        assert [r["Data"] for r in read(kinesis, name)] == [*stored, b"space again"]


def fill(path, count):
    with open(path, "wb") as file:
        for _ in range(count):
            file.write(b"\0" * MIB)
