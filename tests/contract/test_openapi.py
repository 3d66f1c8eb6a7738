"""docs/openapi.yaml describes the REST API as it is: every route of the program, and every answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from chalice.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import app as chat_app
from chalicelib import discovery, messages, rooms, settings
from tests.conftest import PROJECT

FILE = PROJECT / "docs/openapi.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text())
API = schemathesis.openapi.from_path(FILE)
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}

Request = dict[str, Any]
Ask = Callable[[str, Request], int]


def _room(room_id: str, **query: object) -> Request:
    return {"path_parameters": {"roomId": room_id}, "query": query}


def _body(**body: object) -> Request:
    return {"body": body}


ANSWERS = [
    ("getPage", {}, 200),
    ("getPageFile", {"path_parameters": {"name": "index.html"}}, 200),
    ("getPageFile", {"path_parameters": {"name": "style.css"}}, 200),
    ("getPageFile", {"path_parameters": {"name": "main.js"}}, 200),
    ("getPageFile", {"path_parameters": {"name": "icon.svg"}}, 200),
    ("getPageFile", {"path_parameters": {"name": "app.py"}}, 404),
    ("getConfig", {}, 404),
    ("createRoom", _body(roomName="Tea"), 201),
    ("createRoom", _body(roomName="Party", private=True), 201),
    ("createRoom", _body(roomName="Party", private="yes"), 400),
    ("createRoom", {"body": []}, 400),
    ("listRooms", {}, 200),
    ("listRooms", {"query": {"limit": 1}}, 200),
    ("listRooms", {"query": {"limit": 101}}, 400),
    ("getRoom", _room("TEA"), 200),
    ("getRoom", _room("PARTY", token="TOKEN"), 200),
    ("getRoom", _room("PARTY"), 403),
    ("getRoom", _room("nosuchroom"), 404),
    ("listMembers", _room("TEA"), 200),
    ("listMembers", _room("PARTY", token="another"), 403),
    ("listMembers", _room("nosuchroom"), 404),
    ("listMessages", _room("TEA"), 200),
    ("listMessages", _room("PARTY", token="TOKEN"), 200),
    ("listMessages", _room("TEA", after=2), 400),
    ("listMessages", _room("PARTY"), 403),
    ("listMessages", _room("nosuchroom"), 404),
]

ANY_PATH = {"path_parameters": {"roomId": "any", "name": "any"}}

FOUND_BY_SCHEMATHESIS = [
    # Emoji that are younger than Python's list of them were said to be blank.
    ("createRoom", _body(roomName="\U0001fae8"), 201),
    # These were refused, and rightly, but as described they were good.
    ("listMessages", _room("TEA", before=2**63 - 2), 400),
    ("listRooms", {"query": {"cursor": ""}}, 400),
    ("createRoom", _body(roomName="\u00ad"), 400),
]


@pytest.fixture
def ask(client: Client, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks the program, holds its answer against the description, and returns the status.

    Something was said in the room TEA. PARTY is a private room, which TOKEN opens.
    """
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "")
    discovery.websocket_url.cache_clear()
    tea, party = rooms.create("Tea"), rooms.create("Party", private=True)
    messages.post(rooms.join("secret-id", tea.room_id, "Aki"), "hi", "c-1")
    names = {"TEA": tea.room_id, "PARTY": party.room_id, "TOKEN": party.join_token}

    def named(part: Any) -> Any:
        return {key: names.get(value, value) for key, value in part.items()} if isinstance(part, dict) else part

    def ask(operation_id: str, request: Request) -> int:
        parts = {name: named(part) for name, part in request.items()}
        case = API.find_operation_by_id(operation_id).Case(**parts)
        asked = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
        answer = client.http.request(asked.method, asked.path_url, dict(asked.headers), asked.body or b"")
        # API Gateway's own type for an answer that has none ("Lambda proxy integrations in API Gateway").
        headers = {name: [value] for name, value in ({"Content-Type": "application/json"} | answer.headers).items()}
        case.validate_response(
            schemathesis.Response(answer.status_code, headers, answer.body, asked, elapsed=0, verify=False)
        )
        return answer.status_code

    return ask


def test_the_description_is_valid() -> None:
    validate(DOCUMENT)


def test_the_routes_described_are_those_of_the_program() -> None:
    described = {(method, re.sub(r"{\w+}", "{}", path)) for method, path, _ in OPERATIONS.values()}
    routes = {
        (method, re.sub(r"{\w+}", "{}", path)) for path, methods in chat_app.app.routes.items() for method in methods
    }
    assert described == routes


def _examples(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every example beside a schema, and that schema."""
    if isinstance(node, dict) and "schema" in node:
        examples = [node["example"]] if "example" in node else []
        examples += [example["value"] for example in node.get("examples", {}).values()]
        yield from ((example, node["schema"]) for example in examples)
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _examples(child)


def test_every_example_is_as_described() -> None:
    examples = list(_examples(DOCUMENT))
    assert len(examples) >= 10
    for example, schema in examples:
        Draft202012Validator({"components": DOCUMENT["components"], **schema}).validate(example)


@pytest.mark.parametrize(("operation_id", "request_", "status"), ANSWERS)
def test_an_answer_is_as_described(ask: Ask, operation_id: str, request_: Request, status: int) -> None:
    assert ask(operation_id, request_) == status


def test_the_address_of_the_websocket_is_as_described(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.com/live")
    assert ask("getConfig", {}) == 200


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_a_page_of_another_origin_is_refused_as_described(
    ask: Ask, operation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", ("https://chat.example.org",))
    assert ask(operation_id, ANY_PATH | {"headers": {"Origin": "https://example.com"}}) == 403


@pytest.mark.parametrize("operation_id", [name for name, (method, *_) in OPERATIONS.items() if method == "GET"])
def test_a_body_that_is_not_json_where_none_is_read_is_refused_as_described(ask: Ask, operation_id: str) -> None:
    assert ask(operation_id, ANY_PATH | {"headers": {"Content-Type": "text/plain"}}) == 415


def test_every_status_described_is_met_here() -> None:
    met = {(operation_id, status) for operation_id, _, status in ANSWERS} | {("getConfig", 200)}
    met |= {(operation_id, 403) for operation_id in OPERATIONS}
    met |= {(operation_id, 415) for operation_id, (method, *_) in OPERATIONS.items() if method == "GET"}
    described = {
        (operation_id, int(status))
        for operation_id, (*_, operation) in OPERATIONS.items()
        for status in operation["responses"]
    }
    assert described == met


@pytest.mark.parametrize(("operation_id", "request_", "status"), FOUND_BY_SCHEMATHESIS)
def test_what_schemathesis_found_once_stays_mended(ask: Ask, operation_id: str, request_: Request, status: int) -> None:
    assert ask(operation_id, request_) == status
