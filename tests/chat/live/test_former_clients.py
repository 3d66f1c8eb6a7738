"""Clients that know only `message`: the page of the article that this chat follows prints that of every frame."""

from __future__ import annotations

import json

from tests.support.gateway import Gateway
from tests.support.moderation import act, member_id
from tests.support.sockets import Socket


def test_client_that_prints_every_message_prints_no_blank_line(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    aki.send(json.dumps({"action": "onMessage", "data": {"message": "hello"}}))
    act(bo, "sendMessage", message="Mint for me", replyTo=2, mentions=[member_id("a")])
    act(bo, "editMessage", sequence=1, message="hi there")
    for remove in (False, True):
        act(bo, "react", sequence=2, reaction="👍", remove=remove)
    act(bo, "signal", name="typing")
    act(bo, "markRead", sequence=3)
    act(bo, "deleteMessage", sequence=1)
    printed = [frame["message"]["message"] for frame in gateway.frames["a"] if "message" in frame]
    assert printed == ["hello", "Mint for me", "Bo edited a message", "Bo deleted a message"]
    others = [frame for frame in gateway.frames["a"] if "message" not in frame]
    assert [[*frame] for frame in others] == [["reactions"], ["reactions"], ["signal"]]
