"""The command of the smoke test, against the local cloud and against chats with deliberate faults."""

from __future__ import annotations

import asyncio
import json
import operator
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from deployment.smoke import client, observations
from deployment.smoke.__main__ import main
from deployment.smoke.run import SCENARIOS
from localcloud import stack
from localcloud.cloud import LocalCloud
from tests.support.localcloud.client import Chat
from tests.support.localcloud.proxy import Fault, Page, Relay, proxy
from tests.support.projects import PROJECT
from tests.support.users import SECRET, own_token

FAULTY_SECONDS = 8  # the longest wait for what a fault withholds: a cold start takes about one

HOOKS = "message of a hook reaches a member"
CATCHING_UP = "missed messages are in the history after a cut"
CLOSING = "closed room ends all connections"
ORIGINS = "page of another origin may use the chat"
PAGE = "page opens with its files"
RESENDING = "message that is sent again is stored once"
TALKING = "messages stay in their room"
UNKNOWN = "unknown room is rejected"


class LostEcho(Fault):
    def receive(self, relay: Relay, frame: Any) -> list[Any]:
        return [] if frame.get("message", {}).get("clientId") in relay.sent else [frame]


class DoubledMessage(Fault):
    def receive(self, relay: Relay, frame: Any) -> list[Any]:
        return [frame, frame] if frame.get("message", {}).get("type") == "message" else [frame]


class EchoInOtherRooms(Fault):
    def receive(self, relay: Relay, frame: Any) -> list[Any]:
        if frame.get("message", {}).get("type") == "message":
            for other in self.relays:
                if other.room_id != relay.room_id:
                    other.deliver(frame)
        return [frame]


class MessageMissingInHistory(Fault):
    def change_response(self, path: str, page: Page) -> None:
        if path.endswith("/messages") and b'"two"' in page.body:
            body = json.loads(page.body)
            body["messages"] = [one for one in body["messages"] if one["message"] != "two"]
            page.body = json.dumps(body).encode()


class ResendStoredTwice(Fault):
    def send(self, relay: Relay, frame: Any) -> list[Any]:
        data = frame.get("data", {})
        if data.get("clientId") in relay.sent:
            return [frame | {"data": data | {"clientId": f"{data['clientId']}-again"}}]
        return [frame]

    def receive(self, relay: Relay, frame: Any) -> list[Any]:
        content = frame.get("message", {})
        if "clientId" in content:
            return [{"message": content | {"clientId": content["clientId"].removesuffix("-again")}}]
        return [frame]


class ClosedRoomStaysOpen(Fault):
    def send(self, relay: Relay, frame: Any) -> list[Any]:
        if frame.get("action") != "closeRoom":
            return [frame]
        sender = {"id": "8hVt2mQwXz0sY4bN", "name": "Aki"}
        relay.deliver({"message": {"type": "closed", "message": "Aki closed the room", "sender": sender}})
        return []


class HookIsNotDelivered(Fault):
    def receive(self, relay: Relay, frame: Any) -> list[Any]:
        return [] if frame.get("message", {}).get("sender", {}).get("bot") else [frame]


class WrongStatus(Fault):
    def change_response(self, path: str, page: Page) -> None:
        if path == "/rooms/nosuchroom":
            page.status = 500


class WrongOrigin(Fault):
    def change_response(self, path: str, page: Page) -> None:
        page.headers["Access-Control-Allow-Origin"] = "https://other.example"


class PageWithoutPolicy(Fault):
    def change_response(self, path: str, page: Page) -> None:
        page.headers.pop("Content-Security-Policy", None)


FAULTS = [
    (LostEcho, TALKING, "expected a frame, got none within 8 seconds"),
    (DoubledMessage, TALKING, "the clientId of the echo: expected 'c-onMessage', got 'c-sendMessage'"),
    (EchoInOtherRooms, TALKING, "what another room hears: expected [], got [{'message'"),
    (MessageMissingInHistory, CATCHING_UP, "the messages after the cut: expected"),
    (ResendStoredTwice, RESENDING, "the echo of the message sent again: expected"),
    (ClosedRoomStaysOpen, CLOSING, "the closed room: expected 'NotFoundError', got None; the rooms that stay open"),
    (HookIsNotDelivered, HOOKS, "expected a frame, got none within 8 seconds"),
    (WrongStatus, UNKNOWN, "GET of a room for an unknown room: expected (404, 'NotFoundError'), got (500,"),
    (WrongOrigin, ORIGINS, "expected that Access-Control-Allow-Origin allows http://localhost:5173"),
    (PageWithoutPolicy, PAGE, "expected a Content-Security-Policy that excludes other scripts, got ''"),
]


