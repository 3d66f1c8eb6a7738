"""Least privilege: the policy of a function grants exactly the permissions that its requests need.

Each function receives the example of every declared action or endpoint, and the events of the further code paths that
send requests to AWS. A permission that no request needs is superfluous, or its code path is missing here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import boto3
import pytest
import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib import limits, settings
from chalicelib.auth import identity
from chalicelib.auth.identity import Credentials
from chalicelib.chat import admission, members, messages, presence, webhooks
from chalicelib.delivery import jobs
from chalicelib.protocol.requests import RemoveMember
from chalicelib.rest.endpoints import Endpoint
from chalicelib.storage.models import Connection, Message, Reactions, Recipient, Room
from chalicelib.storage.transactions import transaction
from chalicelib.websocket.dispatch import ACTIONS
from deployment.functions import deployed_functions
from docs.json_schema import example_of
from docs.openapi import operations
from tests.support.gateway import GONE, Gateway
from tests.support.iam import Permission, RequestRecorder, queue
from tests.support.projects import PROJECT
from tests.support.rooms import create_room
from tests.support.sockets import Socket

CHALICE = PROJECT / ".chalice"
FRAME = '{"pong":true}'
NEVER = 2**33
"""The end of a connection, in Unix seconds."""
FUNCTIONS = json.loads((CHALICE / "config.json").read_text())["stages"]["dev"]["lambda_functions"]

DEPLOYED = deployed_functions(FUNCTIONS)


def _used_by_lambda(function: str) -> set[Permission]:
    """Return the permissions that Lambda itself uses ("AWS Managed Policy Reference").

    Of AWSLambdaBasicExecutionRole those for the log group of the function, without logs:CreateLogGroup, because the
    stack contains the log groups; for the function of the queue also those of AWSLambdaSQSQueueExecutionRole.
    """
    group = f"arn:aws:logs:*:*:log-group:/aws/lambda/{DEPLOYED[function].replace('${Stage}', 'dev')}:*"
    logs = {(action, group) for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
    if function != "fan_out":
        return logs
    actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    return logs | {(action, queue(settings.FANOUT_QUEUE)) for action in actions}


@dataclass
class Driver:
    """Sends events to the functions. Posts to the connection "gone" get a 410, those to "forbidden" a 403."""

    client: Client
    socket: Callable[[str], Socket]
    gateway: Gateway
    monkeypatch: pytest.MonkeyPatch

    def configure(self, **values: int | str) -> None:
        """Change settings."""
        for name, value in values.items():
            self.monkeypatch.setattr(settings, name, value)

    def request(self, method: str, path: str, endpoint: Endpoint, owner_token: str, **parameters: str) -> None:
        """Send the example of an endpoint, and check that it succeeds."""
        values = {name: example_of(type_) for name, type_ in endpoint.path.items()} | parameters
        query = {} if endpoint.query is None else example_of(endpoint.query)
        if endpoint.query is not None and "owner" in endpoint.query.__struct_fields__:
            query["owner"] = owner_token
        body = b"" if endpoint.body is None else json.dumps(example_of(endpoint.body)).encode()
        headers = {"Host": "localhost", "Authorization": f"Bearer {owner_token}"}
        response = self.client.http.request(method, f"{path.format(**values)}?{urlencode(query)}", headers, body)
        assert response.status_code == endpoint.status, response.body

    def act(self, member: str, action: str) -> None:
        """Send the example of an action, and check that it succeeds."""
        self.socket(member).send({"action": action, "data": example_of(data) if (data := ACTIONS[action].data) else {}})
        assert not any("error" in frame for frame in self.gateway.frames[member])

    def room(self, *ids: str) -> str:
        """Create a room whose members joined a minute ago, and return its id."""
        return str(self.owned_room(*ids).room_id)

    def owned_room(self, *ids: str, keep_days: int = 0) -> Room:
        """Create a room whose members joined a minute ago."""
        with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
            room = create_room("Tea", keep_days=keep_days)
            for id_ in ids:
                members.join(id_, room.room_id, credentials=Credentials(owner_token=room.owner_token))
        return room

    def join(self, id_: str, room_id: str, member_id: str) -> None:
        """Add a member of a given id to a room."""
        with self.monkeypatch.context() as patch:
            patch.setattr(identity, "member_id", lambda *_: member_id)
            members.join(id_, room_id, credentials=Credentials(key="k" * 22))

    def expire_token(self, id_: str) -> None:
        """Let the access token of a connection's user end."""
        Connection(id_).update([Connection.authorized_until.set(0)])

    def batch(self, room_id: str, *ids: str) -> None:
        """Invoke the fan-out function with a batch."""
        self._fan_out(jobs.Batch(chat_app.websocket_api.endpoint, room_id, [FRAME], dict.fromkeys(ids, NEVER)))

    def deliver(self, room_id: str) -> None:
        """Invoke the fan-out function with the first message of a room."""
        self._fan_out(jobs.Delivery(chat_app.websocket_api.endpoint, room_id, 1))

    def summarize(self, room_id: str) -> None:
        """Invoke the fan-out function with the reactions to the first message of a room."""
        Reactions(room_id, Reactions.sort_key_of(1), expires_at=datetime.now(UTC) + timedelta(minutes=1)).save()
        self._fan_out(jobs.Summary(chat_app.websocket_api.endpoint, room_id, 1))

    def collect(self, room_id: str) -> None:
        """Invoke the fan-out function with the joins and leaves of this moment."""
        slot = int(time.time() // presence.SLOT_SECONDS)
        for later in (0, 1):  # the next slot may have begun
            self._fan_out(jobs.Presence(chat_app.websocket_api.endpoint, room_id, slot - later))

    def tick(self, room_id: str, number: int) -> None:
        """Invoke the fan-out function with a tick of a room."""
        self._fan_out(jobs.Tick(chat_app.websocket_api.endpoint, room_id, number))

    def join_in_bursts(self) -> None:
        """Announce no join or leave at once."""
        self.monkeypatch.setattr(presence, "MAX_AT_ONCE", 0)

    def remove(self, room_id: str, member_id: str | None = None) -> None:
        """Invoke the fan-out function with the removal of all connections of a room, or of a member."""
        self._fan_out(jobs.Removal(chat_app.websocket_api.endpoint, room_id, FRAME, member_id))

    def erase(self, room_id: str) -> None:
        """Invoke the fan-out function with the erasure of a closed room."""
        self._fan_out(jobs.Erasure(room_id))

    def _fan_out(self, job: jobs.Job) -> None:
        body = jobs.serialize(job)
        chat_app.fan_out(self.client.events.generate_sqs_event([body], settings.FANOUT_QUEUE), None)


@pytest.fixture
def driver(
    on_lambda: None,
    new_process: None,
    client: Client,
    socket: Callable[[str], Socket],
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> Driver:
    """Provide the queue and the API of the stage, and functions without cached values."""
    boto3.client("sqs").create_queue(QueueName=settings.FANOUT_QUEUE)
    boto3.client("apigatewayv2").create_api(Name="chalice-chat-dev-websocket-api", ProtocolType="WEBSOCKET")
    gateway.respond("gone", GONE)
    gateway.respond("forbidden", 403)
    return Driver(client, socket, gateway, monkeypatch)


@pytest.fixture
def recorder(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> RequestRecorder:
    """Record the requests of each function."""
    recorder = RequestRecorder(monkeypatch)
    recorder.record("api_handler", driver.client.http, "request")
    for function in FUNCTIONS.keys() - {"api_handler"}:
        recorder.record(function, chat_app, function.removeprefix("websocket_"))
    return recorder


def test_no_function_writes_for_longer_than_the_erasure_of_a_room_waits() -> None:
    functions = json.loads((CHALICE / "config.json").read_text())["lambda_functions"]
    assert all(function["lambda_timeout"] < limits.MAX_FUNCTION_SECONDS for function in functions.values())


def _drive_api(driver: Driver) -> None:
    owned = driver.owned_room("a")
    hook_id, hook_token = webhooks.create(owned.room_id, owned.owner_token or "", "Builds")
    driver.socket("a").say("The examples may refer to this message.")
    for method, path, endpoint in sorted(operations(), key=lambda operation: operation[0] == "DELETE"):
        driver.request(
            method,
            path,
            endpoint,
            owned.owner_token or "",
            room_id=owned.room_id,
            hook_id=hook_id,
            hook_token=hook_token,
        )
    # A hook of a room that is extended, a repeated clientId, another text, and more messages than the limit allows.
    kept = driver.owned_room(keep_days=1)
    _, hook_token = webhooks.create(kept.room_id, kept.owner_token or "", "Builds")
    bodies = [json.dumps({"text": text, "clientId": "c-1"}).encode() for text in ["hi"] * 2 + ["ho"] * 19]
    responses = [driver.client.http.post(f"/hooks/{hook_token}", body=body).status_code for body in bodies]
    assert responses == [200] * 2 + [400] * 18 + [429]
    create_room("Coffee", private=True)
    # An edit whose message is not on the page, and what is unread for a member with a key.
    edited = driver.room("author")
    driver.socket("author").say("The examples may refer to this message.")
    driver.act("author", "editMessage")
    assert driver.client.http.get(f"/rooms/{edited}/messages?after=1").status_code == 200
    unread = json.dumps({"rooms": [{"roomId": edited}], "key": "k" * 22}).encode()
    assert driver.client.http.post("/rooms/unread", body=unread).status_code == 200
    # A source that is counted, and whose only unused room was joined.
    driver.configure(SOURCE_SECRET="s" * 32, UNUSED_ROOMS_PER_SOURCE=1)
    body = json.dumps({"roomName": "Tea"}).encode()
    room_id = driver.client.http.post("/rooms", body=body).json_body["roomId"]
    assert driver.client.http.post("/rooms", body=body).status_code == 429
    members.join("first", room_id)
    assert driver.client.http.post("/rooms", body=body).status_code == 201
    assert driver.client.http.get(f"/rooms/{room_id}").status_code == 200
    assert driver.client.http.post("/hooks/nonsense", body=b'{"text": "hi"}').status_code == 404
    driver.configure(SOURCE_SECRET="")
    # A sequence without a message: as the last one, and before another one.
    room = driver.room("b")
    for text in ("one", "two"):
        driver.socket("b").say(text)
        Message(room, Message.sort_key_of(1)).delete()
        assert driver.client.http.get(f"/rooms/{room}/messages?after=0").status_code == 200


def _drive_connect(driver: Driver) -> None:
    # A member with a key whose source is counted, and one who is banned.
    driver.configure(SOURCE_SECRET="s" * 32)
    room_id = driver.room()
    assert driver.socket("key").connect(roomId=room_id, key="k" * 22) == 200
    with transaction() as writes:
        admission.ban(writes, room_id, Connection.get("key", consistent_read=True).member_id, "Aki")
    assert driver.socket("banned").connect(roomId=room_id, key="k" * 22) == 403

    room_id = driver.room("b", "expired", "gone")
    driver.expire_token("expired")
    assert driver.socket("a").connect(roomId=room_id) == 200
    driver.configure(FANOUT_BATCH=1)
    assert driver.socket("c").connect(roomId=driver.room("d", "e")) == 200

    # Another connection of a member that has as many as it may have.
    room_id = driver.room()
    driver.monkeypatch.setattr(limits, "MAX_CONNECTIONS_PER_MEMBER", 1)
    for id_ in ("first", "second"):
        assert driver.socket(id_).connect(roomId=room_id, key="k" * 22) == 200

    with driver.monkeypatch.context() as patch:
        patch.setattr(presence, "MAX_AT_ONCE", 0)
        assert driver.socket("burst").connect(roomId=driver.room("other")) == 200

    # g leaves before its join is announced. f, the only other member, is gone when it is notified of the join.
    driver.configure(FANOUT_BATCH=2, EMPTY_ROOM_GRACE_SECONDS=0)
    driver.gateway.respond("f", 200, GONE)
    with driver.monkeypatch.context() as patch:

        def disconnect_first(room_id: str) -> dict[str, Recipient]:
            patch.undo()
            driver.socket("g").disconnect()
            return Connection.recipients_in(room_id)

        patch.setattr(Connection, "recipients_in", disconnect_first)
        assert driver.socket("g").connect(roomId=driver.room("f")) == 200


def _drive_message(driver: Driver) -> None:
    for name in ACTIONS:
        owner, other = f"owner {name}", f"other {name}"
        room = driver.owned_room(owner, "watcher " + name)
        room_id = str(room.room_id)
        webhooks.create(room_id, room.owner_token or "", "Builds")
        driver.join(other, room_id, member_id=example_of(RemoveMember)["memberId"])
        driver.socket(other).say("The examples may refer to this message.")
        driver.act(other if name in ("editMessage", "markRead") else owner, name)
    # A repeated clientId, a gone member, an invalid frame, and a connection that is in no room.
    driver.room("a", "b")
    driver.room("c", "gone")
    for _ in range(2):
        driver.socket("c").say("hi", clientId="c-1")
    driver.socket("a").send("nonsense")
    driver.socket("unknown").say("hi")
    for grace in (60, 0):
        driver.configure(EMPTY_ROOM_GRACE_SECONDS=grace)
        driver.room("gone")
        driver.socket("gone").say("hi")
    driver.configure(FANOUT_BATCH=1)
    driver.socket("a").say("hi")
    driver.join_in_bursts()
    driver.configure(FANOUT_BATCH=3)
    driver.gateway.respond("gone too", GONE)
    driver.room("burst", "gone too")
    driver.socket("burst").say("hi")
    driver.configure(MESSAGES_PER_WINDOW=1)
    driver.room("d", "e")
    for sender, warnings in (("d", 1), ("e", 0)):
        driver.monkeypatch.setattr(limits, "MAX_RATE_LIMIT_WARNINGS", warnings)
        driver.socket(sender).say("hi")
        driver.socket(sender).say("hi")


def _drive_disconnect(driver: Driver) -> None:
    driver.room("a", "b", "expired", "gone")
    driver.expire_token("expired")
    for id_ in ("a", "a", "b"):
        driver.socket(id_).disconnect()
    driver.join("key", driver.room(), member_id="m" * 16)
    driver.socket("key").disconnect()
    driver.join_in_bursts()
    driver.configure(EMPTY_ROOM_GRACE_SECONDS=0, FANOUT_BATCH=1)
    driver.room("c", "d", "e")
    for id_ in ("c", "d", "e"):
        driver.socket(id_).disconnect()


def _drive_fan_out(driver: Driver) -> None:
    driver.batch(driver.room("a", "forbidden", "gone"), "a", "forbidden", "gone")
    for grace in (60, 0):
        driver.configure(EMPTY_ROOM_GRACE_SECONDS=grace)
        driver.batch(driver.room("gone"), "gone")
    driver.configure(FANOUT_BATCH=1)
    driver.batch(driver.room("b", "c", "gone"), "b", "c", "gone")
    room_id = driver.room("d", "e")
    driver.socket("d").say("hi")
    driver.remove(room_id)
    driver.erase(room_id)
    driver.remove(driver.room("h"), "m" * 16)
    room_id = driver.room("f", "g", "gone")
    messages.store(Connection.get("f", consistent_read=True), "hi", None)
    driver.deliver(room_id)
    driver.summarize(driver.room("s", "t"))
    # Ticks of a message and of its edit, and one that was taken over.
    room_id = driver.room("u", "v")
    driver.socket("u").say("The examples may refer to this message.")
    driver.tick(room_id, 1)
    driver.act("u", "editMessage")
    for number in (2, 1):
        driver.tick(room_id, number)
    driver.join_in_bursts()
    driver.gateway.respond("gone too", GONE)
    room_id = driver.room("w", "gone too")
    driver.batch(room_id, "gone too")
    driver.collect(room_id)


DRIVES = {
    "api_handler": _drive_api,
    "websocket_connect": _drive_connect,
    "websocket_message": _drive_message,
    "websocket_disconnect": _drive_disconnect,
    "fan_out": _drive_fan_out,
}


def _granted(function: str) -> set[Permission]:
    granted = set()
    for statement in json.loads((CHALICE / FUNCTIONS[function]["iam_policy_file"]).read_text())["Statement"]:
        assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        granted |= {(action, resource) for action in statement["Action"] for resource in statement["Resource"]}
    return granted


@pytest.mark.parametrize("function", FUNCTIONS)
def test_policy_grants_exactly_what_the_function_needs(
    driver: Driver, recorder: RequestRecorder, caplog: pytest.LogCaptureFixture, function: str
) -> None:
    DRIVES[function](driver)
    assert not any(record.exc_info for record in caplog.records)
    needed = recorder.permissions(function) | _used_by_lambda(function)
    granted = _granted(function)
    assert {"missing": needed - granted, "unused": granted - needed} == {"missing": set(), "unused": set()}
