"""The web page: its routes, its files, and their security and caching headers."""

import base64
import hashlib
import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from chalice import Blueprint, Response

from chalicelib import settings
from chalicelib.delivery import addresses
from chalicelib.errors import NotFound
from chalicelib.protocol.responses import Config
from chalicelib.protocol.values import FileName
from chalicelib.rest.endpoints import EndpointDecorator

FOLDER = Path(__file__).parent.parent / "static"
_CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

_WEBSOCKET_URL, _SIGN_IN, _EDIT_SECONDS = "{{webSocketUrl}}", "{{signIn}}", "{{editSeconds}}"
"""Texts of HTML files that are replaced by the address of the WebSocket API, by how to sign in, as JSON or as the empty
string, and by EDIT_SECONDS, so that the page need not request them."""

_HASHED_NAME = re.compile(r".+-[0-9a-f]{8}\.[a-z]+")
"""A name that web/build.mjs has given, with the hash of the file's content: page-3fa0b21c.js."""


_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


blueprint = Blueprint(__name__)
endpoint = EndpointDecorator(blueprint)


@blueprint.route("/")
@endpoint(content_types=["text/html"], etag=True)
def get_page() -> Response:
    """Return the page.

    An address without the last slash gets a redirect (302) to the address with it.
    """
    request: Any = blueprint.current_request
    return serve_page(request.context.get("path", "/"))


@blueprint.route("/static/{name}")
@endpoint(content_types=["text/css", "text/html", "text/javascript"], errors=[NotFound], etag=True)
def get_page_file(name: FileName) -> Response:
    """Return a file of the page."""
    return serve(name)


def serve_page(path: str) -> Response:
    """Return the page, or a redirect to it if path, the requested one with its stage, does not end with a slash.

    API Gateway serves the page at /dev and at /dev/, but the page's relative URLs are valid only at /dev/. The redirect
    is relative as well, because the local cloud has a path of its own before the stage.
    """
    if path.endswith("/"):
        return serve("index.html")
    return Response("", headers={"Location": f"{path.rpartition('/')[2]}/"}, status_code=302)


def serve(name: str) -> Response:
    """Return a file of the page as an HTTP response.

    Raises NotFound if the page has no file of that name.
    """
    if name not in _names():
        raise NotFound(f"file not found: the page has no file {name[:80]!r}")
    suffix, text = Path(name).suffix, _read(name)
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{_CONTENT_TYPES[suffix]}; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable" if _HASHED_NAME.fullmatch(name) else "no-cache",
        # The address of a private room must not reach another site as the referrer of a link.
        "Referrer-Policy": "no-referrer",
    }
    if suffix == ".html":
        websocket_url = _websocket_url()
        headers["Content-Security-Policy"] = _content_security_policy(websocket_url, text)
        sign_in = Config.of(websocket_url).sign_in
        text = text.replace(_WEBSOCKET_URL, escape(websocket_url))
        text = text.replace(_EDIT_SECONDS, str(settings.EDIT_SECONDS))
        text = text.replace(_SIGN_IN, escape(msgspec.json.encode(sign_in).decode()) if sign_in else "")
    return Response(text, headers=headers)


def _websocket_url() -> str:
    """Return the address of the WebSocket API, the empty string if it cannot be found."""
    try:
        return addresses.websocket_url()
    except (NotFound, BotoCoreError, ClientError):
        return ""


def _content_security_policy(websocket_url: str, page: str) -> str:
    """Allow a page to load its own files and inline images, and to connect to its own REST and WebSocket APIs.

    Of inline scripts, only those that are in the page's file run.
    Where the page signs users in, it may also connect to the issuer.
    """
    url, issuer = urlsplit(websocket_url), urlsplit(settings.AUTH_ISSUER)
    # Any WebSocket if the address is unknown: without this the page could not connect until it is reloaded.
    websocket_origin = f"{url.scheme}://{url.netloc}" if websocket_url else "wss:"
    issuer_origin = f" {issuer.scheme}://{issuer.netloc}" if settings.AUTH_CLIENT_ID else ""
    digests = [hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page)]
    hashes = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src 'self'; script-src-elem 'self'{hashes}; style-src 'self'; img-src data:; "
        f"connect-src 'self' {websocket_origin}{issuer_origin}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in _CONTENT_TYPES)


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
