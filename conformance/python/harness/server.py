"""Starts and stops one server: the only file here that knows the flags of `anabranch serve`."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

BINARY = os.environ.get("ANABRANCH_BINARY", "anabranch")
KEY, SECRET = "AKIACONFORMANCE0001", "conformance/secret+key"
ACCOUNT, REGION = "000000000000", "us-east-1"
START_SECONDS_MAX = 30


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server process with a data directory of its own. Survives `kill` and `start` on the same address."""

    def __init__(self, *arguments, limits="off", tls=False, data=None, dev=False, prefix=()):
        self._folder = tempfile.TemporaryDirectory(prefix="anabranch-")
        self.data = Path(data) if data else Path(self._folder.name) / "data"
        self.log = Path(self._folder.name) / "log"
        self.port, self.tls_port = free_port(), free_port() if tls else None
        self.arguments = ["--listen", f"127.0.0.1:{self.port}", "--limits", limits]
        self.arguments += ["--dev"] if dev else ["--data", str(self.data)]
        if tls:
            self.arguments += ["--tls", "auto", "--tls-listen", f"127.0.0.1:{self.tls_port}"]
        else:
            self.arguments += ["--tls", "off"]
        self.arguments += arguments
        self.process, self.prefix = None, prefix

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_endpoint(self):
        return f"https://localhost:{self.tls_port}"

    @property
    def ca(self):
        """The certificate authority that `--tls auto` makes."""
        return self.data / "tls" / "ca.pem"

    def spawn(self):
        """Starts the process without waiting for it to be ready."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANABRANCH_"))}
        environment["ANABRANCH_ACCESS_KEY_ID"], environment["ANABRANCH_SECRET_ACCESS_KEY"] = KEY, SECRET
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, BINARY, "serve", *self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        return self

    def start(self):
        self.spawn()
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()}")
            if self.is_ready():
                return self
            time.sleep(0.01)
        raise RuntimeError(f"the server is not ready:\n{self.log.read_text()}")

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def get(self, path):
        """Status and body of a plain GET; status 0 when nobody answers."""
        return self.request("GET", path)

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body)
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def advance(self, seconds):
        """Moves the clock of a `--dev` server forward."""
        self.control("clock/advance", {"seconds": seconds})

    def control(self, path, body, method="POST"):
        """Calls the control API of a `--dev` server."""
        status, text = self.request(method, f"/_anabranch/dev/{path}", json.dumps(body))
        assert status == 200, (status, text)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def is_alive(self):
        return self.process.poll() is None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()
        self._folder.cleanup()
