"""Nonsense of every kind: a clear modelled error, never a 500, never a dead server."""

import random
import re
import struct

import pytest

from harness.kinesis import make_stream, read
from harness.raw import CBOR, JSON, call, exchange, send
from harness.server import ACCOUNT

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def the_server_lives_on(server, kinesis):
    yield
    assert server.is_alive()
    assert kinesis.describe_limits()["ShardLimit"] > 0
    assert "panicked" not in server.log.read_text(errors="replace")


def check(answer, status, error, message=None):
    assert (answer.status, answer.error) == (status, error), answer.body[:500]
    if message is not None:
        body = answer.json()
        assert body.get("Message" if error == "SerializationException" else "message") == message


def test_malformed_json(server):
    for body in [b"{", b"[]", b"1", b'"x"', b"null", b"{]", b'{"StreamName":}', b"\xff\xfe", b'{"StreamName":"\xff"}',
                 b"{} {}", b'{"StreamName":"a"', b"[" * 100_000, b'{"a":' * 100_000]:
        check(call(server, "DescribeStream", body), 400, "SerializationException")


def test_wrong_json_types(server):
    number = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"
    for body, message in [
        ({"StreamName": 1}, number),
        ({"StreamName": True}, "class java.lang.Boolean can not be converted to an String"),
        ({"StreamName": []}, "Start of list found where not expected"),
        ({"StreamName": {}}, "Start of structure or map found where not expected."),
        ({"StreamName": "a", "Limit": "x"}, "class java.lang.String can not be converted to an Integer"),
    ]:
        check(call(server, "DescribeStream", body), 400, "SerializationException", message)
    check(call(server, "PutRecords", {"StreamName": "a", "Records": "x"}), 400, "SerializationException",
          "Expected list or null")
    check(call(server, "AddTagsToStream", {"StreamName": "a", "Tags": "x"}), 400, "SerializationException",
          "Expected map or null")


def test_bad_base64(server, stream):
    def put(data):
        return call(server, "PutRecord", {"StreamName": stream, "PartitionKey": "k", "Data": data})

    check(put("a"), 400, "SerializationException",
          "'a' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 1")
    for data in ("====", "YQ=a", "é===", "YWJj\n", "Y!Jj"):
        check(put(data), 400, "SerializationException")


def test_unknown_members_and_nulls_pass(server, stream):
    answer = call(server, "PutRecord", {"StreamName": stream, "PartitionKey": "k", "Data": "YQ==", "Nonsense": [{}],
                                        "ExplicitHashKey": None, "StreamId": "abcdefghij0123456789-abc"})
    assert answer.status == 200, answer.body
    # Fluent Bit looks for these very bytes.
    answer = call(server, "PutRecords", {"StreamName": stream, "Records": [{"PartitionKey": "k", "Data": "YQ=="}]})
    assert b'"FailedRecordCount":0' in answer.body


def test_many_violations(server, stream):
    records = [{"PartitionKey": "", "Data": "YQ=="}] * 12
    answer = call(server, "PutRecords", {"StreamName": stream, "Records": records})
    assert answer.json()["__type"] == "ValidationException"
    assert answer.json()["message"].startswith("10 validation errors detected: Value '' at 'records.1.member.partitionKey'")


def test_front_door(server):
    xml = (b"<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n"
           b"</AccessDeniedException>\n")
    answer = send(server, "PUT", "/", {"Content-Type": JSON, "X-Amz-Target": "Kinesis_20131202.ListStreams"}, b"{}")
    assert (answer.status, answer.body) == (403, xml)
    check(call(server, "Nonsense", {}), 400, "UnknownOperationException")
    check(call(server, "ListStreams", {}, prefix="DynamoDB_20120810"), 400, "UnknownOperationException")
    check(call(server, "ListStreams", b""), 400, "SerializationException")
    check(call(server, "Nonsense", b""), 400, "UnknownOperationException")
    assert call(server, "ListStreams", {}, content_type="text/plain").status == 404
    assert call(server, None, {}, content_type="text/plain").status == 403
    assert call(server, "ListStreams", {}, content_type="application/json").status == 404
    assert call(server, "ListStreams", {}, content_type=f"{JSON}; charset=utf-8").status == 200
    assert call(server, "ListStreams", {}, path="/any/path").status == 200


def test_headers_of_every_answer(server):
    for operation, status in (("ListStreams", 200), ("DescribeStream", 400)):
        answer = call(server, operation, {})
        assert answer.status == status
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-RequestId"])
        assert answer.headers["Content-Type"] == JSON
        assert answer.headers["Date"] and answer.headers["x-amz-id-2"]


