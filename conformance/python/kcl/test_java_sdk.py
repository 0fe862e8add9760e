"""The asynchronous Java SDK v2 over each transport that it speaks; the checks themselves are in Sdk.java."""

import pytest

from harness.java import start
from harness.server import Server


@pytest.fixture(scope="module")
def server():
    with Server(tls=True) as running:
        yield running


# Subscriptions need HTTP/2 in this SDK.
@pytest.mark.parametrize("check, transport", [
    ("put-get", "h1"), ("put-get", "h2c"), ("put-get", "h2"), ("subscribe", "h2c"), ("subscribe", "h2"),
    ("reshard", "h2c"), ("errors", "h1"), ("errors", "h2c"),
])
def test_check_holds(server, tmp_path, check, transport):
    log = tmp_path / "log"
    process = start(server, "Sdk", tmp_path, environment={"CHECK": check, "TRANSPORT": transport}, output=log)
    assert process.wait(timeout=400) == 0, log.read_text()[-4000:]
    assert "holds\n" in log.read_text()
