"""Throttling of both APIs. Their execution logs are off."""

from __future__ import annotations

from typing import Any

REST_LIMITS = {"ThrottlingRateLimit": 2_000, "ThrottlingBurstLimit": 1_000}
"""Requests per second to the REST API, and the burst above that rate. To enter a room, one visit makes up to 6
requests: 3 for the page's files, and one each for the list of rooms, the history and the member list."""

WEBSOCKET_LIMITS = {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 250}
"""Frames, joins and leaves per second on the WebSocket API, and the burst above that rate. One visit takes 4: the join,
two `hello` frames and the leave. The frames to members share the account's 10,000 requests per second
("Amazon API Gateway quotas"), so most of it is left for them."""

NO_LOGS = {"DataTraceEnabled": False, "LoggingLevel": "OFF"}
"""API Gateway's execution logs contain addresses, and addresses contain tokens."""


def limit_apis(resources: dict[str, Any]) -> None:
    """Throttle both APIs, so that one client cannot use up the account's quota, and turn their execution logs off."""
    every_method = {"ResourcePath": "/*", "HttpMethod": "*"}
    resources["RestAPI"]["Properties"]["MethodSettings"] = [every_method | REST_LIMITS | NO_LOGS]
    resources["WebsocketAPIStage"]["Properties"]["DefaultRouteSettings"] = WEBSOCKET_LIMITS | NO_LOGS
