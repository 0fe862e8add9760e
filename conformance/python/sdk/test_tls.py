"""TLS with the certificate authority that the server makes."""

import socket
import ssl
import urllib.request

import pytest
from botocore.exceptions import SSLError

from harness.kinesis import arn, connect, make_stream, read, wait_consumer
from harness.server import Server


@pytest.fixture(scope="module")
def secure():
    with Server(tls=True) as server:
        yield server


def test_clients_that_trust_the_authority(secure, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(secure.ca))
    kinesis = connect(secure, tls=True)
    name = make_stream(kinesis)
    kinesis.put_record(StreamName=name, Data=b"over tls", PartitionKey="k")
    assert [r["Data"] for r in read(kinesis, name)] == [b"over tls"]
    made = kinesis.register_stream_consumer(StreamARN=arn(name), ConsumerName="reader")["Consumer"]
    wait_consumer(kinesis, made["ConsumerARN"])
    events = kinesis.subscribe_to_shard(
        ConsumerARN=made["ConsumerARN"], ShardId="shardId-000000000000", StartingPosition={"Type": "TRIM_HORIZON"}
    )["EventStream"]
    records = next(m["SubscribeToShardEvent"]["Records"] for m in events if m["SubscribeToShardEvent"]["Records"])
    assert [r["Data"] for r in records] == [b"over tls"]
    events.close()


def test_clients_that_do_not(secure):
    with pytest.raises(SSLError):
        connect(secure, tls=True).list_streams()


def test_names_in_the_certificate(secure):
    context = ssl.create_default_context(cafile=secure.ca)
    for host in ("localhost", "127.0.0.1"):
        url = f"https://{host}:{secure.tls_port}/readyz"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            assert answer.status == 200


def test_protocols_that_are_offered(secure):
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
        context = ssl.create_default_context(cafile=secure.ca)
        if offered:
            context.set_alpn_protocols(offered)
        with socket.create_connection(("localhost", secure.tls_port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                assert connection.selected_alpn_protocol() == chosen


def test_the_authority_survives_a_restart(secure):
    before = secure.ca.read_bytes()
    assert secure.stop() == 0
    secure.start()
    assert secure.ca.read_bytes() == before
    assert connect(secure, tls=True, verify=str(secure.ca)).list_streams()["StreamNames"]
