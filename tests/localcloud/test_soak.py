"""Soak test: members and listeners lose their connections again and again, and all end with the same history.

Members send, edit and delete messages, react, take reactions back, and mark messages as read.

The functions use the strict DynamoDB, in which many writes meet a transaction in progress.

`make soak` runs it with the numbers that you choose.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from chalicelib.storage.models import Reactions
from localcloud.cloud import LocalCloud
from localcloud.stack import STAGE
from tests.support.localcloud.running import copy_runnable_project, lines_until, running
from tests.support.localcloud.soaking import SECONDS, Listener, Member, Room, Shown
from tests.support.localcloud.strict import strict_dynamodb
from tests.support.ports import free_port

SENDERS = int(os.environ.get("SENDERS", "3"))
LISTENERS = int(os.environ.get("LISTENERS", "3"))
MESSAGES = int(os.environ.get("MESSAGES", "10"))
CUTS = float(os.environ.get("CUTS", "0.2"))
DELETIONS = float(os.environ.get("DELETIONS", "0.1"))
EDITS = float(os.environ.get("EDITS", "0.1"))
REACTIONS = float(os.environ.get("REACTIONS", "0.1"))
# The client library waits longer after each connection that breaks at once, so fewer cuts take as long.
CLIENT_CUTS = min(CUTS, 0.05)
LISTENING_SECONDS = (0.2, 1.5)


class Console(NamedTuple):
    """A local cloud, the list to which its console lines are added, and a client of its DynamoDB."""

    cloud: LocalCloud
    lines: list[str]
    dynamodb: Any


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Run a local cloud on the strict DynamoDB."""
    project, port, lines = copy_runnable_project(tmp_path_factory.mktemp("project")), free_port(), []
    with running(port, project) as process:
        lines_until(process, "Page:")
        reading = Thread(target=lambda: lines.extend(process.stdout or ()))
        reading.start()
        with strict_dynamodb(port, tmp_path_factory.mktemp("dynamodb") / "data") as dynamodb:
            yield Console(LocalCloud(port, process), lines, dynamodb)
        process.terminate()
        reading.join()


def test_all_clients_end_with_the_same_history_after_many_lost_connections(console: Console) -> None:
    async def soak() -> None:
        room = Room(console.cloud)
        members = [Member(room, f"member{number}", CUTS) for number in range(SENDERS)]
        listeners = [Listener(room) for _ in range(LISTENERS)]
        witness, expected = Listener(room), asyncio.get_running_loop().create_future()
        all_done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(listener.run(all_done, LISTENING_SECONDS))
            staying = group.create_task(witness.stay(expected))
            async with asyncio.TaskGroup() as acting:
                for member in members:
                    acting.create_task(member.run(MESSAGES, edit=0.1, react=0.1, delete=DELETIONS / 2, mark=0.05))
            all_done.set()
            expected.set_result(_expected(room, members))
            await asyncio.wait([staying], timeout=2 * SECONDS)
            staying.cancel()
        print(f"{sum(m.cuts for m in members)} actions and {sum(x.cuts for x in listeners)} listeners cut off")
        for listener in (*listeners, witness):
            assert listener.timeline.shown == expected.result()
        for member in members:
            assert list(member.echoed.values()) == sorted(member.echoed.values())
            assert len(member.echoed) == MESSAGES
            assert (await member.welcome()).get("readSequence", 0) == member.read_sequence
        _check_erasure(console, await _history(room), room, [text for member in members for text in member.erased])

    asyncio.run(soak())
    _check_console(console.lines)


def _expected(room: Room, members: list[Member]) -> Shown:
    """Return what each client has to show: what members have done and not taken back."""
    texts = {sequence: text for member in members for sequence, text in member.texts.items()}
    expected: Shown = {sequence: (text, {}) for sequence, text in sorted(texts.items())}
    for member in members:
        for sequence, reaction in member.reactions:
            if sequence not in room.deleted:
                expected[sequence][1].setdefault(reaction, []).append(member.id)
    for _, reactions in expected.values():
        for ids in reactions.values():
            ids.sort()
    return expected


async def _history(room: Room) -> list[Any]:
    page, found = await room.read(after=0), []
    while page["messages"]:
        found += page["messages"]
        page = await room.read(after=found[-1]["sequence"])
    return found


def _check_erasure(console: Console, history: list[Any], room: Room, erased: list[str]) -> None:
    """Check that nothing is left of deleted messages: neither a text nor a reaction, in the history and the tables."""
    rows = [row for table in console.dynamodb.list_tables()["TableNames"] for row in _scan(console, table)]
    stored = json.dumps([history, rows], ensure_ascii=False)
    assert len(room.deleted) <= len(erased)
    assert [text for text in erased if text in stored] == []
    keys = {f"reaction#{sequence:015d}" for sequence in room.deleted}
    left = [row for row in rows if row.get("sort_key", {}).get("S") in keys and row["room_id"]["S"] == room.room_id]
    assert len(left) == len(keys)
    assert [name for row in left for name in row if name == "kinds" or name.startswith("members#")] == []


def _scan(console: Console, table: str) -> list[Any]:
    pages = console.dynamodb.get_paginator("scan").paginate(TableName=table)
    return [row for page in pages for row in page["Items"]]


def test_client_library_ends_with_the_same_history_after_many_lost_connections(
    console: Console, client_tests: Path
) -> None:
    numbers = map(str, (SENDERS, LISTENERS, MESSAGES, CLIENT_CUTS, DELETIONS, EDITS, REACTIONS))
    soak = subprocess.run(
        ["node", client_tests / "soak.mjs", console.cloud.rest_url, *numbers],  # noqa: S607
        stdout=subprocess.PIPE,
        check=True,
    )
    result = json.loads(soak.stdout)
    print(
        f"{result['cuts']} connections cut off, {result['deletions']} messages deleted, {result['reactions']} reactions"
    )
    expected = result["expected"]
    assert len(expected) == SENDERS * MESSAGES - result["deletions"]
    assert len(result["heard"]) == 1 + SENDERS + LISTENERS
    for heard in result["heard"]:
        assert [one for one in heard if one not in expected] == []
        assert heard == expected
    sent = {
        text: sequence
        for sender, echoes in enumerate(result["echoes"])
        for text, sequence in zip(
            [f"sender{sender}-{number}" for number in range(MESSAGES)], sorted(echoes.values()), strict=True
        )
    }
    assert sent == {text: sequence for echoes in result["echoes"] for text, sequence in echoes.items()}
    rows = console.dynamodb.scan(TableName=f"chalice-chat-{STAGE}-messages")
    assert "LastEvaluatedKey" not in rows
    stored = [row for row in rows["Items"] if row["room_id"]["S"] == result["roomId"]]
    texts = {text for _, text, _ in expected}
    assert texts <= {row["text"]["S"] for row in stored if "text" in row}
    former = {text for original in sent for text in (original, f"{original} edited")} - texts
    assert not [text for text in former if f'"{text}"' in json.dumps(stored)]
    with_members = [row for row in stored if any(name.startswith(Reactions.MEMBERS) for name in row)]
    reacted = {Reactions.sort_key_of(sequence) for sequence, _, count in expected if count}
    assert {row["sort_key"]["S"] for row in with_members} == reacted
    _check_console(console.lines)


def _check_console(lines: list[str]) -> None:
    assert [line for line in lines if "sendMessage" in line]
    assert [line for line in lines if "fault" in line] == []