WITHHOLDING = {LostEcho, ClosedRoomStaysOpen, HookIsNotDelivered}


@pytest.mark.parametrize(("fault", "scenario", "difference"), FAULTS, ids=[fault.__name__ for fault, *_ in FAULTS])
def test_fault_is_reported_with_its_scenario(
    cloud: LocalCloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: type[Fault],
    scenario: str,
    difference: str,
) -> None:
    monkeypatch.setenv("ONLY", scenario)
    if fault in WITHHOLDING:
        monkeypatch.setattr(client, "SECONDS", FAULTY_SECONDS)
    with proxy(cloud, fault()) as address:
        assert main(address) == 1
    _, _, line, _, summary = capsys.readouterr().out.splitlines()
    assert line.startswith(scenario)
    assert difference in line.partition("DIFFERENT: ")[2]
    assert summary == f"Different: {scenario}"


def test_everything_is_as_expected_on_the_local_cloud_and_nothing_is_left(cloud: LocalCloud, chat: Chat) -> None:
    """The proxy without a fault changes nothing."""
    before = _room_ids(cloud)
    with proxy(cloud, Fault()) as address:
        command = [sys.executable, "-m", "deployment.smoke", address]
        ran = subprocess.run(command, cwd=PROJECT, text=True, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.endswith("  ok")] == [
        next(line for line in lines if line.startswith(scenario.name)) for scenario in SCENARIOS
    ]
    assert [line.split("  ")[0] for line in lines if "messages" in line and "to " in line][-2:] == [
        "100 messages, to the echo",
        "100 messages, to a second member",
    ]
    for observed in (
        "a stage's throttle counts posts to @connections: not measured: no throttle on this machine",
        '"+" in a query string arrives as a space ($connect)',
        # MiniStack shows every rejected client 403.
        "a handshake that $connect rejects with 400 shows 403, 403 shows 403, 404 shows 403",
    ):
        assert observed in lines
    assert any(line.startswith("the member list shows a join within") for line in lines)
    made = _room_ids(cloud) - before
    assert {chat.request("GET", f"/rooms/{room_id}").status_code for room_id in made} <= {404}


def test_interrupted_run_closes_its_rooms(cloud: LocalCloud, chat: Chat) -> None:
    before = _room_ids(cloud)
    command = [sys.executable, "-m", "deployment.smoke", cloud.rest_url]
    # Processes inherit ignored signals, and a shell starts background processes with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        until(lambda: bool(_room_ids(cloud) - before))
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=client.SECONDS)
    assert (run.returncode, error) == (1, "error: stopped before the end; the rooms are closed\n")
    made = _room_ids(cloud) - before
    assert {chat.request("GET", f"/rooms/{room_id}").status_code for room_id in made} <= {404}


@retry(retry=retry_if_result(operator.not_), wait=wait_fixed(0.05), stop=stop_after_delay(client.SECONDS))
def until(condition: Callable[[], bool]) -> bool:
    """Poll until the condition holds."""
    return condition()


def _room_ids(cloud: LocalCloud) -> set[str]:
    rooms = stack.client("dynamodb", cloud.port).scan(TableName="chalice-chat-local-rooms")
    assert "LastEvaluatedKey" not in rooms
    return {item["room_id"]["S"] for item in rooms["Items"]}


def test_burst_is_received_by_all_members(chat: Chat) -> None:
    seen = asyncio.run(observations.burst(chat, receivers=5, senders=2, messages=4))
    assert (seen.expected, seen.arrived, seen.errors) == (20, 20, 0)
    assert seen.seconds > 0


@pytest.fixture
def sign_in(cloud: LocalCloud) -> Iterator[None]:
    """Let the chat require sign-in with tokens of a back end of one's own."""
    functions = stack.client("lambda", cloud.port)
    before = {one["FunctionName"]: one["Environment"]["Variables"] for one in functions.list_functions()["Functions"]}
    for name, variables in before.items():
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables | {"AUTH_SECRET": SECRET}}
        )
    yield
    for name, variables in before.items():
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_unknown_scenario_is_reported_with_the_known_ones(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONLY", "dance")
    assert main(cloud.rest_url) == 1
    assert capsys.readouterr().err.startswith("error: no scenario has 'dance' in its name, only: messages stay in")


def test_user_with_an_access_token_runs_what_needs_no_second_person(
    cloud: LocalCloud, sign_in: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN", own_token(name="Rin", chat_owner=True))
    monkeypatch.setenv("ONLY", "room")
    assert main(cloud.rest_url) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.count("not run: it needs several guests, not one user") == 2
