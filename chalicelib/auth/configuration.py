"""Validation of the settings of sign-in."""

from __future__ import annotations

import re

from chalicelib import settings

MIN_SECRET_BYTES = 32
"""Minimum length of a secret: HS256 requires it."""


def is_secure_url(url: str) -> bool:
    """Return whether a URL has the scheme https, or leads to this machine."""
    return re.match(r"https://[^/?#@]|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)", url) is not None


def check_secret(name: str) -> None:
    """Raise ValueError if a setting is neither empty, nor an ARN, nor a secret that is long enough."""
    secret: str = getattr(settings, name)
    if secret.strip() != secret:
        # An ARN after a space would be the secret itself.
        raise ValueError(f"the environment variable {name} must not start or end with white space")
    if secret and not secret.startswith("arn:") and len(secret.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"the environment variable {name} must have at least {MIN_SECRET_BYTES} bytes, or be an ARN")


def check_settings() -> None:
    """Raise ValueError, which names the environment variable, if the settings of sign-in are not consistent."""
    issuer, secret = settings.AUTH_ISSUER, settings.AUTH_SECRET
    if issuer and (not is_secure_url(issuer) or re.search(r"[?#\s]", issuer)):
        raise ValueError("the environment variable AUTH_ISSUER must be an address such as https://id.example.org")
    if issuer and secret:
        raise ValueError("the environment variables AUTH_ISSUER and AUTH_SECRET exclude each other")
    if issuer and not settings.AUTH_AUDIENCE:
        raise ValueError("the environment variable AUTH_AUDIENCE is required with AUTH_ISSUER")
    if settings.AUTH_CLIENT_ID and not issuer:
        raise ValueError("the environment variable AUTH_CLIENT_ID requires AUTH_ISSUER")
    check_secret("AUTH_SECRET")
    for name in ("AUTH_AUDIENCE", "AUTH_REQUIRED", "AUTH_ROOMS_REQUIRED"):
        # Otherwise an issuer or secret that is lost, such as an empty variable of a build, would let everyone in.
        if getattr(settings, name) and not issuer and not secret:
            raise ValueError(f"the environment variable {name} requires AUTH_ISSUER or AUTH_SECRET")
