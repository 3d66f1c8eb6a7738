"""The page and its files: headers, caching, and limits that the page and the client library share with the server."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import pytest
from botocore.exceptions import EndpointConnectionError
from chalice.test import Client

import app as chat_app
from chalicelib import limits, settings
from chalicelib.delivery import addresses
from chalicelib.errors import NotFound
from tests.support.page_files import SCRIPT, STYLE
from tests.support.projects import PROJECT


def test_page_and_its_files_are_served(client: Client) -> None:
    page = client.http.get("/")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b'<html lang="en"' in page.body
    script = client.http.get(f"/static/{SCRIPT}")
    assert (script.status_code, script.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")


def test_length_limits_of_the_page_equal_those_of_the_server(client: Client) -> None:
    fields = re.findall(r'<input id="([\w-]+)"[^>]* maxlength="(\d+)"', client.http.get("/").body.decode())
    assert {field: int(limit) for field, limit in fields} == {
        "your-name": limits.MAX_DISPLAY_NAME_LENGTH,
        "room-name": limits.MAX_ROOM_NAME_LENGTH,
        "new-room-name": limits.MAX_ROOM_NAME_LENGTH,
        "hook-name": limits.MAX_DISPLAY_NAME_LENGTH,
        "report-reason": limits.MAX_REASON_LENGTH,
    }


@pytest.mark.parametrize(
    ("file", "constant", "limit"),
    [
        ("page/src/composer.ts", "MAX_LENGTH", limits.MAX_MESSAGE_LENGTH),
        ("client/src/identity.ts", "MAX_NAME_LENGTH", limits.MAX_DISPLAY_NAME_LENGTH),
        ("client/src/room.ts", "MAX_LISTED_MEMBERS", settings.PRESENCE_LIMIT),
    ],
)
def test_constant_of_the_page_equals_that_of_the_server(file: str, constant: str, limit: int) -> None:
    (value,) = re.findall(rf"^const {constant} = ([\d_]+);$", (PROJECT / "web" / file).read_text(), re.MULTILINE)
    assert int(value) == limit


def test_content_security_policy_allows_only_own_files_and_apis(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.org/socket")
    page = client.http.get("/")
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert re.fullmatch(r"'self' 'sha256-[\w+/]{43}='", policy.pop("script-src-elem"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "data:",
        "connect-src": "'self' wss://chat.example.org",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    for file in (page, client.http.get(f"/static/{SCRIPT}")):
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        assert file.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/", "no-cache"),
        ("/static/index.html", "no-cache"),
        (f"/static/{SCRIPT}", "public, max-age=31536000, immutable"),
        (f"/static/{STYLE}", "public, max-age=31536000, immutable"),
    ],
)
def test_unchanged_file_of_the_page_gets_a_304(client: Client, path: str, caching: str) -> None:
    file = client.http.get(path)
    assert (file.status_code, file.headers["Cache-Control"]) == (200, caching)
    unchanged = client.http.get(path, headers={"If-None-Match": file.headers["ETag"]})
    assert (unchanged.status_code, unchanged.body) == (304, b"")
    # With all headers: browsers update the stored ones, and API Gateway replaces a missing Content-Type.
    assert unchanged.headers == file.headers


def test_etag_of_the_page_changes_with_the_websocket_url(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.org/one")
    etag = client.http.get("/").headers["ETag"]
    addresses.websocket_url.cache_clear()
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.org/two")
    page = client.http.get("/", headers={"If-None-Match": etag})
    assert page.status_code == 200
    assert b'<meta name="websocket-url" content="wss://chat.example.org/two">' in page.body
    assert page.headers["ETag"] != etag


def test_unknown_file_is_not_found_whatever_its_etag_and_not_cached(client: Client) -> None:
    response = client.http.get("/static/page-3fa0b21c.js", headers={"If-None-Match": "*"})
    assert (response.status_code, response.headers["Cache-Control"]) == (404, "no-store")
    assert "ETag" not in response.headers


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}])
def test_page_asks_for_the_websocket_url_once(
    client: Client, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    calls = []

    def fail() -> str:
        calls.append(1)
        raise NotFound("not yet")

    monkeypatch.setattr(addresses, "websocket_url", fail)
    assert client.http.get("/", headers=headers).status_code == (304 if headers else 200)
    assert len(calls) == 1


@pytest.mark.parametrize("problem", [NotFound("not yet"), EndpointConnectionError(endpoint_url="https://…")])
def test_page_is_served_although_the_websocket_url_is_unknown(
    client: Client, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fail() -> str:
        raise problem

    monkeypatch.setattr(addresses, "websocket_url", fail)
    assert "connect-src 'self' wss:;" in client.http.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name", ["page.py", "..%2Fpage.py", "%2e%2e%2fpage.py", "web", "index", f"{SCRIPT}%00", ".", ""]
)
def test_files_outside_the_page_are_not_served(client: Client, name: str) -> None:
    assert client.http.get(f"/static/{name}").status_code in (403, 404)


@pytest.mark.parametrize("path", ["/dev", "/chat", "/tea/chat"])
def test_address_without_its_last_slash_redirects_to_the_page(client: Client, path: str) -> None:
    def get(path: str) -> Any:
        context = {"path": path, "httpMethod": "GET", "resourcePath": "/", "identity": {}}
        event = {"requestContext": context, "headers": {}, "multiValueQueryStringParameters": None, "body": None}
        return chat_app.app(event | {"pathParameters": {}, "stageVariables": None, "isBase64Encoded": False}, None)

    redirect = get(path)
    assert redirect["statusCode"] == 302
    address = urljoin(f"https://example.org{path}", redirect["headers"]["Location"])
    assert address == f"https://example.org{path}/"
    assert get(f"{path}/")["statusCode"] == 200
