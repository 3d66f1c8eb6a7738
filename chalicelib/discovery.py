"""Address of the WebSocket API."""

from functools import cache

from chalicelib import settings
from chalicelib.aws import session
from chalicelib.errors import NotFound

__all__ = ["websocket_url"]


@cache
def websocket_url() -> str:
    """Return wss://…/STAGE: the setting WEBSOCKET_URL, or the address of the API that `chalice deploy` created.

    Raises NotFound if the account has no WebSocket API of that name.
    """
    if settings.WEBSOCKET_URL:
        return settings.WEBSOCKET_URL
    name = f"{settings.APP_NAME}-{settings.STAGE}-websocket-api"
    client = session().create_client("apigatewayv2")
    for page in client.get_paginator("get_apis").paginate():
        for api in page["Items"]:
            if api["Name"] == name:
                return f"{api['ApiEndpoint']}/{settings.STAGE}"
    raise NotFound(f"WebSocket API not found: deploy {name}, or set WEBSOCKET_URL")
