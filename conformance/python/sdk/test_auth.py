"""Signatures: every request needs a good one."""

import datetime
import hashlib
import re

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.kinesis import connect, refused
from harness.raw import JSON, PREFIX, call, send, sign
from harness.server import KEY, REGION, SECRET, Server

MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
            "Key and signing method. Consult the service documentation for details.")


def headers(server, **more):
    return {"Host": f"127.0.0.1:{server.port}", "Content-Type": JSON, "X-Amz-Target": f"{PREFIX}.ListStreams", **more}


def check(answer, error, message):
    body = answer.json()
    assert (answer.status, body["__type"]) == (400, error)
    if isinstance(message, re.Pattern):
        assert message.fullmatch(body["message"]), body["message"]
    else:
        assert body["message"] == message


def test_wrong_secret(server):
    refused("InvalidSignatureException", MISMATCH, connect(server, secret="wrong").list_streams)


def test_unknown_key(server):
    refused("UnrecognizedClientException", "The security token included in the request is invalid.",
            connect(server, key="AKIANOBODYKNOWSME000").list_streams)


def test_unexpected_session_token(server):
    refused("UnrecognizedClientException", None, connect(server, token="made up").list_streams)


def test_no_signature(server):
    check(send(server, "POST", "/", headers(server), b"{}"), "MissingAuthenticationTokenException",
          "Missing Authentication Token")


def test_pieces_missing(server):
    answer = send(server, "POST", "/", headers(server, Authorization="AWS4-HMAC-SHA256 X"), b"{}")
    check(answer, "IncompleteSignatureException",
          "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
          "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
          "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 X")
    signed = sign("POST", f"{server.endpoint}/", headers(server), b"{}")
    signed["Authorization"] = re.sub("Signature=.*", "", signed["Authorization"])
    check(send(server, "POST", "/", signed, b"{}"), "IncompleteSignatureException",
          re.compile("Authorization header requires 'Signature' parameter. Authorization=.*"))


def test_header_and_query(server):
    signed = sign("POST", f"{server.endpoint}/", headers(server), b"{}")
    check(send(server, "POST", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", signed, b"{}"), "InvalidSignatureException",
          "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")


def test_the_body_is_signed(server):
    signed = sign("POST", f"{server.endpoint}/", headers(server), b"{}")
    check(send(server, "POST", "/", signed, b'{"Limit":1}'), "InvalidSignatureException", MISMATCH)


def test_the_target_is_signed(server):
    signed = sign("POST", f"{server.endpoint}/", headers(server), b"{}")
    signed["X-Amz-Target"] = f"{PREFIX}.DescribeLimits"
    check(send(server, "POST", "/", signed, b"{}"), "InvalidSignatureException", MISMATCH)
    bare = headers(server)
    target = bare.pop("X-Amz-Target")
    signed = sign("POST", f"{server.endpoint}/", bare, b"{}")
    assert send(server, "POST", "/", {**signed, "X-Amz-Target": target}, b"{}").status == 400


def test_scope(server):
    assert call(server, "ListStreams", {}, service="dynamodb").json()["message"].startswith(
        "Credential should be scoped to correct service: 'kinesis'.")
    signed = sign("POST", f"{server.endpoint}/", headers(server), b"{}")
    signed["Authorization"] = signed["Authorization"].replace("/aws4_request", "/aws5_request")
    answer = send(server, "POST", "/", signed, b"{}")
    assert answer.json()["__type"] == "InvalidSignatureException"
    assert "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'." in answer.json()["message"]


@pytest.mark.parametrize("minutes, text", [
    (-6, r"Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)"),
    (6, r"Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 5 min\.\)"),
])
def test_skew(server, monkeypatch, minutes, text):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: then.replace(tzinfo=None))
    check(call(server, "ListStreams", {}), "InvalidSignatureException", re.compile(text))


class Presigner(SigV4QueryAuth):
    """botocore presigns without a body; this signs the body `{}`."""

    def payload(self, request):
        return hashlib.sha256(b"{}").hexdigest()


def test_presigned(server):
    request = AWSRequest(method="POST", url=f"{server.endpoint}/", headers={
        "Content-Type": JSON, "X-Amz-Target": f"{PREFIX}.ListStreams"})
    Presigner(Credentials(KEY, SECRET), "kinesis", REGION, expires=60).add_auth(request)
    path = request.url.removeprefix(server.endpoint)
    plain = {k: v for k, v in request.headers.items()}
    answer = send(server, "POST", path, {"Host": f"127.0.0.1:{server.port}", **plain}, b"{}")
    assert answer.status == 200, answer.body
    broken = path[:-4] + ("0000" if not path.endswith("0000") else "1111")
    check(send(server, "POST", broken, plain, b"{}"), "InvalidSignatureException", MISMATCH)


def test_nonsense_in_the_header(server):
    for value in ("", " ", "AWS4-HMAC-SHA256", "Basic YTpi", "AWS4-HMAC-SHA256 Credential=, Signature=, SignedHeaders=",
                  f"AWS4-HMAC-SHA256 Credential={KEY}/1/2/3, SignedHeaders=host, Signature=zz", "AWS4-HMAC-SHA256 " + "x" * 5000,
                  f"AWS4-ECDSA-P256-SHA256 Credential={KEY}/20260101/kinesis/aws4_request, SignedHeaders=host, Signature=00"):
        answer = send(server, "POST", "/", headers(server, Authorization=value, **{"X-Amz-Date": "20260101T000000Z"}), b"{}")
        assert answer.status in (400, 403), (value, answer.body)
        assert answer.json()["__type"].endswith("Exception")


def test_auth_off_accepts_what_it_cannot_check():
    with Server("--auth", "off") as server:
        assert connect(server, key="anybody", secret="anything").list_streams()["StreamNames"] == []
        assert send(server, "POST", "/", headers(server), b"{}").status == 200
