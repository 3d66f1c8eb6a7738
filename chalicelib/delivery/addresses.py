"""Addresses of the WebSocket API: for clients, and for the delivery of frames."""

from __future__ import annotations

import os
from functools import cache

from chalicelib import settings
from chalicelib.aws import session
from chalicelib.errors import NotFound

_API_NAME = f"{settings.APP_NAME}-{settings.STAGE}-websocket-api"


@cache
def websocket_url() -> str:
    """Return wss://…/STAGE: the setting WEBSOCKET_URL, or the address of the API that `chalice deploy` created.

    Raises NotFound if the account has no WebSocket API of that name.
    """
    if settings.WEBSOCKET_URL:
        return settings.WEBSOCKET_URL
    if url := _find_api():
        return url
    raise NotFound(f"WebSocket API not found: deploy {_API_NAME}, or set WEBSOCKET_URL")


class ApiNotFound(Exception):
    """The stage has no WebSocket API."""


@cache
def connections_url() -> str:
    """Return the endpoint of the @connections API, for functions that receive no WebSocket event: https://…/STAGE.

    It is AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI, as for botocore, or the API that `chalice deploy` created. It does
    not follow from WEBSOCKET_URL: a custom domain does not serve @connections.

    Raises ApiNotFound if there is neither.
    """
    if url := os.environ.get("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI") or _find_api():
        return url.replace("wss://", "https://", 1)
    raise ApiNotFound(f"WebSocket API not found: deploy {_API_NAME}, or set AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI")


def _find_api() -> str | None:
    """Return the address of the API that `chalice deploy` created."""
    client = session().create_client("apigatewayv2")
    for page in client.get_paginator("get_apis").paginate():
        for api in page["Items"]:
            if api["Name"] == _API_NAME:
                return f"{api['ApiEndpoint']}/{settings.STAGE}"
    return None
