"""examples/bot.py as a process, in rooms of the local cloud."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests
from tenacity import retry, stop_after_delay, wait_fixed
from websockets.asyncio.client import ClientConnection

from chalicelib import settings
from deployment.smoke.client import act
from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.cloud import connection_ids
from tests.support.localcloud.client import SECONDS, Chat, message, receive
from tests.support.localcloud.running import running

NAME = "Dice"
COMMAND = "/roll"
PAGE = 100
ROOM_GONE = "room not found: it does not exist or has expired"

Bot = subprocess.Popen[str]
StartBot = Callable[[str], AbstractContextManager[Bot]]


@pytest.fixture
def start_bot(cloud: LocalCloud) -> StartBot:
    """Return a function that runs the bot in a room."""
    return lambda room_id: running(
        cloud.port, command=(sys.executable, "examples/bot.py", f"{cloud.rest_url}/", room_id)
    )


async def hear(member: ClientConnection, text: str) -> Any:
    """Return the next message, join or leave with this text."""
    while (frame := await receive(member)).get("message", {}).get("message") != text:
        pass
    return frame["message"]


async def say(member: ClientConnection, text: str) -> Any:
    await member.send(message(text))
    return await hear(member, text)


async def ask(member: ClientConnection) -> Any:
    """Say the command, and return the response."""
    return await hear(member, response_to(await say(member, COMMAND)))


def response_to(command: Any) -> str:
    return f"{command['sender']['name']} rolls a {random.Random(command['sentAt']).randint(1, 6)}"


async def mention(member: ClientConnection, member_id: str) -> Any:
    """Mention a member, and return the message."""
    text = f"@{member_id}, are you there?"
    await member.send(act("sendMessage", message=text, mentions=[member_id]))
    return await hear(member, text)


def response_to_mention(question: Any) -> str:
    return f"{question['sender']['name']}, send /roll, and I roll a die for you"


def history(chat: Chat, room_id: str, after: int = 0) -> list[Any]:
    """Return the messages after a sequence, at most 100."""
    return list(chat.get(f"/rooms/{room_id}/messages?after={after}&limit={PAGE}")["messages"])


def url_of_bot(cloud: LocalCloud, room_id: str, members_before: list[str]) -> str:
    (bot,) = set(connection_ids(cloud, room_id)) - set(members_before)
    return f"{cloud.websocket_url.replace('ws', 'http', 1)}/@connections/{bot}"


def push(url: str, *frames: Any) -> None:
    """Send frames to the bot in the name of the server."""
    for frame in frames:
        requests.post(url, data=json.dumps(frame), timeout=SECONDS).raise_for_status()


@retry(wait=wait_fixed(0.05), stop=stop_after_delay(SECONDS), reraise=True)
def close(url: str) -> None:
    """Close the bot's connection. Others hear that it joined while its `$connect` runs, during which this gets 410."""
    requests.delete(url, timeout=SECONDS).raise_for_status()


async def disconnect(bot: Bot, url: str, witness: ClientConnection) -> None:
    """Close the bot's connection, and wait until it has left. The bot does not notice until it gets SIGCONT."""
    bot.send_signal(signal.SIGSTOP)
    await asyncio.to_thread(close, url)
    await hear(witness, f"{NAME} left")


async def talk(chat: Chat, room_id: str, said: list[str]) -> None:
    """Say these messages, as several members because of the rate limit."""
    for start in range(0, len(said), settings.MESSAGES_PER_WINDOW):
        async with chat.join(room_id) as member:
            for text in said[start : start + settings.MESSAGES_PER_WINDOW]:
                await say(member, text)


def test_bot_responses_a_command_said_during_its_absence_exactly_once(
    chat: Chat, cloud: LocalCloud, start_bot: StartBot
) -> None:
    async def scenario() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            before = connection_ids(cloud, room_id)
            await say(aki, COMMAND)
            with start_bot(room_id) as bot:
                await hear(aki, f"{NAME} joined")
                first = await ask(aki)
                await disconnect(bot, url_of_bot(cloud, room_id, before), aki)
                await talk(chat, room_id, [f"message {number}" for number in range(PAGE)])
                missed = await say(aki, COMMAND)
                bot.send_signal(signal.SIGCONT)
                await hear(aki, f"{NAME} joined")
                await hear(aki, response_to(missed))
                # The bot replies in order, so this is its last reply.
                last = await ask(aki)
            said = history(chat, room_id) + history(chat, room_id, after=PAGE)
            responses = [one["sequence"] for one in said if one["sender"]["name"] == NAME]
            assert responses == [first["sequence"], missed["sequence"] + 1, last["sequence"]]

    asyncio.run(scenario())


def test_bot_ignores_repeated_early_and_unknown_frames(chat: Chat, cloud: LocalCloud, start_bot: StartBot) -> None:
    async def scenario() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            before = connection_ids(cloud, room_id)
            with start_bot(room_id):
                await hear(aki, f"{NAME} joined")
                url = url_of_bot(cloud, room_id, before)
                command = await say(aki, COMMAND)
                first = await hear(aki, response_to(command))
                early = command | {"sequence": first["sequence"] + 100}
                unknown = {"type": "dance", "message": COMMAND, "sender": command["sender"]}
                push(url, {"message": command}, {"message": early}, {"message": unknown}, {"dance": 1}, [])
                last = await ask(aki)
            responses = [one["sequence"] for one in history(chat, room_id) if one["sender"]["name"] == NAME]
            assert responses == [first["sequence"], last["sequence"]]

    asyncio.run(scenario())


