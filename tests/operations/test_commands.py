"""The operator's commands and what they need."""

from __future__ import annotations

import re

import pytest

from operations.__main__ import run
from operations.errors import OperationError


@pytest.mark.parametrize(
    ("command", "variables", "error"),
    [
        ("close-room", {}, "ROOM is missing: expected ROOM=…"),
        ("export-room", {}, "ROOM is missing: expected ROOM=…"),
        ("delete-messages", {"ROOM": "tea"}, "MEMBER is missing: expected MEMBER=…"),
        ("ban-source", {}, "SOURCE is missing: expected SOURCE=…"),
        ("unban-source", {}, "SOURCE is missing: expected SOURCE=…"),
        ("open-room", {}, "there is no command open-room"),
        ("rooms", {"SORT": "size"}, "SORT must be age, members, traffic, not size"),
    ],
)
def test_command_without_what_it_needs_is_rejected(
    monkeypatch: pytest.MonkeyPatch, command: str, variables: dict[str, str], error: str
) -> None:
    for name in ("ROOM", "MEMBER", "SOURCE", "SORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OperationError, match=f"^{re.escape(error)}$"):
        list(run(command))
