"""Fixtures of all Python suites."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import record  # noqa: E402
from harness.kinesis import connect, make_stream  # noqa: E402
from harness.server import Server  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """One server with limits off, shared by tests that keep to streams of their own."""
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def kinesis(server):
    return connect(server)


@pytest.fixture
def stream(kinesis):
    """The name of a new ACTIVE stream with one shard."""
    return make_stream(kinesis)


def pytest_sessionfinish():
    record.save()
