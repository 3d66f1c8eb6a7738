"""Checks every frame of app.websocket_api against docs/asyncapi.yaml."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import pytest

import app as chat_app
from chalicelib.delivery.http_pool import BroadcastResult
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.protocol.validation import parse_object
from chalicelib.websocket import events
from deployment.smoke import asyncapi

INVALID_FRAME_CODES = {"invalid_json", "unknown_action", "invalid_message"}


@pytest.fixture
def described_frames(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test in which the server sends or accepts a frame that the document does not describe."""
    broadcast, receive = BroadcastWebsocketAPI.broadcast, events.receive
    sent: list[tuple[Collection[str], str]] = []

    def recorded_broadcast(
        api: BroadcastWebsocketAPI, connection_ids: Collection[str], payload: str, **options: Any
    ) -> BroadcastResult:
        if api is chat_app.websocket_api:
            sent.append((connection_ids, payload))
        return broadcast(api, connection_ids, payload, **options)

    def checked_receive(api: BroadcastWebsocketAPI, connection_id: str, body: str) -> None:
        earlier = len(sent)
        receive(api, connection_id, body)
        responses = [json.loads(payload) for ids, payload in sent[earlier:] if connection_id in ids]
        if not any(response.get("error", {}).get("code") in INVALID_FRAME_CODES for response in responses):
            asyncapi.kind_of(parse_object(body), asyncapi.RECEIVED)

    monkeypatch.setattr(BroadcastWebsocketAPI, "broadcast", recorded_broadcast)
    monkeypatch.setattr(events, "receive", checked_receive)
    yield
    for payload in {payload for _, payload in sent}:
        asyncapi.kind_of(json.loads(payload), asyncapi.SENT)
