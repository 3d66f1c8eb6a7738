"""Serving of the page's files, with their security headers."""

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from chalice import Response

from chalicelib import discovery
from chalicelib.errors import NotFound

__all__ = ["serve", "serve_page"]

_FOLDER = Path(__file__).parent / "static"
_CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


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
    path = _FOLDER / name
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{_CONTENT_TYPES[path.suffix]}; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        # The address of a private room must not reach another site as the referrer of a link.
        "Referrer-Policy": "no-referrer",
    }
    if path.suffix == ".html":
        headers["Content-Security-Policy"] = _content_security_policy()
    return Response(path.read_text(encoding="utf-8"), headers=headers)


def _content_security_policy() -> str:
    """Allow the page to load its own files, and to connect to its own REST and WebSocket APIs."""
    try:
        url = urlsplit(discovery.websocket_url())
        websocket_origin = f"{url.scheme}://{url.netloc}"
    except (NotFound, BotoCoreError, ClientError):
        websocket_origin = "wss:"  # any WebSocket: without this the page could not connect until it is reloaded
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {websocket_origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _CONTENT_TYPES)
