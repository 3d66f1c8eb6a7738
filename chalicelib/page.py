"""The page: the files of chalicelib/web/, none other."""

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from chalice import NotFoundError, Response

from chalicelib import discovery

__all__ = ["file"]

_FOLDER = Path(__file__).parent / "web"
_CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def file(name: str) -> Response:
    """Answer with a file of the page.

    Raises NotFoundError when the page has no file of that name.
    """
    if name not in _names():
        raise NotFoundError("the page has no such file")
    path = _FOLDER / name
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{_CONTENT_TYPES[path.suffix]}; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        # The address of a private room must not reach another site, as a link's referrer.
        "Referrer-Policy": "no-referrer",
    }
    if path.suffix == ".html":
        headers["Content-Security-Policy"] = _policy()
    return Response(path.read_text(encoding="utf-8"), headers=headers)


def _policy() -> str:
    """Write what the page may do: load its own files, and talk to its own API and socket."""
    try:
        socket = urlsplit(discovery.websocket_url())
        sockets = f"{socket.scheme}://{socket.netloc}"
    except (NotFoundError, BotoCoreError, ClientError):
        sockets = "wss:"  # any, rather than none for as long as this page is open
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _CONTENT_TYPES)
