"""Posts to @connections, signed: Signature Version 4, with all that they share worked out once.

botocore signs any request of any service, and takes a millisecond of a processor for each. A broadcast signs the same
payload for a thousand paths. ("Create a signed AWS API request", AWS Identity and Access Management User Guide)
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, urlsplit

__all__ = ["Credentials", "SignedPosts"]

SERVICE = "execute-api"


class Credentials(Protocol):
    """What botocore's frozen credentials have."""

    access_key: str
    secret_key: str
    token: str | None


class SignedPosts:
    """The HTTP/1.1 requests that post one payload to any of the connections of an API."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials, payload: bytes, moment: datetime) -> None:
        url = urlsplit(endpoint)
        time, scope = f"{moment:%Y%m%dT%H%M%SZ}", f"{moment:%Y%m%d}/{region}/{SERVICE}/aws4_request"
        headers = {"host": url.netloc, "x-amz-date": time}
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        lines, names = "".join(f"{name}:{value}\n" for name, value in headers.items()), ";".join(headers)
        self._folder = f"{url.path.rstrip('/')}/@connections/"
        self._payload = payload
        self._canonical_end = f"\n\n{lines}\n{names}\n{hashlib.sha256(payload).hexdigest()}"
        self._to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n"
        self._key = hmac.new(_signing_key(credentials.secret_key, scope), digestmod=hashlib.sha256)
        self._head = (
            " HTTP/1.1\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            + f"content-length: {len(payload)}\r\n"
            + f"authorization: AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            + f"SignedHeaders={names}, Signature="
        )

    def __call__(self, connection_id: str) -> bytes:
        """Write the request that posts the payload to a connection."""
        path = self._folder + quote(connection_id, safe="~")
        # The path is encoded once for the wire, and that once more for the signature.
        canonical = f"POST\n{quote(path, safe='/~')}{self._canonical_end}"
        signature = self._key.copy()
        signature.update(f"{self._to_sign}{hashlib.sha256(canonical.encode()).hexdigest()}".encode())
        return f"POST {path}{self._head}{signature.hexdigest()}\r\n\r\n".encode() + self._payload


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