def test_cors(server):
    answer = call(server, "ListStreams", {}, headers={"Origin": "http://localhost"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer = send(server, "OPTIONS", "/", {"Origin": "http://localhost", "Access-Control-Request-Method": "POST",
                                           "Access-Control-Request-Headers": "x-amz-target"})
    assert (answer.status, answer.body, answer.headers["Access-Control-Max-Age"]) == (200, b"", "172800")
    assert answer.headers["Access-Control-Allow-Headers"] == "x-amz-target"


def test_cbor(server, stream):
    name = stream.encode()
    body = (b"\xbf\x6aStreamName" + bytes([0x60 + len(name)]) + name
            + b"\x6cPartitionKey\x61k\x64Data\x43\x00\x01\x02\xff")
    answer = call(server, "PutRecord", body, content_type=CBOR)
    assert (answer.status, answer.headers["Content-Type"]) == (200, CBOR), answer.body
    assert b"SequenceNumber" in answer.body


def test_malformed_cbor(server):
    for body in [b"\xff", b"\xbf", b"\x80", b"\xa1", b"\xa1\x6aStreamName", b"\xbb" + b"\xff" * 8,
                 b"\xa1\x6aStreamName\x7b" + b"\xff" * 8, b"\x9f" * 100_000, b"\xa1\x61\xff\x01", b"\x00",
                 b"\xc1" * 10_000, b"\xa1\x6aStreamName\x01"]:
        check(call(server, "DescribeStream", body, content_type=CBOR), 400, "SerializationException")


def test_random_bodies(server):
    chance = random.Random(20131202)
    valid = b'{"StreamName":"a","Records":[{"Data":"YQ==","PartitionKey":"k"},{"Data":"","PartitionKey":"\\u00e9"}]}'
    for _ in range(300):
        body = bytearray(valid)
        for _ in range(chance.randint(1, 8)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        for content_type in (JSON, CBOR):
            assert call(server, "PutRecords", bytes(body), content_type=content_type).status == 400


def test_bodies_over_the_limit_are_refused_before_they_are_read(server):
    head = (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n"
            b"X-Amz-Target: Kinesis_20131202.PutRecords\r\nContent-Length: %d\r\n\r\n")
    answer = exchange(server, head % (1 << 40), half_close=False)
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]
    chunked = head.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")
    part = b"100000\r\n" + b"x" * MIB + b"\r\n"
    assert b" 413 " in exchange(server, chunked + part * 40)[:20] + b" 413 "


def test_broken_http(server):
    for data in [
        b"\x00" * 1000, b"GET\r\n\r\n", b"POST / HTTP/1.1\r\n", b"POST / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"POST / HTTP/1.1\r\n" + b"".join(b"h%d: v\r\n" % i for i in range(5000)) + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: " + b"x" * MIB + b"\r\n\r\n",
    ]:
        answer = exchange(server, data, seconds=2)
        assert not answer.startswith(b"HTTP/1.1 5"), (data[:60], answer[:200])


def test_broken_http2(server):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    settings = frame(4, 0, 0, b"")
    for data in [
        preface, preface[:12], preface + b"\xff" * 100, preface + settings + frame(1, 4, 1, b"\xff" * 50),
        preface + settings + frame(0, 1, 1, b"body of no stream"), preface + frame(4, 0, 0, b"12345"),
        preface + settings + frame(9, 4, 1, b""), preface + settings + frame(8, 0, 0, b"\0\0\0\0"),
        preface + settings + frame(6, 0, 0, b"short"),
    ]:
        exchange(server, data, seconds=2)


def test_half_a_request_stores_nothing(server, kinesis):
    name = make_stream(kinesis)
    head = (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n"
            b"X-Amz-Target: Kinesis_20131202.PutRecord\r\nContent-Length: 1000\r\n\r\n")
    exchange(server, head + b'{"StreamName":"' + name.encode())
    assert read(kinesis, name) == []


def test_tokens_of_another_stream_of_bytes(server, stream):
    for token in ("", "A" * 10, "A" * 512, "=" * 100, "\\u0000"):
        assert call(server, "GetRecords", {"ShardIterator": token}).status == 400
        assert call(server, "ListShards", {"NextToken": token}).status == 400
        assert call(server, "ListStreams", {"NextToken": token}).status in (200, 400)


def test_arns(server, stream):
    for arn in ("", "x", "arn:aws:kinesis", f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/", "arn:aws:sqs:a:b:c",
                f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{stream}/consumer/x", "é" * 300):
        for operation in ("DescribeStreamSummary", "ListShards", "ListStreamConsumers"):
            assert call(server, operation, {"StreamARN": arn}).status == 400
        for operation in ("ListTagsForResource", "GetResourcePolicy"):
            assert call(server, operation, {"ResourceARN": arn}).status == 400
