"""Files of the page: their headers, and the address of the WebSocket API in the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib import settings
from chalicelib.delivery import addresses
from chalicelib.errors import NotFound
from chalicelib.rest import page
from chalicelib.rest.page import serve

PAGE = '<meta name="websocket-url" content="{{webSocketUrl}}">'


@pytest.fixture(autouse=True)
def folder(new_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the files of the page by index.html alone, whose WebSocket API is wss://chat.example.org/dev."""
    (tmp_path / "index.html").write_text(PAGE)
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    monkeypatch.setattr(addresses, "websocket_url", lambda: "wss://chat.example.org/dev")
    return tmp_path


def cache_control(name: str) -> object:
    return serve(name).headers["Cache-Control"]


@pytest.mark.parametrize("name", ["page-3fa0b21c.js", "page-abcdefab.css", "a-b-234567af.css", "chunk--22222222.js"])
def test_file_with_a_hash_in_its_name_is_immutable(folder: Path, name: str) -> None:
    (folder / name).touch()
    assert cache_control(name) == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "main.js",
        "message-view.js",
        "page-3FA0B21C.js",
        "page-3fa0b21.js",
        "page-3fa0b21c7.js",
        "page-3fa0b21g.js",
        "page-3fa0b21-.js",
        "page-3fa0b21c.min.js",
        "page3fa0b21c.js",
        "page_3fa0b21c.js",
        "3fa0b21c.js",
    ],
)
def test_file_with_another_name_is_revalidated(folder: Path, name: str) -> None:
    (folder / name).touch()
    assert cache_control(name) == "no-cache"


@pytest.mark.parametrize("name", ["page-3fa0b21c.js", "page.py", "../page.py", "", "."])
def test_unknown_file_is_not_found(folder: Path, name: str) -> None:
    (folder / "page.py").touch()
    with pytest.raises(NotFound, match=r"^file not found: the page has no file"):
        serve(name)


def test_file_is_read_once(folder: Path) -> None:
    (folder / "style.css").write_text("body {}")
    assert serve("style.css").body == "body {}"
    (folder / "style.css").unlink()
    assert serve("style.css").body == "body {}"


@pytest.mark.parametrize(
    ("url", "content", "origin"),
    [
        ("wss://chat.example.org/dev", "wss://chat.example.org/dev", "wss://chat.example.org"),
        ("ws://127.0.0.1:8000/a?b=1&c='2'", "ws://127.0.0.1:8000/a?b=1&amp;c=&#x27;2&#x27;", "ws://127.0.0.1:8000"),
    ],
)
def test_page_contains_the_escaped_websocket_url(
    monkeypatch: pytest.MonkeyPatch, url: str, content: str, origin: str
) -> None:
    monkeypatch.setattr(addresses, "websocket_url", lambda: url)
    response = serve("index.html")
    assert response.body == f'<meta name="websocket-url" content="{content}">'
    assert f"connect-src 'self' {origin};" in response.headers["Content-Security-Policy"]


def test_only_the_inline_scripts_of_the_file_run(folder: Path) -> None:
    (folder / "index.html").write_text("<script src='a.js'></script><script>\n one()\n</script><script>two()</script>")
    # As of `printf '%s' 'two()' | openssl dgst -sha256 -binary | base64`.
    hashes = (
        "'sha256-AoWnv9YWxm+cRHSe+n/TSQw1pFyWbutqJIIPV1bOM/4=' 'sha256-iMrPAWirDC2X0OhZzLsM2MRIWSmepJGI4r7D8ZlwBOw='"
    )
    assert f"; script-src-elem 'self' {hashes};" in serve("index.html").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("client_id", "content"),
    [
        ("", ""),
        (
            "page\"'<&",
            "{&quot;issuer&quot;:&quot;https://id.example.org&quot;,"
            "&quot;clientId&quot;:&quot;page\\&quot;&#x27;&lt;&amp;&quot;,&quot;required&quot;:true}",
        ),
    ],
)
def test_page_contains_how_to_sign_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, client_id: str, content: str
) -> None:
    monkeypatch.setattr(settings, "AUTH_ISSUER", "https://id.example.org")
    monkeypatch.setattr(settings, "AUTH_CLIENT_ID", client_id)
    monkeypatch.setattr(settings, "AUTH_REQUIRED", True)
    (folder / "index.html").write_text('<meta name="sign-in" content="{{signIn}}">')
    assert serve("index.html").body == f'<meta name="sign-in" content="{content}">'


@pytest.mark.parametrize("problem", [NotFound("not yet"), EndpointConnectionError(endpoint_url="https://…")])
def test_page_without_a_websocket_api_contains_an_empty_url(
    monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fail() -> str:
        raise problem

    monkeypatch.setattr(addresses, "websocket_url", fail)
    response = serve("index.html")
    assert response.body == '<meta name="websocket-url" content="">'
    assert "connect-src 'self' wss:;" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("seconds", [0, 900])
def test_page_contains_how_long_messages_can_be_edited(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(settings, "EDIT_SECONDS", seconds)
    (folder / "index.html").write_text('<meta name="edit-seconds" content="{{editSeconds}}">')
    assert serve("index.html").body == f'<meta name="edit-seconds" content="{seconds}">'


@pytest.mark.parametrize("name", ["page.js", "style.css"])
def test_other_files_do_not_need_the_websocket_url(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(addresses, "websocket_url", lambda: 1 / 0)
    (folder / name).write_text("{{webSocketUrl}}")
    assert serve(name).body == "{{webSocketUrl}}"
