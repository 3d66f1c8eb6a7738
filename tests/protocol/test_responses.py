"""The JSON objects of stored rows, also of rows that another version of the app has written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import to_builtins

from chalicelib.protocol.responses import MessagePage, history_item
from chalicelib.storage import models

ROOM = {"room_id": "r1", "name": "Tea", "private": False, "locked": True, "keepDays": 7, "slowSeconds": 10}
BO = {"id": "m2", "name": "Bo"}


def row(event: str | None = None, details: dict[str, Any] | None = None) -> models.Message:
    return models.Message(
        sequence=12,
        event=event,
        details=details,
        text="what happened",
        sender_id="m1",
        sender_name="Aki",
        sent_at=datetime(2026, 11, 22, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("event", "details"),
    [
        (None, None),
        ("deleted", {"target": 11}),
        ("deleted", {"target": 11, "clientId": "c-1"}),
        ("updated", {"room": ROOM}),
        ("removed", {"member": BO}),
    ],
)
def test_stored_row_is_returned_with_its_details(event: str | None, details: dict[str, Any] | None) -> None:
    assert to_builtins(history_item(row(event, details))) == {
        "type": event or "message",
        "message": "what happened",
        "sender": {"id": "m1", "name": "Aki"},
        "sequence": 12,
        "sentAt": "2026-11-22T10:00:00.000Z",
    } | (details or {})


@pytest.mark.parametrize(
    ("event", "details", "known"),
    [
        ("updated", {"room": ROOM | {"topic": "Green tea"}}, {"room": ROOM}),
        ("removed", {"member": BO | {"mood": "happy"}}, {"member": BO}),
    ],
)
def test_property_of_another_version_is_left_out(event: str, details: dict[str, Any], known: dict[str, Any]) -> None:
    assert history_item(row(event, details)) == history_item(row(event, known))


def test_event_of_another_version_is_left_out() -> None:
    page = MessagePage.of([row("pinned", {"target": 11}), row()], 12, True)
    assert page.messages == [history_item(row())]
