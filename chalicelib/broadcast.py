"""One payload to many connections, through app.websocket_api.

API Gateway has no call for many recipients: a broadcast is one signed HTTPS post per connection.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from chalice import WebsocketDisconnectedError
from chalice.app import WebsocketAPI

from chalicelib import settings

__all__ = ["MemberSockets", "Outcome"]

CONCURRENCY = 32
"""How many posts are under way at once: more threads cost more CPU in Python than they save in waiting."""

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 2
ATTEMPTS = 3

log = logging.getLogger(f"{settings.APP_NAME}.broadcast")


class Outcome(NamedTuple):
    """The connection ids that a broadcast reached, found closed (410), and could not reach."""

    delivered: list[str]
    gone: list[str]
    failed: list[str]


class MemberSockets(WebsocketAPI):
    """Chalice's door to the members, with time-outs, retries, and a way to many of them at once."""

    _client: Any

    def configure_from_api_id(self, api_id: str, stage: str) -> None:
        """Find the endpoint: AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI, the SDKs' own variable, where that is set.

        Chalice hands the client an endpoint of its own making, which the client then prefers to the variable.
        """
        self._endpoint = self._endpoint or self._env.get("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI")
        super().configure_from_api_id(api_id, stage)

    def broadcast(self, connection_ids: Collection[str], payload: str) -> Outcome:
        """Post payload, of at most 32 KB, to every connection, and say what became of each post.

        Always finishes: 429 and 5xx are tried again up to 3 attempts in all, a post that hangs is given up after 2
        seconds an attempt, and nobody's failure keeps the payload from anybody else.
        """
        outcome = Outcome([], [], [])
        if not connection_ids:
            return outcome
        self._get_client()  # made here, since making a botocore client is not safe in threads
        with ThreadPoolExecutor(min(CONCURRENCY, len(connection_ids))) as pool:
            fates = pool.map(lambda connection_id: self._post(connection_id, payload), connection_ids)
            for connection_id, fate in zip(connection_ids, fates, strict=True):
                getattr(outcome, fate).append(connection_id)
        log.info("broadcast: %d delivered, %d gone, %d failed", *map(len, outcome))
        return outcome

    def _post(self, connection_id: str, payload: str) -> str:
        try:
            self.send(connection_id, payload)
        except WebsocketDisconnectedError:
            return "gone"
        except (BotoCoreError, ClientError) as error:
            log.warning("could not reach %s: %s", connection_id, error)
            return "failed"
        return "delivered"

    def _get_client(self) -> Any:
        if self._client is None:
            self._client = botocore.session.get_session().create_client(
                "apigatewaymanagementapi",
                endpoint_url=self._endpoint,
                config=Config(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    read_timeout=READ_TIMEOUT_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                    max_pool_connections=CONCURRENCY,
                ),
            )
        return self._client
