"""A real OpenID Connect provider, as a process: tests/node/provider.mjs. tests/support/issuer.py has a fake one."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests


@dataclass(frozen=True)
class Provider:
    """A running provider. Whoever writes a name into its form is signed in under that name."""

    url: str

    def set(self, *, lifetime: int = 600, age: int = 0, refresh_tokens: bool = False, refusal: int = 0) -> None:
        """Set how long the next ID tokens are valid, and how old they are when they arrive, both in seconds.

        refusal: the status of an error response to all requests for tokens, 0 for none.
        """
        settings = {"lifetime": lifetime, "age": age, "refreshTokens": refresh_tokens, "refusal": refusal}
        requests.post(f"{self.url}/test/settings", json=settings, timeout=10).raise_for_status()

    def rotate_key(self) -> None:
        """Replace the key that signs."""
        requests.post(f"{self.url}/test/rotate", timeout=10).raise_for_status()

    def requests(self) -> Counter[str]:
        """Return the number of requests by method and path, as in "POST /token"."""
        return Counter(requests.get(f"{self.url}/test/requests", timeout=10).json())


@contextmanager
def run_provider(tools: Path, port: int, client_id: str, page: str) -> Iterator[Provider]:
    """Run a provider at port, with one client: a page at an address."""
    settings = json.dumps({"port": port, "clientId": client_id, "page": page})
    with subprocess.Popen(
        ["node", "--no-warnings", "provider.mjs", settings],  # noqa: S607
        cwd=tools,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            url = f"http://127.0.0.1:{port}"
            assert any(line.strip() == url for line in lines), "the provider has not started"
            yield Provider(url)
        finally:
            process.kill()
