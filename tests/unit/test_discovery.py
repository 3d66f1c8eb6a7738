"""Discovery of the WebSocket API's address."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib import settings
from chalicelib.discovery import websocket_url
from chalicelib.errors import NotFound


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    """Provide an AWS account without APIs, and an empty cache."""
    websocket_url.cache_clear()
    with mock_aws():
        yield
    websocket_url.cache_clear()


def _create_api(name: str) -> str:
    api = boto3.client("apigatewayv2").create_api(
        Name=name, ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    return str(api["ApiId"])


def test_setting_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.com")
    assert websocket_url() == "wss://chat.example.com"


def test_api_of_chalice_deploy_is_found_and_cached() -> None:
    _create_api("chalice-chat-prod-websocket-api")
    api_id = _create_api("chalice-chat-dev-websocket-api")
    url = websocket_url()
    # moto gives every API an https endpoint; a WebSocket API's is wss (AWS CLI reference, "get-apis", the example).
    assert url == f"https://{api_id}.execute-api.us-east-1.amazonaws.com/dev"
    boto3.client("apigatewayv2").delete_api(ApiId=api_id)
    assert websocket_url() == url


def test_error_without_an_api_names_the_remedy() -> None:
    with pytest.raises(NotFound, match="deploy chalice-chat-dev-websocket-api, or set WEBSOCKET_URL"):
        websocket_url()
