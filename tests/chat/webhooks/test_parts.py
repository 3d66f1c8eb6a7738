"""Long messages of webhooks are sent in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import regex
from chalice.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.chat import history
from chalicelib.chat.webhooks import split
from chalicelib.delivery import jobs
from chalicelib.protocol.validation import is_valid
from chalicelib.protocol.values import MessageText
from chalicelib.storage.models import IdempotencyRecord, Message
from tests.support.dynamodb import WRITES, Crash, inject_faults
from tests.support.gateway import Gateway
from tests.support.rooms import create_room
from tests.support.sockets import Socket
from tests.support.webhooks import Hooks, deliver, texts

LONG = "\n".join(f"line {number} {'x' * 80}" for number in range(120))  # about 10,800 characters
FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"


# Splitting


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x" * 4_000, ["x" * 4_000]),
        ("x" * 4_001, ["x" * 4_000, "x"]),
        ("x" * 4_000 + "\n", ["x" * 4_000]),
        ("x" * 3_000 + "\n" + "y" * 3_000, ["x" * 3_000, "y" * 3_000]),
        ("x" * 1_500 + "\n" + "y" * 3_000, ["x" * 1_500, "y" * 3_000]),
        ("x" * 3_000 + "\n  " + "y" * 3_000, ["x" * 3_000, "  " + "y" * 3_000]),
        ("x" * 3_000 + " " + "y" * 3_000, ["x" * 3_000, "y" * 3_000]),
        ("x\n" + "y" * 3_000 + " " + "z" * 3_000, ["x\n" + "y" * 3_000, "z" * 3_000]),
        ("x" * 3_000 + "\n" + "y" * 900 + " " + "z" * 3_000, ["x" * 3_000, "y" * 900 + " " + "z" * 3_000]),
        ("x" * 3_999 + FAMILY, ["x" * 3_999, FAMILY]),
        ("x" * 3_999 + " \u0301" + "y", ["x" * 3_999, " \u0301y"]),
        ("x" + "\n" * 9_000 + "y", ["x", "\ny"]),
        ("x" + "\u0301" * 4_500, ["x" + "\u0301" * 3_999, "\u0301" * 501]),
        ("\n" * 5_000, []),
        ("", []),
    ],
)
def test_text_is_split_at_line_ends_or_spaces_or_between_graphemes(text: str, parts: list[str]) -> None:
    found = split(text)
    assert [part.strip("\n") for part in found] == [part.strip("\n") for part in parts]
    assert all(len(part) <= 4_000 for part in found)


@pytest.mark.parametrize("unit", ["x", "word ", "line\n", FAMILY, "\U0001f1e9\U0001f1ea", "\n"])
def test_text_that_is_too_long_ends_with_an_ellipsis_in_the_fourth_part(unit: str) -> None:
    text = "start" + unit * 20_000 + "end"
    parts = split(text)
    assert len(parts) == 4 or unit == "\n"
    assert all(len(part) <= 4_000 for part in parts)
    assert parts[-1].endswith("…") or unit == "\n"
    remaining = text
    for part in parts:
        position = remaining.index(part.removesuffix("…"))
        assert remaining[:position].isspace() or not position
        remaining = remaining[position + len(part.removesuffix("…")) :]


@given(st.lists(st.sampled_from(["x" * 700, "\n", " ", FAMILY * 90, "e\u0301" * 400, "\u3164" * 800]), max_size=40))
def test_each_part_is_a_valid_message_of_whole_graphemes(pieces: list[str]) -> None:
    text = "".join(pieces)
    parts = split(text)
    for part in parts:
        assert is_valid(part, MessageText)
        assert not {*regex.findall(r"\X", part.removesuffix("…"))} - {*regex.findall(r"\X", text)}
    if len(text) <= 4_000:
        assert parts == ([text] if is_valid(text, MessageText) else [])


# Storing


def test_long_message_is_stored_and_delivered_in_parts(
    owner: Hooks, socket: Callable[[str], Socket], gateway: Gateway, fanout_queue: Any
) -> None:
    socket("a").connect(roomId=owner.room.room_id)
    response = owner.post(owner.create(), LONG)
    assert (response.status_code, response.json_body["sequence"]) == (200, 1)
    assert "\n".join(text or "" for text in texts(owner.room)) == LONG
    deliver(owner.client, fanout_queue)
    assert [frame["message"]["sequence"] for frame in gateway.frames["a"]] == [1, 2, 3]
    assert gateway.texts("a") == texts(owner.room)


def test_log_of_100_kilobytes_is_accepted(owner: Hooks) -> None:
    assert owner.post(owner.create(), "a line of a log\n" * 6_400).status_code == 200
    assert len(texts(owner.room)) == 4
    assert (texts(owner.room)[-1] or "").endswith("log…")


def test_each_part_has_an_idempotency_record(owner: Hooks) -> None:
    path = owner.create()
    first = owner.post(path, LONG, clientId="c-1").json_body
    assert owner.post(path, LONG, clientId="c-1").json_body == first
    assert len(texts(owner.room)) == 3
    keys = [key for key in Message.keys_in(owner.room.room_id) if key.startswith("sender-client#")]
    assert len(keys) == 3
    found = [IdempotencyRecord.find(owner.room.room_id, key) for key in keys]
    assert sorted(int(record.sequence) for record in found if record) == [1, 2, 3]


@pytest.mark.parametrize("another", [LONG + "\nmore", LONG[:4_500], LONG[: LONG.rindex("\n", 0, 4_001)], "x" * 9_000])
def test_client_id_of_a_long_message_belongs_to_its_whole_text(owner: Hooks, another: str) -> None:
    path = owner.create()
    owner.post(path, LONG, clientId="c-1")
    owner.post(path, another, clientId="c-2")
    stored = texts(owner.room)
    for text, client_id in ((another, "c-1"), (LONG, "c-2")):
        rejected = owner.post(path, text, clientId=client_id)
        assert rejected.status_code == 400
        assert "clientId belongs to another message" in rejected.json_body["Message"]
    assert texts(owner.room) == stored


def test_client_ids_of_parts_cannot_be_used(owner: Hooks) -> None:
    path = owner.create()
    owner.post(path, LONG, clientId="c")
    assert owner.post(path, "hi", clientId="c\n2").status_code == 400
    assert owner.post(path, "hi", clientId="c2").status_code == 200


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
@pytest.mark.parametrize("fatal", range(1, 8))
def test_parts_are_stored_once_after_a_crash_at_any_write(
    client: Client, fanout_queue: Any, monkeypatch: pytest.MonkeyPatch, fault: Any, fatal: int
) -> None:
    owner = Hooks(client, create_room("Tea"))
    path, writes = owner.create(), 0

    def select(operation: str, _: str) -> Any:
        nonlocal writes
        writes += operation in WRITES
        return fault if operation in WRITES and writes == fatal else None

    with monkeypatch.context() as patch:
        inject_faults(patch, select)
        with pytest.raises(Crash):
            owner.post(path, LONG, clientId="c-1")
        assert owner.post(path, LONG, clientId="c-1").status_code == 200
    assert "\n".join(text or "" for text in texts(owner.room)) == LONG
    received = fanout_queue.receive_messages(MaxNumberOfMessages=10)
    delivered = [job.sequence for message in received if isinstance(job := jobs.parse(message.body), jobs.Delivery)]
    assert {*delivered} == {int(row.sequence) for row in history.read(owner.room.room_id).messages}


def test_long_message_counts_once_for_the_rate_limit(owner: Hooks) -> None:
    path = owner.create()
    statuses = [owner.post(path, LONG).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


def test_deleted_part_is_not_stored_again(owner: Hooks, socket: Callable[[str], Socket], fanout_queue: Any) -> None:
    path = owner.create()
    owner.post(path, LONG, clientId="c-1")
    socket("a").connect(roomId=owner.room.room_id, owner=owner.room.owner_token or "")
    socket("a").send({"action": "deleteMessage", "data": {"sequence": 2}})
    stored = texts(owner.room)
    assert owner.post(path, LONG, clientId="c-1").status_code == 403
    assert texts(owner.room) == stored
