"""Joins and leaves of many members at once: they come in one frame, or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
import time_machine

from chalicelib import limits, settings
from chalicelib.chat import presence
from chalicelib.storage.models import PresenceChange, Room
from tests.support.clock import NOON
from tests.support.gateway import GONE, Gateway
from tests.support.sockets import Socket
from tests.support.timeline import Timeline

Sockets = Callable[[str], Socket]


@pytest.fixture(autouse=True)
def _observers(socket: Sockets, room: Room, timeline: Timeline) -> None:
    """Connect Aki, who takes batches, and Bo, who does not, a minute before the others."""
    timeline.at(-60, lambda: socket("aki").connect(roomId=room.room_id, name="Aki", batch="1"))
    timeline.at(-60, lambda: socket("bo").connect(roomId=room.room_id, name="Bo"))
    timeline.run()


@pytest.fixture
def join(socket: Sockets, room: Room) -> Callable[..., None]:
    """Return a function that connects somebody."""

    def join(id_: str, name: str | None = None, **query: str) -> None:
        assert socket(id_).connect(roomId=room.room_id, name=name or id_, **query) == 200

    return join


Join = Callable[..., None]


def names(frame: dict[str, Any]) -> tuple[list[str], list[str], int]:
    """Return the names of those who have joined and left by a presence frame, and its member count."""
    found = frame["presence"]
    return [one["name"] for one in found["joined"]], [one["name"] for one in found["left"]], found["memberCount"]


def singles(gateway: Gateway, connection_id: str) -> list[str]:
    return [frame["message"]["message"] for frame in gateway.frames[connection_id] if "message" in frame]


def joined(gateway: Gateway, connection_id: str) -> list[dict[str, Any]]:
    return [frame for frame in gateway.frames[connection_id] if "presence" in frame]


def test_thirty_joins_within_a_second_are_ten_frames_and_one(timeline: Timeline, gateway: Gateway, join: Join) -> None:
    gateway.frames.clear()
    people = [f"m{number:02}" for number in range(30)]
    for number, id_ in enumerate(people):
        timeline.at(number / 50, partial(join, id_))
    timeline.run()
    assert singles(gateway, "aki") == singles(gateway, "bo") == [f"{id_} joined" for id_ in people[:10]]
    (frame,) = joined(gateway, "aki")
    assert names(frame) == (people[10:], [], 32)
    assert not joined(gateway, "bo")
    assert timeline.now <= presence.SLOT_SECONDS + 1 + presence.MARGIN_SECONDS


def test_members_who_take_no_batches_receive_each_join_below_ten_in_a_second(
    timeline: Timeline, gateway: Gateway, join: Join
) -> None:
    gateway.frames.clear()
    people = [f"m{number:02}" for number in range(25)]
    for number, id_ in enumerate(people):
        timeline.at(number, partial(join, id_))
    timeline.run()
    assert singles(gateway, "bo") == [f"{id_} joined" for id_ in people]
    assert singles(gateway, "aki") == [f"{id_} joined" for id_ in people[:10]]
    frames = joined(gateway, "aki")
    assert list(dict.fromkeys(name for frame in frames for name in names(frame)[0])) == people[10:]
    assert len(frames) == 3


def test_members_who_come_back_and_those_who_have_left(
    timeline: Timeline, gateway: Gateway, join: Join, socket: Sockets
) -> None:
    key = {name: name[0] * 22 for name in ("Cy", "Di", "Ed")}
    for id_, name in (("c1", "Cy"), ("d1", "Di"), ("d2", "Di"), ("e1", "Ed")):
        timeline.at(-40, partial(join, id_, name, key=key[name]))
    timeline.run()
    gateway.frames.clear()
    for number in range(10):
        timeline.at(0, partial(join, f"m{number}"))
    timeline.at(0.1, lambda: socket("c1").disconnect())
    timeline.at(0.2, lambda: join("c2", "Cy", key=key["Cy"]))  # he has come back
    timeline.at(0.3, lambda: join("c3", "Cy", key=key["Cy"]))
    timeline.at(0.4, lambda: socket("d1").disconnect())  # she has another connection
    timeline.at(0.5, lambda: socket("e1").disconnect())
    timeline.at(0.6, lambda: join("f1", "Flo"))
    timeline.at(0.7, lambda: socket("f1").disconnect())
    timeline.run()
    (frame,) = joined(gateway, "aki")
    assert sorted(names(frame)[0]) == ["Cy", "Di"]
    assert sorted(names(frame)[1]) == ["Ed", "Flo"]
    counts = {one["name"]: one.get("connections") for one in frame["presence"]["joined"]}
    assert counts == {"Cy": 2, "Di": None}


def test_gone_connections_leave_in_one_frame(
    timeline: Timeline, room: Room, gateway: Gateway, join: Join, socket: Sockets
) -> None:
    people = [f"m{number:02}" for number in range(30)]
    for id_ in people:
        timeline.at(-40, partial(join, id_))
        gateway.respond(id_, GONE)
    timeline.run()
    gateway.frames.clear()
    timeline.at(0, lambda: socket("bo").say("anybody?"))
    timeline.run()
    (frame,) = joined(gateway, "aki")
    assert (sorted(names(frame)[1]), names(frame)[2]) == (people, 2)
    assert singles(gateway, "bo") == singles(gateway, "aki") == ["anybody?"]


def test_leave_that_a_presence_frame_finds_reaches_everyone(timeline: Timeline, gateway: Gateway, join: Join) -> None:
    timeline.at(-50, partial(join, "cy", batch="1"))
    timeline.run()
    gateway.frames.clear()
    for number in range(12):
        timeline.at(0, partial(join, f"m{number:02}"))
    timeline.at(0.5, partial(gateway.respond, "cy", GONE))  # until then, only the first ten joins are posted to cy
    timeline.run()
    assert "cy left" in singles(gateway, "bo")


def test_join_by_a_function_whose_clock_is_a_second_late_is_announced(
    timeline: Timeline, gateway: Gateway, join: Join, clock: time_machine.Traveller
) -> None:
    for number in range(12):
        timeline.at(0.001, partial(join, f"m{number:02}"))

    def join_late() -> None:
        clock.move_to(NOON + timedelta(seconds=timeline.now - 1))
        join("late")
        clock.move_to(NOON + timedelta(seconds=timeline.now))

    timeline.at(presence.SLOT_SECONDS + 0.3, join_late)
    timeline.run()
    assert "late" in [name for frame in joined(gateway, "aki") for name in names(frame)[0]]


@pytest.mark.parametrize("seed", range(3))
def test_whoever_follows_the_frames_knows_the_members(
    timeline: Timeline, room: Room, gateway: Gateway, join: Join, socket: Sockets, seed: int
) -> None:
    random, present, now, number = Random(seed), dict[str, str](), 0.0, 0
    for _ in range(120):
        now += random.choice([0.02, 0.02, 0.1, 2])
        if present and random.random() < 0.4:
            id_ = random.choice(sorted(present))
            del present[id_]
            timeline.at(now, socket(id_).disconnect)
        else:
            number += 1
            id_, name = f"m{number}", f"n{random.randrange(30)}"
            present[id_] = name
            timeline.at(now, partial(join, id_, name, key=name.ljust(22, "x")))
    gateway.frames.clear()
    timeline.run()
    known = Counter({"Bo": 1, "Aki": 1})
    for frame in gateway.frames["aki"]:
        if "presence" in frame:
            for one in frame["presence"]["joined"]:
                known[one["name"]] = one.get("connections", 1)
            for one in frame["presence"]["left"]:
                del known[one["name"]]
        else:
            event = frame["message"]
            known[event["sender"]["name"]] += 1 if event["type"] == "join" else -1
    assert +known == Counter({"Bo": 1, "Aki": 1, **Counter(present.values())})


def test_join_costs_one_write_to_be_counted_and_in_a_burst_another_one(
    timeline: Timeline, join: Join, requests: Counter[str]
) -> None:
    costs = []
    for number in range(12):
        timeline.at(0, requests.clear)
        timeline.at(0, partial(join, f"m{number}"))
        timeline.at(0, lambda: costs.append((requests["UpdateItem"], requests["BatchWriteItem"])))
    timeline.run()
    assert costs == [(1, 0)] * 10 + [(1, 1)] * 2


def test_frames_of_a_room_that_has_grown_are_not_sent(
    timeline: Timeline, gateway: Gateway, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        timeline.at(0, partial(join, f"m{number}"))
    timeline.at(1, lambda: monkeypatch.setattr(settings, "PRESENCE_LIMIT", 5))
    timeline.run()
    assert not joined(gateway, "aki")


def test_presence_frame_fits_whatever_the_names_and_their_number(room: Room, tables: None) -> None:
    name, expires_at = "\U0001f469\u200d\U0001f692" * 13, datetime.now(UTC) + timedelta(minutes=1)
    for number in range(250):
        PresenceChange(
            room.room_id,
            f"{PresenceChange.prefix_of(7)}m{number}",
            member_id=f"{number:016}",
            name=name,
            role="moderator",
            is_verified=True,
            expires_at=expires_at,
        ).save()
    frames = presence.collect(room.room_id, 7)
    assert [len(json.loads(frame)["presence"]["left"]) for frame in frames] == [100, 100, 50]
    assert all(len(frame.encode()) < limits.MAX_FRAME_BYTES for frame in frames)
