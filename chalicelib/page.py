"""The page: the files of chalicelib/web/, none other."""

from functools import cache
from pathlib import Path

from chalice import NotFoundError, Response

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
    return Response(
        path.read_text(encoding="utf-8"),
        headers={"Content-Type": f"{_CONTENT_TYPES[path.suffix]}; charset=utf-8", "Cache-Control": "no-cache"},
    )


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _CONTENT_TYPES)
