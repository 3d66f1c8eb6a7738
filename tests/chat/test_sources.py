"""Limits per source address, and bans of sources."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from botocore.exceptions import EndpointConnectionError
from chalice.test import Client, HTTPResponse

from chalicelib import settings
from chalicelib.auth import secret_values
from chalicelib.auth.configuration import check_secret
from chalicelib.auth.identity import User
from chalicelib.chat import members, rooms, sources, webhooks
from chalicelib.errors import SourceBanned, SourceLimitExceeded
from chalicelib.storage.models import Message, Room, SourceRecord, UnusedRoom
from tests.support.clock import NOON
from tests.support.dynamodb import Fault, Meanwhile, inject_faults
from tests.support.processes import import_modules
from tests.support.rooms import create_room
from tests.support.sockets import Socket, members_of

ADDRESS = "127.0.0.1"
"""The source address of the requests in the tests."""

SECRET = "s" * 32
ARN = "arn:aws:ssm:us-east-1:123456789012:parameter/chat"
NOTHING_FOUND = "aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb." + "c" * 43

Configure = Callable[..., None]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Return a function that changes settings."""

    def change(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setattr(settings, name, value)

    return change


@pytest.fixture(autouse=True)
def _sources(tables: None, clock: time_machine.Traveller, configure: Configure) -> None:
    """Every test has a secret, a clock that only the test moves, and a new process."""
    configure(SOURCE_SECRET=SECRET)
    new_process()
    sources._warn_without_secret.cache_clear()


def new_process() -> None:
    """Forget what the process has counted, as another process does not know it."""
    sources._minute = sources._Minute(0)


def create(client: Client, **body: object) -> HTTPResponse:
    return client.http.post("/rooms", body=json.dumps({"roomName": "Tea", **body}).encode())


def post(client: Client, token: str = NOTHING_FOUND) -> HTTPResponse:
    return client.http.post(f"/hooks/{token}", body=b'{"text": "hi"}')


def record(address: str = ADDRESS) -> SourceRecord:
    return SourceRecord.get(f"source#{sources.pseudonym(address)}", SourceRecord.SORT_KEY, consistent_read=True)


def test_rooms_above_the_limit_are_rejected_until_the_next_minute(
    client: Client, configure: Configure, clock: time_machine.Traveller
) -> None:
    configure(ROOMS_PER_SOURCE=2)
    clock.shift(timedelta(seconds=20))
    responses = [create(client) for _ in range(3)]
    assert [response.status_code for response in responses] == [201, 201, 429]
    assert responses[2].headers["Retry-After"] == "40"
    assert responses[2].json_body == {
        "Code": "TooManyRequestsError",
        "Message": "expected at most 2 new rooms per minute from one source address; retry after 40 seconds",
    }
    assert len(list(Room.scan(consistent_read=True))) == 2
    clock.shift(timedelta(seconds=40))
    assert [create(client).status_code for _ in range(3)] == [201, 201, 429]


def test_connections_above_the_limit_are_rejected_with_429(
    room: Room, socket: Callable[[str], Socket], configure: Configure, clock: time_machine.Traveller
) -> None:
    configure(CONNECTS_PER_SOURCE=2)
    assert [socket(id_).connect(roomId=room.room_id) for id_ in ("a", "b", "c")] == [200, 200, 429]
    assert members_of(room.room_id) == {"a", "b"}
    clock.shift(timedelta(minutes=1))
    assert socket("c").connect(roomId=room.room_id) == 200


def test_hook_posts_above_the_limit_cost_one_write_in_each_process_and_no_lookup(
    client: Client, configure: Configure, requests: Counter[str], clock: time_machine.Traveller
) -> None:
    configure(HOOK_POSTS_PER_SOURCE=2)
    assert [post(client).status_code for _ in range(2)] == [404, 404]
    requests.clear()
    assert [post(client).status_code for _ in range(5)] == [429] * 5
    assert requests == {"UpdateItem": 1}
    requests.clear()
    new_process()
    assert [post(client).status_code for _ in range(5)] == [429] * 5
    assert requests == {"UpdateItem": 2}  # the first one finds that the minute has started
    clock.shift(timedelta(minutes=1))
    assert post(client).status_code == 404


def test_kinds_are_counted_apart(client: Client, configure: Configure) -> None:
    configure(ROOMS_PER_SOURCE=1, HOOK_POSTS_PER_SOURCE=1)
    assert [create(client).status_code for _ in range(2)] == [201, 429]
    assert [post(client).status_code for _ in range(2)] == [404, 429]


def test_0_is_no_limit(client: Client) -> None:
    assert {post(client).status_code for _ in range(30)} == {404}


def test_join_costs_one_write_more(
    room: Room, socket: Callable[[str], Socket], configure: Configure, requests: Counter[str]
) -> None:
    configure(SOURCE_SECRET="")
    assert socket("a").connect(roomId=room.room_id) == 200
    without = Counter(requests)
    requests.clear()
    configure(SOURCE_SECRET=SECRET, CONNECTS_PER_SOURCE=600)
    for id_ in ("b", "c"):
        assert socket(id_).connect(roomId=room.room_id) == 200
        assert requests - without == {"UpdateItem": 1}
        requests.clear()


def test_processes_count_together(configure: Configure) -> None:
    configure(CONNECTS_PER_SOURCE=6)
    for _ in range(3):
        new_process()
        sources.count_connect(ADDRESS)
        sources.count_connect(ADDRESS)
    new_process()
    with pytest.raises(SourceLimitExceeded):
        sources.count_connect(ADDRESS)
    assert record().connects == 7


def test_process_whose_clock_is_behind_does_not_start_the_counters_again(
    configure: Configure, clock: time_machine.Traveller
) -> None:
    configure(CONNECTS_PER_SOURCE=1)
    sources.count_connect(ADDRESS)
    new_process()
    clock.shift(-timedelta(seconds=1))
    with pytest.raises(SourceLimitExceeded):
        sources.count_connect(ADDRESS)


def test_request_after_a_failed_count_starts_the_minute(
    configure: Configure, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(CONNECTS_PER_SOURCE=2)
    for _ in range(2):
        sources.count_connect(ADDRESS)
    clock.shift(timedelta(minutes=1))
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda *_: "throttling")
        sources.count_connect(ADDRESS)
    sources.count_connect(ADDRESS)
    assert record().connects == 1


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:0DB8:1:2::2", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_source_is_an_ipv4_address_or_64_bits_of_an_ipv6_address(
    configure: Configure, first: str, second: str, is_same: bool
) -> None:
    configure(ROOMS_PER_SOURCE=1)
    sources.count_room(first, is_public=False)
    assert (sources.pseudonym(first) == sources.pseudonym(second)) is is_same
    if is_same:
        with pytest.raises(SourceLimitExceeded):
            sources.count_room(second, is_public=False)
    else:
        sources.count_room(second, is_public=False)


