"""A fake OpenID Connect provider: its two documents over HTTP, and tokens that it signs."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "chat"


class Key:
    """A key pair of an algorithm, RS256 or ES256, with an id."""

    def __init__(self, key_id: str, algorithm: str = "RS256") -> None:
        self.key_id, self.algorithm = key_id, algorithm
        self.private: Any = (
            rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
        )

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key, as the provider publishes it."""
        algorithm: Any = RSAAlgorithm if self.algorithm == "RS256" else ECAlgorithm
        return {**algorithm.to_jwk(self.private.public_key(), as_dict=True), "kid": self.key_id, "use": "sig"}


class Issuer:
    """A provider. The attributes say how it responds; `requests` counts requests by path.

    `published` are key documents before those of `keys`, `body` replaces both documents.
    """

    def __init__(self, key: Key) -> None:
        self.keys = [key]
        self.requests: Counter[str] = Counter()
        self.configuration: dict[str, Any] = {}
        self.published: list[Any] = []
        self.body: bytes | None = None
        self.status = 200
        self.responds = Event()
        self.responds.set()
        self.trickles = False
        self.compresses = False
        self._closing = Event()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests[self.path] += 1
                issuer.responds.wait(10)
                body = issuer.body or json.dumps(issuer._document(self.path)).encode()
                body = gzip.compress(body) if issuer.compresses else body
                self.send_response(issuer.status)
                if issuer.compresses:
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(body)))
                if issuer.status == 302:
                    self.send_header("Location", "/moved")
                self.end_headers()
                for start in range(len(body)) if issuer.trickles else [0]:
                    self.wfile.write(body[start : start + 1] if issuer.trickles else body)
                    if issuer.trickles and issuer._closing.wait(0.2):
                        return

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def token(
        self, subject: str = "aki", *, key: Key | None = None, header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """Return a token of a user. A change of its claims, or of its header, to None removes the entry."""
        key = key or self.keys[0]
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": int(time.time()) + 600,
            "name": "Aki",
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"typ": "JWT", "kid": key.key_id} | (header or {})
        headers = {name: value for name, value in headers.items() if value is not None or name == "typ"}
        return jwt.encode(claims, key.private, key.algorithm, headers)

    def close(self) -> None:
        """Stop the server."""
        self._closing.set()
        self.responds.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _document(self, path: str) -> Any:
        if path == "/jwks":
            return {"keys": [*self.published, *(key.jwk for key in self.keys)]}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"} | self.configuration
