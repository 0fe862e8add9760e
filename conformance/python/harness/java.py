"""Runs the programs of conformance/java: KPL producers and KCL workers."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .server import KEY, REGION, SECRET

# The folder of each version of the consumer library, built by the test command.
FOLDERS = {"3": os.environ.get("ANABRANCH_KCL3", ""), "2": os.environ.get("ANABRANCH_KCL2", "")}
HEAP = "-Xmx320m"


def start(server, program, folder, *, version="3", environment, output):
    """Starts one program; its output goes to the file `output`."""
    classpath = f"{FOLDERS[version]}/conformance-java-1.jar:{FOLDERS[version]}/libraries/*"
    known = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANABRANCH_"))}
    known |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}
    known |= {"ENDPOINT": server.endpoint, "TLS_PORT": str(server.tls_port), "CA_FILE": str(server.ca)}
    known |= {"SCRATCH": str(folder)} | {name: str(value) for name, value in environment.items()}
    with open(output, "ab") as log:
        return subprocess.Popen(
            ["java", HEAP, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classpath, f"conformance.{program}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=known,
        )


class Producer:
    """A KPL process that puts `count` user records, `pace` in a second; see Producer.java for what they are."""

    def __init__(self, server, folder, stream, count, keys, pace=100_000):
        self.count, self.log = count, Path(folder) / "producer.log"
        environment = {"STREAM": stream, "COUNT": count, "KEYS": keys, "PACE": pace}
        self.process = start(server, "Producer", folder, environment=environment, output=self.log)

    def acknowledged(self):
        return max((int(n) for n in re.findall(r"^(?:acknowledged|done) (\d+)$", self.text(), re.M)), default=0)

    def text(self):
        return self.log.read_text(errors="replace")

    def finish(self, seconds=400):
        """Waits until every user record has been acknowledged."""
        assert self.process.wait(timeout=seconds) == 0, self.text()[-4000:]
        assert "failed 0\n" in self.text() and self.acknowledged() == self.count, self.text()[-4000:]


class Worker:
    """A KCL process. `lines` are the user records that it has processed, in its order."""

    def __init__(self, server, folder, name, *, stream, application, mode, version="3"):
        self.name, self.file, self.log = name, Path(folder) / f"{name}.records", Path(folder) / f"{name}.log"
        self.file.touch()
        environment = {"STREAM": stream, "APPLICATION": application, "WORKER": name, "MODE": mode, "FILE": self.file}
        self.process = start(server, "Worker", folder, version=version, environment=environment, output=self.log)

    def records(self):
        """(nanoseconds, shard, sequence number, sub-sequence number, key, data) of each processing."""
        found = []
        for line in self.file.read_text().splitlines():
            parts = line.split(" ")
            if len(parts) == 6:
                found.append((int(parts[0]), parts[1], int(parts[2]), int(parts[3]), parts[4], parts[5]))
        return found

    def ended(self):
        """The shards that it has read to the end."""
        return {line.split(" ")[1] for line in self.file.read_text().splitlines() if line.startswith("END ")}

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self):
        """SIGTERM, and the graceful shutdown that it asks for."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.kill()

    def is_alive(self):
        return self.process.poll() is None


def wait_for(what, condition, seconds=400, pause=0.5):
    """Waits until `condition()` is true and returns what it answered."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{what}: not within {seconds} s")
