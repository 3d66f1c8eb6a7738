"""What holds for every test here: each frame that is sent or acted on is one that docs/asyncapi.yaml describes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

import pytest

from chalicelib import chat
from chalicelib.broadcast import MemberSockets, Outcome
from chalicelib.checks import checked_object
from tests import asyncapi

ILL_FORMED = {"invalid_json", "unknown_action", "invalid_message"}


@pytest.fixture(autouse=True)
def described_frames(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test at whose end a frame turns out not to be described."""
    broadcast, receive = MemberSockets.broadcast, chat.receive
    sent: list[tuple[Collection[str], str]] = []

    def noted_broadcast(sockets: MemberSockets, connection_ids: Collection[str], payload: str) -> Outcome:
        sent.append((connection_ids, payload))
        return broadcast(sockets, connection_ids, payload)

    def checked_receive(sockets: MemberSockets, connection_id: str, body: str) -> None:
        earlier = len(sent)
        receive(sockets, connection_id, body)
        answers = [json.loads(payload) for ids, payload in sent[earlier:] if connection_id in ids]
        if not any(answer.get("error", {}).get("code") in ILL_FORMED for answer in answers):
            asyncapi.kind_of(checked_object(body), asyncapi.TAKEN)

    monkeypatch.setattr(MemberSockets, "broadcast", noted_broadcast)
    monkeypatch.setattr(chat, "receive", checked_receive)
    yield
    for payload in {payload for _, payload in sent}:
        asyncapi.kind_of(json.loads(payload), asyncapi.SENT)
