"""Requests without an SDK: signed ones with any body and headers, and bytes straight into the socket."""

import http.client
import json
import socket

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .server import KEY, REGION, SECRET

JSON, CBOR = "application/x-amz-json-1.1", "application/x-amz-cbor-1.1"
PREFIX = "Kinesis_20131202"


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The type of the error in a JSON or CBOR answer; `None` when there is none."""
        if self.headers.get("Content-Type") == JSON:
            return self.json().get("__type")
        marker = b"__type"
        at = self.body.find(marker)
        if at < 0:
            return None
        # A short CBOR text string follows: 0x60 + length, or 0x78 and a byte.
        rest = self.body[at + len(marker):]
        length, start = (rest[1], 2) if rest[0] == 0x78 else (rest[0] - 0x60, 1)
        return rest[start:start + length].decode()


def sign(method, url, headers, body, *, key=KEY, secret=SECRET, token=None, region=REGION, service="kinesis"):
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    SigV4Auth(Credentials(key, secret, token), service, region).add_auth(request)
    return dict(request.headers)


def call(server, operation, body, *, content_type=JSON, prefix=PREFIX, method="POST", path="/", headers=None, **options):
    """A signed request; `body` is bytes, or a value that is sent as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    wanted = {"Host": f"127.0.0.1:{server.port}", **(headers or {})}
    if content_type is not None:
        wanted["Content-Type"] = content_type
    if operation is not None:
        wanted["X-Amz-Target"] = f"{prefix}.{operation}"
    signed = sign(method, f"{server.endpoint}{path}", wanted, body, **options)
    return send(server, method, path, signed, body)


def send(server, method, path, headers, body=b""):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def exchange(server, data, *, seconds=5, half_close=True):
    """Sends bytes as they are and returns what comes back until the server closes or falls silent."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        except OSError:  # The server may close, or fall silent, at any point.
            pass
    return received
