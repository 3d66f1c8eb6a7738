"""Console output of `make run` for each request and frame."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from localcloud.console import format_line
from tests.support.localcloud.running import SECONDS, copy_runnable_project, lines_until, running
from tests.support.ports import free_port

LINE = {"function": "websocket_message", "outcome": "sendMessage", "duration_ms": 12.34}


def columns(**facts: Any) -> list[str]:
    return re.split(r" {2,}", format_line(json.dumps(LINE | facts)))[1:]


def test_line_has_function_room_outcome_and_duration() -> None:
    shown = columns(room_id="Tea-1", dynamodb_requests=4, stage="local")
    assert shown == ["websocket_message", "Tea-1", "sendMessage", "12.3 ms"]


def test_line_begins_with_the_time_of_day() -> None:
    assert re.match(r"\d\d:\d\d:\d\d  websocket_message ", format_line(json.dumps(LINE)))


def test_line_counts_deliveries() -> None:
    assert columns(delivered=3, gone=1, failed=0)[-1] == "3 delivered, 1 gone, 0 failed"
    assert columns(queued=2000)[-1] == "2000 queued"


def test_line_of_an_internal_error_has_its_reference() -> None:
    assert columns(outcome="internal", reference="1a2b3c4d")[-1] == "reference 1a2b3c4d"


@pytest.mark.parametrize("line", ['  File "app.py", line 9', "", "12", "null", "[1]", '{"outcome": "odd"}'])
def test_other_lines_stay_unchanged(line: str) -> None:
    assert format_line(line) == line


def test_console_shows_requests_frames_and_tracebacks(tmp_path: Path) -> None:
    chat = copy_runnable_project(tmp_path) / "chalicelib/websocket/actions.py"
    working = "context.reply(Pong())"
    assert working in chat.read_text()
    chat.write_text(chat.read_text().replace(working, "raise RuntimeError('out of order')"))
    with running(free_port(), tmp_path) as process:
        rest = lines_until(process, "Page:")[-1].removeprefix("Page: ")
        created = requests.post(f"{rest}rooms", json={"roomName": "Tea"}, timeout=SECONDS).json()
        room = created["roomId"]
        assert re.search(r"  api_handler +POST /rooms 201 +[\d.]+ ms$", lines_until(process, "POST /rooms")[-1])
        url = requests.get(f"{rest}config", timeout=SECONDS).json()["webSocketUrl"]
        with connect(f"{url}?roomId={room}") as member:
            member.send('{"action": "sendMessage", "data": {"message": "hi"}}')
            member.recv(SECONDS)
            said = rf"  websocket_message +{room} +sendMessage +[\d.]+ ms  1 delivered, 0 gone, 0 failed$"
            assert re.search(said, lines_until(process, "sendMessage")[-1])
            headers = {"Authorization": f"Bearer {created['ownerToken']}"}
            hooks = f"{rest}rooms/{room}/hooks"
            hook = requests.post(hooks, json={"name": "Builds"}, headers=headers, timeout=SECONDS).json()["url"]
            for url in (hook, f"{hook}x"):
                requests.post(url, json={"text": "hi"}, timeout=SECONDS)
            member.recv(SECONDS)
            shown = lines_until(process, "POST /hooks/{hook_token} 404")
            assert any("POST /hooks/{hook_token} 200" in line for line in shown)
            assert not any(hook.rpartition(".")[2] in line or created["ownerToken"] in line for line in shown)
            member.send('{"action": "ping"}')
            (reference,) = re.findall(r"reference (\w+)", str(member.recv(SECONDS)))
            shown = lines_until(process, "RuntimeError: out of order")
            assert shown.count("Traceback (most recent call last):") == 1
            assert lines_until(process, "  internal  ")[-1].endswith(f"reference {reference}")
