"""ETags and conditional responses (RFC 9110, "HTTP Semantics")."""

from __future__ import annotations

import hashlib
import re

from chalice import Response

_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


def conditional_response(response: Response, if_none_match: str) -> Response:
    """Add an ETag over its body to a successful response. Return 304 if the header If-None-Match names that ETag.

    A response without Cache-Control gets `no-cache`: caches may store it, and revalidate it before each use. A response
    with another status than 200 is returned unchanged.
    """
    if response.status_code != 200:
        return response
    etag = f'"{hashlib.sha256(str(response.body).encode()).hexdigest()[:32]}"'
    headers = {"Cache-Control": "no-cache"} | response.headers | {"ETag": etag}
    if _matches(if_none_match, etag):
        # With the other headers, too: caches update the stored ones, and API Gateway adds a Content-Type of its own to
        # a response without one ("Lambda proxy integrations in API Gateway").
        return Response("", headers, 304)
    return Response(response.body, headers)


def _matches(if_none_match: str, etag: str) -> bool:
    """Compare as If-None-Match requires: weakly, so that W/ does not matter. An asterisk matches any ETag."""
    return if_none_match.strip() == "*" or etag in _ENTITY_TAG.findall(if_none_match)
