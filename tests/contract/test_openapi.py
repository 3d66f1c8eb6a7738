"""docs/openapi.yaml describes the REST API: its routes, and every answer of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from chalice.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chalicelib import discovery, members, messages, rooms, settings
from chalicelib.errors import NotFound, RoomNotFound
from chalicelib.fields import String
from docs.openapi import operation_id, operations
from tests.conftest import PROJECT
from tests.page_files import SCRIPT, STYLE

FILE = PROJECT / "docs/openapi.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text())
API = schemathesis.openapi.from_path(FILE)
ENDPOINTS = {operation_id(endpoint): (method, path, endpoint) for method, path, endpoint in operations()}

Request = dict[str, Any]
Ask = Callable[[str, Request], int]


def _room(room_id: str, **query: object) -> Request:
    return {"path_parameters": {"roomId": room_id}, "query": query}


def _body(**body: object) -> Request:
    return {"body": body}


def _example(name: str) -> Request:
    """Return the example of an operation, for the room TEA."""
    _, _, endpoint = ENDPOINTS[name]
    request: Request = {
        "path_parameters": {key: field.example for key, field in endpoint.path.items()} | {"roomId": "TEA"},
        "query": {} if endpoint.query is None else endpoint.query.example,
    }
    return request if endpoint.body is None else request | _body(**endpoint.body.example)


def _derived_answers() -> Iterator[tuple[str, Request, int]]:
    """Yield the requests that follow from the declaration of each endpoint, and their statuses."""
    for name, (_, path, endpoint) in ENDPOINTS.items():
        yield name, _example(name), endpoint.status
        if "{room_id}" in path:
            yield name, _example(name) | _room("nosuchroom"), 404
            yield name, _example(name) | _room("PARTY"), 403
            yield name, _example(name) | _room("PARTY", token="another"), 403
        elif any(issubclass(error, NotFound) for error in endpoint.errors):
            yield name, _example(name) | {"path_parameters": dict.fromkeys(endpoint.path, "nosuchname")}, 404
        if endpoint.conditional:
            yield name, _example(name) | {"headers": {"If-None-Match": "*"}}, 304
        if endpoint.body is not None:
            yield name, _example(name) | {"body": []}, 400
        for parameter, field in ({} if endpoint.query is None else endpoint.query.fields).items():
            if not isinstance(field, String):
                yield name, _example(name) | {"query": {parameter: "invalid"}}, 400


DERIVED = [answer for answer in _derived_answers() if answer[:1] + answer[2:] != ("getConfig", 404)]

FURTHER = [
    ("getPageFile", {"path_parameters": {"name": SCRIPT}}, 200),
    ("getPageFile", {"path_parameters": {"name": STYLE}}, 200),
    ("getConfig", {}, 200),
    ("createRoom", _body(roomName="Party", private=True), 201),
    ("createRoom", _body(roomName="Party", private="yes"), 400),
    ("listRooms", {"query": {"limit": 1}}, 200),
    ("listRooms", {"query": {"limit": 101}}, 400),
    ("getRoom", _room("PARTY", token="TOKEN"), 200),
    ("listMessages", _room("PARTY", token="TOKEN"), 200),
    ("listMessages", _room("TEA", after=2), 400),
]

FOUND_BY_SCHEMATHESIS = [
    # Emoji that are newer than Python's Unicode database were rejected as blank.
    ("createRoom", _body(roomName="\U0001fae8"), 201),
    # These were rejected although the document described them as valid.
    ("listMessages", _room("TEA", before=2**63 - 2), 400),
    ("listRooms", {"query": {"cursor": ""}}, 400),
    ("createRoom", _body(roomName="\u00ad"), 400),
]


@pytest.fixture
def ask(client: Client, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Returns the status of an answer, after it has checked the answer against the document.

    The room TEA has a message. PARTY is a private room, which TOKEN opens.
    """
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.com/live")
    discovery.websocket_url.cache_clear()
    tea, party = rooms.create("Tea"), rooms.create("Party", private=True)
    messages.store(members.join("secret-id", tea.room_id, "Aki"), "hi", "c-1")
    names = {"TEA": tea.room_id, "PARTY": party.room_id, "TOKEN": party.join_token}

    def named(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        return {key: names.get(value, value) if isinstance(value, str) else value for key, value in part.items()}

    def ask(name: str, request: Request) -> int:
        parts = {key: named(part) for key, part in request.items()}
        case = API.find_operation_by_id(name).Case(**parts)
        asked = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
        answer = client.http.request(asked.method, asked.path_url, dict(asked.headers), asked.body or b"")
        # The type that API Gateway adds to an answer without one ("Lambda proxy integrations in API Gateway").
        headers = {key: [value] for key, value in ({"Content-Type": "application/json"} | answer.headers).items()}
        case.validate_response(
            schemathesis.Response(answer.status_code, headers, answer.body, asked, elapsed=0, verify=False)
        )
        return answer.status_code

    return ask


def test_document_is_valid() -> None:
    validate(DOCUMENT)


def _examples(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every example and the schema beside it."""
    if isinstance(node, dict) and "schema" in node and "example" in node:
        yield node["example"], node["schema"]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _examples(child)


def test_every_example_is_valid() -> None:
    examples = list(_examples(DOCUMENT))
    assert examples
    for example, schema in examples:
        Draft202012Validator({"components": DOCUMENT["components"], **schema}).validate(example)


@pytest.mark.parametrize(("name", "request_", "status"), DERIVED + FURTHER + FOUND_BY_SCHEMATHESIS)
def test_answer_is_as_described(ask: Ask, name: str, request_: Request, status: int) -> None:
    assert ask(name, request_) == status


def test_answer_without_a_websocket_api_is_as_described(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "")
    assert ask("getConfig", {}) == 404


@pytest.mark.parametrize("name", ENDPOINTS)
def test_page_of_another_origin_is_rejected_as_described(ask: Ask, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", ("https://chat.example.org",))
    assert ask(name, _example(name) | {"headers": {"Origin": "https://example.com"}}) == 403


@pytest.mark.parametrize("name", [name for name, (method, *_) in ENDPOINTS.items() if method == "GET"])
def test_body_of_another_type_is_rejected_as_described(ask: Ask, name: str) -> None:
    assert ask(name, _example(name) | {"headers": {"Content-Type": "text/plain"}}) == 415


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_described_status_occurs(name: str) -> None:
    method, path, _ = ENDPOINTS[name]
    occurring = {status for other, _, status in DERIVED if other == name} | {403}
    if method == "GET":
        occurring.add(415)
    if name == "getConfig":
        occurring.add(404)
    described = DOCUMENT["paths"][path.replace("room_id", "roomId")][method.lower()]["responses"]
    assert {int(status) for status in described} == occurring


def test_endpoints_of_a_room_declare_that_it_may_not_exist() -> None:
    for method, path, endpoint in operations():
        if "{room_id}" in path:
            assert RoomNotFound in endpoint.errors, f"{method} {path}"
