"""STS: who the caller is, by the query protocol."""

import urllib.request
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from harness.kinesis import connect
from harness.raw import send, sign
from harness.server import ACCOUNT, Server

FORM = "application/x-www-form-urlencoded; charset=utf-8"
IDENTITY = {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}


def identity(answer):
    return {name: answer[name] for name in ("UserId", "Account", "Arn")}


def test_identity(server):
    answer = connect(server, "sts").get_caller_identity()
    assert identity(answer) == IDENTITY
    metadata = answer["ResponseMetadata"]
    assert metadata["HTTPHeaders"]["content-type"] == "text/xml"
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-amzn-requestid"]


@pytest.mark.parametrize("wrong, code, message", [
    ({"secret": "wrong"}, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."),
    ({"key": "AKIANOBODYKNOWSME000"}, "InvalidClientTokenId", "The security token included in the request is invalid."),
])
def test_strangers(server, wrong, code, message):
    with pytest.raises(ClientError) as caught:
        connect(server, "sts", **wrong).get_caller_identity()
    found = caught.value.response
    assert (found["Error"]["Type"], found["Error"]["Code"]) == ("Sender", code)
    assert found["Error"]["Message"].startswith(message)
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_presigned_url(server):
    """Others learn by such a URL who made it."""
    url = connect(server, "sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert f"<Account>{ACCOUNT}</Account>" in answer.read().decode()
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(url.replace("Version=2011-06-15", "Version=2011-06-16"), timeout=10)
    assert caught.value.code == 403


@pytest.mark.parametrize("form, message", [
    ("Action=AssumeRole&Version=2011-06-15", "Could not find operation AssumeRole for version 2011-06-15"),
    ("Action=GetCallerIdentity&Version=2000-01-01", "Could not find operation GetCallerIdentity for version 2000-01-01"),
    ("Action=GetCallerIdentity", "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED"),
])
def test_unknown_operations(server, form, message):
    headers = {"Host": f"127.0.0.1:{server.port}", "Content-Type": FORM}
    signed = sign("POST", f"{server.endpoint}/", headers, form.encode(), service="sts")
    answer = send(server, "POST", "/", signed, form.encode())
    assert answer.status == 400
    assert f"<Code>InvalidAction</Code>\n    <Message>{message}</Message>" in answer.body.decode()


def test_without_authentication():
    with Server("--auth", "off") as server:
        assert identity(connect(server, "sts", key="anybody", secret="anything").get_caller_identity()) == IDENTITY
