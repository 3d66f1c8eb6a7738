"""Which web pages may use the chat: those of ALLOWED_ORIGINS, or any when there are none in it.

Browsers say where a page is from, and no page can make them lie. What is no browser says nothing, or what it likes. So
this keeps other sites from using the chat through a visitor's browser; it keeps no program out.
"""

from collections.abc import Mapping

from chalice import ForbiddenError

from chalicelib import settings

__all__ = ["check", "cors_headers", "preflight_origin"]


def check(headers: Mapping[str, str]) -> None:
    """Let a request pass when its page may use the chat.

    Raises ForbiddenError.
    """
    origin = _origin(headers)
    if settings.ALLOWED_ORIGINS and origin and origin not in settings.ALLOWED_ORIGINS:
        raise ForbiddenError(f"pages of {origin} may not use this chat: its owner lists others in ALLOWED_ORIGINS")


def cors_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what tells a browser that the page of a request, which has passed, may read the answer."""
    origin = _origin(headers)
    if not settings.ALLOWED_ORIGINS or origin is None:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def preflight_origin() -> str:
    """Return the one origin that API Gateway, which asks nobody, can name in its answer to a preflight request.

    With several it is any: the request after it is then refused.
    """
    return settings.ALLOWED_ORIGINS[0] if len(settings.ALLOWED_ORIGINS) == 1 else "*"


def _origin(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == "origin"), None)
