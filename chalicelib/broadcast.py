"""One payload to many connections, through app.websocket_api.

API Gateway has no call for many recipients: a broadcast is one signed HTTPS post per connection.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from chalice.app import WebsocketAPI

from chalicelib import invocation
from chalicelib.aws import session
from chalicelib.posts import Outcome, Posts
from chalicelib.signing import SignedPosts

__all__ = ["MemberSockets", "Outcome"]


class MemberSockets(WebsocketAPI):
    """Chalice's door to the members, with a way to many of them at once."""

    _client: Any
    _posts: Posts | None = None

    def configure_from_api_id(self, api_id: str, stage: str) -> None:
        """Find the endpoint: AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI, the SDKs' own variable, where that is set.

        Chalice hands the client an endpoint of its own making, which the client then prefers to the variable.
        """
        self._endpoint = self._endpoint or self._env.get("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI")
        super().configure_from_api_id(api_id, stage)

    @property
    def endpoint(self) -> str:
        """Where the connections are: known once API Gateway has called a handler, or set for one that it does not call.

        Raises ValueError before that.
        """
        if self._endpoint is None:
            raise ValueError("the endpoint must be set, or configure_from_api_id called, before anything is posted")
        return self._endpoint

    @endpoint.setter
    def endpoint(self, url: str) -> None:
        self._endpoint = url

    def broadcast(self, connection_ids: Collection[str], payload: str) -> Outcome:
        """Post payload, of at most 32 KB, to every connection, and say what became of each post.

        Always finishes, within about 10 seconds, and nobody's failure keeps the payload from anybody else. Connections
        to API Gateway are kept open between broadcasts.
        """
        if not connection_ids:
            return Outcome([], [], [])
        self._posts = self._posts or Posts(self.endpoint)
        signed = SignedPosts(
            self.endpoint, self._get_region(), _credentials(), payload.encode(), moment=datetime.now(UTC)
        )
        outcome = self._posts.send(connection_ids, signed)
        invocation.count(delivered=len(outcome.delivered), gone=len(outcome.gone), failed=len(outcome.failed))
        return outcome

    def _get_client(self) -> Any:
        if self._client is None:
            self._client = session().create_client(
                "apigatewaymanagementapi",
                endpoint_url=self._endpoint,
                config=Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}),
            )
        return self._client


def _credentials() -> Any:
    """Return the credentials of this moment: botocore finds them, and renews them when they expire."""
    credentials = session().get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials.get_frozen_credentials()