def test_address_is_neither_stored_nor_logged(
    client: Client, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(UNUSED_ROOMS_PER_SOURCE=5)
    assert create(client).status_code == 201
    rows = [row.to_dynamodb_dict() for model in (Message, Room) for row in model.scan(consistent_read=True)]
    assert len(rows) == 3
    line = json.loads(capsys.readouterr().out)
    assert line["source"] == sources.pseudonym(ADDRESS)
    assert ADDRESS not in json.dumps([rows, line])


def test_pseudonyms_of_two_secrets_are_unrelated(configure: Configure) -> None:
    before = sources.pseudonym(ADDRESS)
    configure(SOURCE_SECRET="t" * 32)
    assert sources.pseudonym(ADDRESS) != before


@pytest.mark.parametrize("fault", ["throttling", "timeout"])
def test_join_goes_on_if_the_counter_fails(
    room: Room,
    socket: Callable[[str], Socket],
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Fault,
) -> None:
    configure(CONNECTS_PER_SOURCE=1)
    inject_faults(monkeypatch, lambda _, body: fault if "source#" in body else None)
    assert [socket(id_).connect(roomId=room.room_id) for id_ in ("a", "b")] == [200, 200]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["faults"] for line in lines] == [1, 1]


def test_join_goes_on_if_the_secret_cannot_be_read(
    room: Room, socket: Callable[[str], Socket], configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> str:
        raise EndpointConnectionError(endpoint_url="https://ssm")

    monkeypatch.setattr(secret_values, "_fetch", fail)
    monkeypatch.setattr(secret_values, "_cache", {})
    configure(SOURCE_SECRET=ARN, CONNECTS_PER_SOURCE=1)
    assert [socket(id_).connect(roomId=room.room_id) for id_ in ("a", "b")] == [200, 200]


def test_secret_of_an_arn_is_read(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = sources.pseudonym(ADDRESS)
    monkeypatch.setattr(secret_values, "_fetch", {ARN: SECRET}.__getitem__)
    monkeypatch.setattr(secret_values, "_cache", {})
    configure(SOURCE_SECRET=ARN)
    assert sources.pseudonym(ADDRESS) == expected


def test_limits_are_off_without_the_secret_and_it_is_logged_once(
    client: Client, configure: Configure, caplog: pytest.LogCaptureFixture, requests: Counter[str]
) -> None:
    configure(SOURCE_SECRET="", HOOK_POSTS_PER_SOURCE=1, UNUSED_ROOMS_PER_SOURCE=1)
    with caplog.at_level(logging.WARNING):
        assert [post(client).status_code for _ in range(3)] == [404] * 3
        assert [create(client).status_code for _ in range(3)] == [201] * 3
    assert [record.message for record in caplog.records] == [
        "the limits per source address are off: they require SOURCE_SECRET"
    ]
    assert requests == {"GetItem": 3, "PutItem": 3}


def test_banned_source_is_rejected_everywhere(client: Client, room: Room, socket: Callable[[str], Socket]) -> None:
    _, token = webhooks.create(room.room_id, room.owner_token or "", "Builds")
    sources.ban(sources.pseudonym(ADDRESS), NOON + timedelta(days=1))
    responses = [create(client), client.http.get(f"/rooms/{room.room_id}"), post(client, token)]
    assert [response.status_code for response in responses] == [403] * 3
    assert responses[0].json_body == {
        "Code": "SourceBannedError",
        "Message": "the operator of this chat has banned your network address",
    }
    assert socket("a").connect(roomId=room.room_id) == 403
    assert members_of(room.room_id) == set()


def test_other_sources_are_not_banned(room: Room) -> None:
    sources.ban(sources.pseudonym("203.0.113.7"), NOON + timedelta(days=1))
    sources.count_connect(ADDRESS)
    sources.check_ban(ADDRESS)


def test_ban_can_be_lifted(clock: time_machine.Traveller) -> None:
    """A process remembers it until the end of the minute, so that a flood costs few writes."""
    source = sources.pseudonym(ADDRESS)
    sources.ban(source, NOON + timedelta(days=1))
    with pytest.raises(SourceBanned):
        sources.count_connect(ADDRESS)
    sources.unban(source)
    clock.shift(60)
    sources.count_connect(ADDRESS)


def test_requests_of_a_banned_source_cost_one_write_in_a_minute(requests: Counter[str]) -> None:
    sources.ban(sources.pseudonym(ADDRESS), NOON + timedelta(days=1))
    requests.clear()
    for _ in range(10):
        with pytest.raises(SourceBanned):
            sources.count_hook_post(ADDRESS)
    assert requests.total() <= 2


def test_ban_ends_at_its_time(clock: time_machine.Traveller) -> None:
    sources.ban(sources.pseudonym(ADDRESS), NOON + timedelta(days=1))
    for shift in (timedelta(), timedelta(days=1, seconds=-1)):
        clock.move_to(NOON + shift)
        with pytest.raises(SourceBanned):
            sources.check_ban(ADDRESS)
        with pytest.raises(SourceBanned):
            sources.count_connect(ADDRESS)
    clock.move_to(NOON + timedelta(days=1))
    sources.check_ban(ADDRESS)
    sources.count_connect(ADDRESS)


@pytest.mark.parametrize("counted_before", [True, False])
def test_counter_expires_but_not_before_the_ban(counted_before: bool) -> None:
    if counted_before:
        sources.count_connect(ADDRESS)
        assert record().expires_at == NOON + timedelta(hours=1)
    sources.ban(sources.pseudonym(ADDRESS), until := NOON + timedelta(days=1))
    assert record().expires_at == until
    for _ in range(2):
        with pytest.raises(SourceBanned):
            sources.count_connect(ADDRESS)
    assert record().expires_at == until
    sources.unban(sources.pseudonym(ADDRESS))
    assert record().expires_at == NOON + timedelta(hours=1)


def test_public_rooms_that_nobody_has_joined_are_limited(
    client: Client, configure: Configure, clock: time_machine.Traveller
) -> None:
    configure(UNUSED_ROOMS_PER_SOURCE=2)
    ids = []
    for _ in range(2):
        ids.append(create(client).json_body["roomId"])
        clock.shift(timedelta(seconds=100))
    rejected = create(client)
    assert rejected.status_code == 429
    assert rejected.json_body["Message"].startswith("expected at most 2 public rooms that nobody has joined from one ")
    # The first room expires after an hour.
    assert rejected.headers["Retry-After"] == str(3_600 - 200 + 1)
    assert create(client, private=True).status_code == 201
    members.join("a", ids[0])
    assert create(client).status_code == 201
    assert create(client).status_code == 429
    clock.shift(timedelta(hours=2))
    assert create(client).status_code == 201


def test_lower_limit_applies_to_rooms_created_before(client: Client, configure: Configure) -> None:
    configure(UNUSED_ROOMS_PER_SOURCE=3)
    assert [create(client).status_code for _ in range(3)] == [201] * 3
    configure(UNUSED_ROOMS_PER_SOURCE=2)
    assert create(client).status_code == 429


def test_room_that_was_joined_a_moment_ago_is_not_unused(
    client: Client, configure: Configure, clock: time_machine.Traveller, meanwhile: Meanwhile
) -> None:
    configure(UNUSED_ROOMS_PER_SOURCE=1)
    room_id = create(client).json_body["roomId"]
    clock.shift(timedelta(seconds=1))
    meanwhile(lambda: members.join("a", room_id), before="BatchGetItem")
    assert create(client).status_code == 201


def test_room_that_its_members_have_left_is_not_unused(
    client: Client, configure: Configure, clock: time_machine.Traveller
) -> None:
    configure(UNUSED_ROOMS_PER_SOURCE=1)
    room_id = create(client, keepDays=1).json_body["roomId"]
    clock.shift(timedelta(seconds=1))
    members.join("a", room_id)
    members.leave(room_id, ["a"])
    assert create(client).status_code == 201


def test_used_rooms_leave_no_records(client: Client, configure: Configure, requests: Counter[str]) -> None:
    configure(UNUSED_ROOMS_PER_SOURCE=3)
    for number in range(12):
        requests.clear()
        created = create(client)
        assert created.status_code == 201
        assert requests["Query"] == 1
        members.join(f"c-{number}", created.json_body["roomId"])
    partition = f"source#{sources.pseudonym(ADDRESS)}"
    assert len(list(UnusedRoom.query(partition, UnusedRoom.sort_key.startswith("room#"), consistent_read=True))) <= 3


def test_closed_room_leaves_no_record(client: Client, configure: Configure) -> None:
    configure(UNUSED_ROOMS_PER_SOURCE=3)
    room_id = create(client).json_body["roomId"]
    rooms.close(room_id)
    rows = [row.to_dynamodb_dict() for row in Message.scan(consistent_read=True)]
    assert {row["sort_key"]["S"] for row in rows if room_id in json.dumps(row)} == {"sequence"}


def test_keep_days_may_require_sign_in(client: Client, configure: Configure) -> None:
    configure(KEEP_DAYS_REQUIRES_SIGN_IN=True)
    rejected = create(client, keepDays=1)
    assert (rejected.status_code, rejected.json_body["Code"]) == (403, "ForbiddenError")
    assert create(client).status_code == 201
    user = User("https://id.example.org", "aki", ("Aki",), None, False, NOON + timedelta(hours=1))
    assert create_room("Tea", keep_days=1, user=user).keep_days == 1


@pytest.mark.parametrize("secret", ["s" * 31, " " + "s" * 32, ARN + " ", "\n" * 40])
def test_invalid_secret_is_rejected(configure: Configure, secret: str) -> None:
    configure(SOURCE_SECRET=secret)
    with pytest.raises(ValueError, match=r"SOURCE_SECRET must (have at least 32 bytes, or be an ARN|not start or end)"):
        check_secret("SOURCE_SECRET")


def test_no_function_starts_with_an_invalid_secret() -> None:
    failed = import_modules("app", SOURCE_SECRET="too short", AWS_DEFAULT_REGION="us-east-1")
    assert failed.returncode == 1
    assert "SOURCE_SECRET must have at least 32 bytes" in failed.stderr
