"""Signed requests, compared with those of botocore."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote

import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.delivery.sigv4 import SigV4RequestBuilder

# Keys and tokens are sent in headers. Connection ids look like base64, but may be any text.
TOKENS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200)
BASE64 = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", min_size=1)
# A URL cannot contain the dot segments "." and "..": normalization removes them (RFC 3986, section 6.2.2.3).
CONNECTION_IDS = BASE64 | st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda connection_id: connection_id not in (".", "..")
)
ENDPOINTS = st.sampled_from(
    [
        "https://abcdef1234.execute-api.eu-central-1.amazonaws.com/prod",
        "https://abcdef1234.execute-api.cn-north-1.amazonaws.com.cn/prod",
        "http://127.0.0.1:8000/_aws/execute-api/chat-ws/local",
        "http://localhost:3001",
    ]
)


@settings(deadline=None)
@given(
    connection_id=CONNECTION_IDS,
    endpoint=ENDPOINTS,
    region=st.sampled_from(["eu-central-1", "us-gov-west-1"]),
    key=TOKENS,
    secret=TOKENS,
    token=st.none() | TOKENS,
    payload=st.binary(),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
@example(
    connection_id="L0SM9cOFvHcCIhw=",
    endpoint="https://abcdef1234.execute-api.eu-central-1.amazonaws.com/prod",
    region="eu-central-1",
    key="AKID",
    secret="secret",
    token="token",
    payload=b'{"pong":true}',
    moment=datetime(2026, 11, 22, 10, tzinfo=UTC),
)
def test_signature_equals_that_of_botocore(
    connection_id: str,
    endpoint: str,
    region: str,
    key: str,
    secret: str,
    token: str | None,
    payload: bytes,
    moment: datetime,
) -> None:
    credentials = ReadOnlyCredentials(key, secret, token)
    request = SigV4RequestBuilder(endpoint, region, credentials, payload, moment)(connection_id)
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, version = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    assert (method, version, body) == ("POST", "HTTP/1.1", payload)
    assert headers.pop("content-length") == str(len(payload))

    host = endpoint.split("/")[2]
    expected = AWSRequest("POST", f"{endpoint.split('//')[0]}//{host}{path}", data=payload)
    with time_machine.travel(moment, tick=False):
        SigV4Auth(credentials, "execute-api", region).add_auth(expected)
    assert headers == {"host": host} | {name.lower(): value for name, value in expected.headers.items()}


@settings(deadline=None)
@given(connection_id=CONNECTION_IDS)
def test_connection_id_is_one_quoted_segment_of_the_path(connection_id: str) -> None:
    credentials = ReadOnlyCredentials("key", "secret", None)
    request = SigV4RequestBuilder("https://host/prod", "eu-west-1", credentials, b"", datetime.now(UTC))(connection_id)
    path = request.split(b" ")[1].decode()
    assert path.startswith("/prod/@connections/")
    assert unquote(path) == f"/prod/@connections/{connection_id}"
    assert "/" not in path.removeprefix("/prod/@connections/")