def test_bot_replies_to_a_mention_also_of_its_absence(chat: Chat, cloud: LocalCloud, start_bot: StartBot) -> None:
    async def scenario() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            before = connection_ids(cloud, room_id)
            with start_bot(room_id) as bot:
                bot_id = (await hear(aki, f"{NAME} joined"))["sender"]["id"]
                sent = [await mention(aki, bot_id)]
                replies = [await hear(aki, response_to_mention(sent[0]))]
                await disconnect(bot, url_of_bot(cloud, room_id, before), aki)
                sent.append(await mention(aki, bot_id))
                await mention(aki, "8hVt2mQwXz0sY4bN")
                bot.send_signal(signal.SIGCONT)
                replies.append(await hear(aki, response_to_mention(sent[1])))
                command = await say(aki, COMMAND)
                replies.append(await hear(aki, response_to(command)))
            assert [reply["sender"]["id"] for reply in replies] == [bot_id] * 3
            asked = [message["sequence"] for message in (*sent, command)]
            assert [reply["replyTo"] for reply in replies] == asked
            assert [one["sequence"] for one in history(chat, room_id) if one["sender"]["name"] == NAME] == [
                reply["sequence"] for reply in replies
            ]

    asyncio.run(scenario())


def test_bot_neither_prints_nor_answers_edits_reactions_signals_and_deletions(chat: Chat, start_bot: StartBot) -> None:
    async def scenario() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            with start_bot(room_id) as bot:
                await hear(aki, f"{NAME} joined")
                sequence = (await say(aki, "hello"))["sequence"]
                await aki.send(act("editMessage", sequence=sequence, message="hello there"))
                await aki.send(act("react", sequence=sequence, reaction="👍"))
                await aki.send(act("signal", name="typing"))
                await aki.send(act("deleteMessage", sequence=sequence))
                await hear(aki, "Aki deleted a message")
                response = await ask(aki)
                bot.send_signal(signal.SIGINT)
                output, _ = await asyncio.to_thread(bot.communicate, timeout=SECONDS)
            assert (bot.returncode, output) == (0, "")
            events = {"edited", "deleted"}
            said = [one["sequence"] for one in history(chat, room_id) if one["type"] not in events]
            assert said == [response["replyTo"], response["sequence"]]

    asyncio.run(scenario())


def test_bot_responses_more_commands_than_the_rate_limit_admits(chat: Chat, start_bot: StartBot) -> None:
    half = settings.MESSAGES_PER_WINDOW // 2 + 1

    async def scenario() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki, chat.join(room_id, "Bo") as bo:
            with start_bot(room_id):
                await hear(aki, f"{NAME} joined")
                for member in (aki, bo):
                    for _ in range(half):
                        await member.send(message(COMMAND))
                responses = []
                while len(responses) < 2 * half:
                    frame = (await receive(aki))["message"]
                    assert frame["type"] == "message"  # the server has not closed the bot's connection
                    if frame["sender"]["name"] == NAME:
                        responses.append(frame)
            said = history(chat, room_id)
            assert responses == [one for one in said if one["sender"]["name"] == NAME]
            commands = [one for one in said if one["message"] == COMMAND]
            assert [one["message"] for one in responses] == [response_to(command) for command in commands]

    asyncio.run(scenario())


def test_bot_ends_with_the_reason_if_the_room_does_not_exist(start_bot: StartBot) -> None:
    with start_bot("nosuchroom") as bot:
        output, _ = bot.communicate(timeout=SECONDS)
    assert (bot.returncode, output) == (1, f"{ROOM_GONE}\n")


def test_bot_ends_with_the_reason_if_the_room_expires_during_its_absence(
    chat: Chat, cloud: LocalCloud, start_bot: StartBot
) -> None:
    async def scenario() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            before = connection_ids(cloud, room_id)
            with start_bot(room_id) as bot:
                await hear(aki, f"{NAME} joined")
                await disconnect(bot, url_of_bot(cloud, room_id, before), aki)
                client("dynamodb", cloud.port).delete_item(
                    TableName="chalice-chat-local-rooms", Key={"room_id": {"S": room_id}}
                )
                bot.send_signal(signal.SIGCONT)
                output, _ = await asyncio.to_thread(bot.communicate, timeout=SECONDS)
                assert (bot.returncode, output) == (1, f"{ROOM_GONE}\n")

    asyncio.run(scenario())


def test_bot_leaves_the_room_and_ends_quietly_on_ctrl_c(chat: Chat, start_bot: StartBot) -> None:
    async def scenario() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            with start_bot(room_id) as bot:
                await hear(aki, f"{NAME} joined")
                bot.send_signal(signal.SIGINT)
                output, _ = await asyncio.to_thread(bot.communicate, timeout=SECONDS)
                assert (bot.returncode, output) == (0, "")
                await hear(aki, f"{NAME} left")

    asyncio.run(scenario())
