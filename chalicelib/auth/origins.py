"""Allowed origins and CORS headers.

Browsers send the origin of a page, and a page cannot forge it. Other programs send none, or any. So this check keeps
other sites from using the chat through a visitor's browser; it does not keep programs out.
"""

from collections.abc import Mapping

from chalicelib import settings
from chalicelib.errors import Forbidden


def check_origin(headers: Mapping[str, str]) -> None:
    """Raise Forbidden if the request comes from a page whose origin is not in ALLOWED_ORIGINS."""
    origin = _origin(headers)
    if settings.ALLOWED_ORIGINS and origin and origin not in settings.ALLOWED_ORIGINS:
        raise Forbidden(f"pages of {origin} may not use this chat: ALLOWED_ORIGINS does not list it")


def cors_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that let a page of an allowed origin read the response."""
    origin = _origin(headers)
    if not settings.ALLOWED_ORIGINS or origin is None:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def preflight_origin() -> str:
    """Return the origin for the preflight response, in which API Gateway can name only one.

    With several origins it is `*`. The request after the preflight is checked, too.
    """
    return settings.ALLOWED_ORIGINS[0] if len(settings.ALLOWED_ORIGINS) == 1 else "*"


def _origin(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == "origin"), None)
