"""Names that tell the members of a room apart."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib import settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import members, webhooks
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import Gateway
from tests.support.moderation import Sockets, act

AKIS, BOS, CYS = "a" * 22, "b" * 22, "c" * 22


def name_of(connection_id: str) -> str:
    return str(Connection.get(connection_id, consistent_read=True).name)


def connect(socket: Sockets, room: Room, connection_id: str, name: str, **query: str) -> str:
    """Connect, and return the given name."""
    assert socket(connection_id).connect(roomId=room.room_id, name=name, **query) == 200
    return name_of(connection_id)


def test_guest_without_a_name_is_called_by_the_member_id(socket: Sockets, room: Room) -> None:
    for connection_id in ("a", "b"):
        socket(connection_id).connect(roomId=room.room_id, key=AKIS)
        row = Connection.get(connection_id, consistent_read=True)
        assert row.name == f"guest-{row.member_id[:4]}"


def test_name_that_looks_like_that_of_another_member_gets_a_number(
    socket: Sockets, room: Room, gateway: Gateway
) -> None:
    names = ("Mia", "Mia", "mia", "\u041ci\u0430", "\uff2dia", "Mia (2)", "Max")
    given = [connect(socket, room, f"c{number}", name) for number, name in enumerate(names)]
    assert given[:3] == ["Mia", "Mia (2)", "mia (3)"]
    assert given[3].startswith("\u041ci\u0430 (")
    assert given[4].endswith(")")
    assert given[5] == "Mia (2) (2)"
    assert given[6] == "Max"
    assert len(set(given)) == len(names)


def test_member_has_the_same_name_in_every_connection(socket: Sockets, room: Room) -> None:
    assert connect(socket, room, "a", "Mia", key=AKIS) == "Mia"
    assert connect(socket, room, "b", "Mia", key=BOS) == "Mia (2)"
    assert connect(socket, room, "b2", "Mia", key=BOS) == "Mia (2)"
    socket("a").disconnect()
    assert connect(socket, room, "b3", "Mia", key=BOS) == "Mia (2)"
    assert connect(socket, room, "c", "Mia", key=CYS) == "Mia"


def test_long_name_is_cut_to_fit_its_number(socket: Sockets, room: Room) -> None:
    long = "x" * 40
    assert connect(socket, room, "a", long) == long
    assert connect(socket, room, "b", long) == "x" * 36 + " (2)"


def test_rename_gets_a_number(socket: Sockets, room: Room, gateway: Gateway) -> None:
    connect(socket, room, "a", "Mia")
    connect(socket, room, "b", "Bo")
    act(socket("b"), "rename", name="MIA")
    message = gateway.frames["a"][-1]["message"]
    assert (message["sender"]["name"], message["formerName"]) == ("MIA (2)", "Bo")
    act(socket("a"), "rename", name="Mia")
    assert name_of("a") == "Mia"


@pytest.mark.parametrize("is_away", [True, False])
def test_guest_cannot_take_the_name_of_the_owner_a_moderator_or_a_webhook(
    socket: Sockets, room: Room, gateway: Gateway, is_away: bool
) -> None:
    owner = room.owner_token or ""
    connect(socket, room, "a", "Ms. Teacher", key=AKIS, owner=owner)
    connect(socket, room, "b", "Helper", key=BOS)
    act(socket("a"), "setRole", memberId=Connection.get("b", consistent_read=True).member_id, role="moderator")
    webhooks.create(room.room_id, owner, "Builds")
    connect(socket, room, "x", "Somebody else")
    if is_away:
        for connection_id in ("a", "b"):
            socket(connection_id).disconnect()
    names = ("Ms.  Teacher", "HELPER", "Bui1ds")
    assert [connect(socket, room, f"c{number}", name) for number, name in enumerate(names)] == [
        "Ms.  Teacher (2)",
        "HELPER (2)",
        "Bui1ds (2)",
    ]
    act(socket("c0"), "rename", name="Helper")
    assert name_of("c0") == "Helper (3)"
    if is_away:
        assert connect(socket, room, "a2", "Ms. Teacher", key=AKIS, owner=owner) == "Ms. Teacher"
        assert connect(socket, room, "b2", "Helper", key=BOS) == "Helper"


def test_name_of_an_owner_without_a_key_is_kept_too(socket: Sockets, room: Room) -> None:
    connect(socket, room, "a", "Ms. Teacher", owner=room.owner_token or "")
    connect(socket, room, "x", "Somebody else")
    socket("a").disconnect()
    assert connect(socket, room, "b", "Ms. Teacher") == "Ms. Teacher (2)"


def test_room_does_not_store_a_name_that_stands_for_sentences(socket: Sockets, room: Room) -> None:
    """U+FDFA stands for 18 letters. The room is read by every join, and by the list of rooms."""
    connect(socket, room, "a", "\ufdfa" * 40, key=AKIS, owner=room.owner_token or "")
    ((role, known),) = Room.get(room.room_id, consistent_read=True).roles.values()
    assert (role, known) == ("owner", "")


def test_new_name_of_the_owner_frees_the_former_one(socket: Sockets, room: Room, gateway: Gateway) -> None:
    connect(socket, room, "a", "Aki", key=AKIS, owner=room.owner_token or "")
    act(socket("a"), "rename", name="Ai")
    assert connect(socket, room, "b", "Aki") == "Aki"
    assert connect(socket, room, "c", "Ai") == "Ai (2)"


def test_name_of_a_deleted_webhook_is_free(socket: Sockets, room: Room) -> None:
    webhook_id, _ = webhooks.create(room.room_id, room.owner_token or "", "Builds")
    webhooks.delete(room.room_id, room.owner_token or "", webhook_id)
    assert connect(socket, room, "a", "Builds") == "Builds"


def test_room_remembers_the_names_of_the_last_twenty_owners(room: Room) -> None:
    for number in range(25):
        credentials = Credentials(key=f"{number:022d}", owner_token=room.owner_token)
        members.join(f"c{number}", room.room_id, f"Owner {chr(65 + number)}", credentials)
    roles = Room.get(room.room_id, consistent_read=True).roles
    assert len(roles) == members.MAX_KNOWN_OWNERS
    assert all(role == "owner" for role, _ in roles.values())


def test_names_in_large_rooms_are_compared_with_those_of_owners_only(
    socket: Sockets, room: Room, monkeypatch: pytest.MonkeyPatch, requests: Counter[str]
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 2)
    connect(socket, room, "a", "Aki", owner=room.owner_token or "")
    for number in range(2):
        connect(socket, room, f"b{number}", "Bo")
    requests.clear()
    assert connect(socket, room, "c", "Bo") == "Bo"
    assert requests["Query"] == 0
    assert connect(socket, room, "d", "Aki") == "Aki (2)"


def test_join_costs_one_read_for_the_names(room: Room, requests: Counter[str]) -> None:
    members.join("a", room.room_id, "Aki", Credentials(key=AKIS))
    requests.clear()
    members.join("b", room.room_id, "Bo", Credentials(key=BOS))
    assert requests == {"GetItem": 1, "Query": 1, "TransactWriteItems": 1}


def test_two_owners_who_join_at_once_are_both_known(
    room: Room, monkeypatch: pytest.MonkeyPatch, requests: Counter[str]
) -> None:
    join, waiting = members._free_name, ["b"]

    def meanwhile(*arguments: object, **options: bool) -> str:
        if waiting:
            other = waiting.pop()
            members.join(other, room.room_id, "Bo", Credentials(key=BOS, owner_token=room.owner_token))
        return join(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(members, "_free_name", meanwhile)
    members.join("a", room.room_id, "Aki", Credentials(key=AKIS, owner_token=room.owner_token))
    assert len(Room.get(room.room_id, consistent_read=True).roles) == 2
