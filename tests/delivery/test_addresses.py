"""Discovery of the addresses of the WebSocket API."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib import settings
from chalicelib.delivery.addresses import ApiNotFound, connections_url, websocket_url
from chalicelib.errors import NotFound


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    """Provide an AWS account without APIs, and an empty cache."""
    for address in (connections_url, websocket_url):
        address.cache_clear()
    with mock_aws():
        yield
    for address in (connections_url, websocket_url):
        address.cache_clear()


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


def test_posts_go_to_the_endpoint_that_botocore_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    _create_api("chalice-chat-dev-websocket-api")
    monkeypatch.setenv(
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "http://127.0.0.1:8000/_aws/execute-api/chat-ws/local"
    )
    assert connections_url() == "http://127.0.0.1:8000/_aws/execute-api/chat-ws/local"


def test_posts_use_https_where_the_api_names_its_websocket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "wss://id.execute-api.us-east-1.amazonaws.com/dev")
    assert connections_url() == "https://id.execute-api.us-east-1.amazonaws.com/dev"


def test_posts_go_to_the_api_and_not_to_a_domain_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://ws.chat.example.org/chat")
    api_id = _create_api("chalice-chat-dev-websocket-api")
    assert connections_url() == f"https://{api_id}.execute-api.us-east-1.amazonaws.com/dev"


def test_posts_without_an_api_fail() -> None:
    with pytest.raises(ApiNotFound, match="deploy chalice-chat-dev-websocket-api, or set"):
        connections_url()
