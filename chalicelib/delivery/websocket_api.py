"""Chalice's WebSocket API with a concurrent `broadcast`.

API Gateway has no call that reaches several connections: a broadcast is one signed HTTPS request per connection.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from chalice.app import WebsocketAPI

from chalicelib import request_log
from chalicelib.aws import session
from chalicelib.delivery.http_pool import BroadcastResult, ConnectionPool
from chalicelib.delivery.sigv4 import SigV4RequestBuilder


class BroadcastWebsocketAPI(WebsocketAPI):
    """Chalice's client of the @connections API, plus `broadcast`."""

    _client: Any

    def __init__(self, env: Any = None) -> None:
        super().__init__(env)
        self._pools: dict[str, ConnectionPool] = {}

    def configure_from_api_id(self, api_id: str, stage: str) -> None:
        """Set the endpoint to AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI, if set, otherwise to API Gateway's.

        Chalice passes an explicit endpoint to the client, and botocore then ignores the variable.
        """
        self._endpoint = self._endpoint or self._env.get("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI")
        super().configure_from_api_id(api_id, stage)

    @property
    def endpoint(self) -> str:
        """The URL of the API's stage. Chalice sets it from a WebSocket event; other handlers have to set it.

        Raises ValueError if it is not set.
        """
        if self._endpoint is None:
            raise ValueError("set the endpoint or call configure_from_api_id before sending")
        return self._endpoint

    @endpoint.setter
    def endpoint(self, url: str) -> None:
        if url != self._endpoint:
            self._client = None  # Chalice's client keeps the endpoint that it was created with
        self._endpoint = url

    def broadcast(self, connection_ids: Collection[str], payload: str, *, rate: float | None = None) -> BroadcastResult:
        """Send payload, of at most 32 KiB, to every connection, and return the result of each request.

        Returns within about 10 seconds. A failed request does not affect the others. Each endpoint has a pool of HTTP
        connections that stay open between broadcasts. rate: the maximum number of requests that begin per second,
        without retries. None for no limit.

        Raises ValueError if the endpoint is not set, and NoCredentialsError if there are no credentials.
        """
        result = self._request_all("POST", connection_ids, payload, rate)
        request_log.add_metric(delivered=len(result.delivered), gone=len(result.gone), failed=len(result.failed))
        return result

    def close_all(self, connection_ids: Collection[str]) -> BroadcastResult:
        """Close every connection, as `broadcast` sends to every connection, and return the result of each."""
        return self._request_all("DELETE", connection_ids, "")

    def _request_all(
        self, method: str, connection_ids: Collection[str], payload: str, rate: float | None = None
    ) -> BroadcastResult:
        if not connection_ids:
            return BroadcastResult([], [], [])
        build_request = SigV4RequestBuilder(
            self.endpoint, self._get_region(), _credentials(), payload.encode(), datetime.now(UTC), method
        )
        return self._pool().post_all(connection_ids, build_request, rate)

    def close_pools(self) -> None:
        """Close the idle HTTP connections of all pools."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _pool(self) -> ConnectionPool:
        if self.endpoint not in self._pools:
            self._pools[self.endpoint] = ConnectionPool(self.endpoint)
        return self._pools[self.endpoint]

    def _get_client(self) -> Any:
        if self._client is None:
            self._client = session().create_client(
                "apigatewaymanagementapi",
                endpoint_url=self._endpoint,
                config=Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}),
            )
        return self._client


def _credentials() -> Any:
    """Return the current credentials. botocore finds them, and renews them before they expire."""
    credentials = session().get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials.get_frozen_credentials()
