"""Where members connect."""

from functools import cache

from chalice import NotFoundError

from chalicelib import settings
from chalicelib.aws import session

__all__ = ["websocket_url"]


@cache
def websocket_url() -> str:
    """Return wss://…/STAGE: the setting WEBSOCKET_URL, else found, once, in API Gateway's list of its APIs.

    Raises NotFoundError when the account has no WebSocket API under the name that `chalice deploy` gives it.
    """
    if settings.WEBSOCKET_URL:
        return settings.WEBSOCKET_URL
    name = f"{settings.APP_NAME}-{settings.STAGE}-websocket-api"
    client = session().create_client("apigatewayv2")
    for page in client.get_paginator("get_apis").paginate():
        for api in page["Items"]:
            if api["Name"] == name:
                return f"{api['ApiEndpoint']}/{settings.STAGE}"
    raise NotFoundError(f"no WebSocket API is named {name}: deploy it, or set WEBSOCKET_URL")
