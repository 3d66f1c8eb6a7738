"""docs/openapi.yaml describes the REST API: its routes, and every response of each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from chalice.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import ignored_auth

from chalicelib import settings
from chalicelib.chat import members, messages, webhooks
from chalicelib.delivery import addresses
from chalicelib.errors import NotFound, RoomNotFound, SignInUnavailable
from chalicelib.rest import endpoints
from chalicelib.rest.endpoints import Endpoint
from docs.json_schema import example_of, parameters_of
from docs.openapi import STRING_KEYS, documented_path, operation_id, operations
from tests.support.page_files import SCRIPT, STYLE
from tests.support.projects import PROJECT
from tests.support.rooms import create_room

FILE = PROJECT / "docs/openapi.yaml"
DOCUMENT = yaml.load(FILE.read_text(), yaml.CSafeLoader)
API = schemathesis.openapi.from_path(FILE)
ENDPOINTS = {operation_id(endpoint): (method, path, endpoint) for method, path, endpoint in operations()}

Request = dict[str, Any]
Ask = Callable[[str, Request], int]


def _room(room_id: str, **query: object) -> Request:
    return {"path_parameters": {"roomId": room_id}, "query": query}


def _in_room(name_: str, room_id: str, **path: str) -> Request:
    """Return the example of an operation for another room, with other path parameters, and the required query only."""
    example = _example(name_)
    return example | {
        "path_parameters": example["path_parameters"] | {"roomId": room_id} | path,
        "query": _required_query(name_),
    }


def _required_query(name: str) -> dict[str, Any]:
    """Return the examples of the parameters that the query string of an operation must have."""
    _, _, endpoint = ENDPOINTS[name]
    parameters = {} if endpoint.query is None else parameters_of(endpoint.query, {})
    return {key: example_of(endpoint.query)[key] for key, (_, required) in parameters.items() if required}


def _body(**body: object) -> Request:
    return {"body": body}


def _example(name: str) -> Request:
    """Return the example of an operation, for the room TEA."""
    _, _, endpoint = ENDPOINTS[name]
    request: Request = {
        "path_parameters": {key: example_of(type_) for key, type_ in endpoint.path.items()} | {"roomId": "TEA"},
        "query": {} if endpoint.query is None else example_of(endpoint.query),
    }
    is_query_of_reader = "owner_token" not in endpoint.types and endpoint.query is not None
    if is_query_of_reader and "owner" in endpoint.query.__struct_fields__:
        request["query"]["owner"] = "OWNER"
    if "owner_token" in endpoint.types:
        request["headers"] = {"Authorization": "Bearer OWNER"}
    if "hook_id" in endpoint.path:
        request["path_parameters"]["hook_id"] = "HOOK"
    if "hook_token" in endpoint.path:
        request["path_parameters"]["hook_token"] = "HOOKTOKEN"
    request["path_parameters"] = _named_as_documented(request["path_parameters"])
    return request if endpoint.body is None else request | _body(**example_of(endpoint.body))


def _takes_access_token(endpoint: Endpoint) -> bool:
    return "user" in endpoint.types


def _fail(_: str) -> None:
    raise SignInUnavailable


def _named_as_documented(parameters: dict[str, Any]) -> dict[str, Any]:
    return {documented_path(f"{{{key}}}").strip("{}"): value for key, value in parameters.items()}


def _derived_responses() -> Iterator[tuple[str, Request, int]]:
    """Yield the requests that follow from the declaration of each endpoint, and their statuses."""
    for name, (_, path, endpoint) in ENDPOINTS.items():
        yield name, _example(name), endpoint.status
        if "{room_id}" in path:
            yield name, _in_room(name, "nosuchroom"), 404
            yield name, _in_room(name, "PARTY"), 403
            if "owner_token" not in endpoint.types:
                yield name, _example(name) | _room("PARTY", token="another", **_required_query(name)), 403
            else:
                yield name, _example(name) | {"headers": {}}, 403
                yield name, _example(name) | {"headers": {}, "query": {"owner": "OWNER"}}, endpoint.status
                yield name, _example(name) | {"query": {"owner": "another"}}, 403
        if endpoint.path and any(issubclass(error, NotFound) for error in endpoint.errors):
            unknown = _named_as_documented(dict.fromkeys(endpoint.path, "nosuchname"))
            yield name, _in_room(name, "TEA", **unknown), 404
        elif "{" not in path and any(issubclass(error, NotFound) for error in endpoint.errors):
            yield name, _example(name) | {"path_parameters": {}}, 404
        if endpoint.etag:
            yield name, _example(name) | {"headers": {"If-None-Match": "*"}}, 304
        if endpoint.body is not None:
            yield name, _example(name) | {"body": []}, 400
            yield name, _example(name) | {"body": {"padding": "x" * endpoint.max_body_bytes}}, 413
        for parameter, (schema, _) in ({} if endpoint.query is None else parameters_of(endpoint.query, {})).items():
            if schema.keys() - STRING_KEYS:
                yield name, _example(name) | {"query": {parameter: "invalid"}}, 400


DERIVED = [response for response in _derived_responses() if response[:1] + response[2:] != ("getConfig", 404)]

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
def ask(client: Client, monkeypatch: pytest.MonkeyPatch, queue: Any, connections_url: None) -> Ask:
    """Returns the status of a response, after it has checked the response against the document.

    The room TEA has a message and a hook. PARTY is a private room, which TOKEN opens.
    """
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.com/live")
    addresses.websocket_url.cache_clear()
    tea, party = create_room("Tea"), create_room("Party", private=True)
    messages.store(members.join("secret-id", tea.room_id, "Aki"), "hi", "c-1")
    hook_id, hook_token = webhooks.create(tea.room_id, tea.owner_token or "", "Builds")
    names = {"TEA": tea.room_id, "PARTY": party.room_id, "TOKEN": party.join_token}
    names |= {
        "HOOK": hook_id,
        "HOOKTOKEN": hook_token,
        "Bearer OWNER": f"Bearer {tea.owner_token}",
        "OWNER": tea.owner_token,
    }

    def named(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        return {key: names.get(value, value) if isinstance(value, str) else value for key, value in part.items()}

    def ask(name: str, request: Request) -> int:
        parts = {key: named(part) for key, part in request.items()}
        case = API.find_operation_by_id(name).Case(**parts)
        asked = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
        headers = {"Host": "localhost"} | dict(asked.headers)
        response = client.http.request(asked.method, asked.path_url, headers, asked.body or b"")
        # The type that API Gateway adds to a response without one ("Lambda proxy integrations in API Gateway").
        received = {key: [value] for key, value in ({"Content-Type": "application/json"} | response.headers).items()}
        case.validate_response(
            schemathesis.Response(response.status_code, received, response.body, asked, elapsed=0, verify=False),
            # The first sends requests of its own, over the network. The second knows no 503 that is described.
            excluded_checks=[ignored_auth, *([not_a_server_error] if response.status_code == 503 else [])],
        )
        return response.status_code

    return ask


def test_document_is_valid() -> None:
    validate(DOCUMENT)


@pytest.mark.node
def test_redocly_finds_no_problem(node_tools: Path) -> None:
    linter = ["node", node_tools / "node_modules/@redocly/cli/bin/cli.js", "lint", "--format=json", FILE]
    offline = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    output = subprocess.run(linter, env=os.environ | offline, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert json.loads(output)["problems"] == []


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
def test_response_is_as_described(ask: Ask, name: str, request_: Request, status: int) -> None:
    assert ask(name, request_) == status


def test_response_without_a_websocket_api_is_as_described(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "")
    assert ask("getConfig", {}) == 404


def test_response_above_the_rate_limit_is_as_described(ask: Ask) -> None:
    statuses = [ask("postMessage", _example("postMessage") | _body(text=str(number))) for number in range(21)]
    assert statuses == [200] * 20 + [429]


def test_response_above_the_limit_of_a_source_is_as_described(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SOURCE_SECRET", "s" * 32)
    monkeypatch.setattr(settings, "ROOMS_PER_SOURCE", 1)
    assert [ask("createRoom", _example("createRoom")) for _ in range(2)] == [201, 429]


@pytest.mark.parametrize("name", [name for name, (*_, endpoint) in ENDPOINTS.items() if _takes_access_token(endpoint)])
def test_response_to_an_access_token_is_as_described(ask: Ask, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUTH_SECRET", "s" * 32)
    request = _example(name) | {"headers": {"Authorization": "Bearer not.a.token"}}
    assert ask(name, request) == 401
    monkeypatch.setattr(endpoints, "authenticate", _fail)
    assert ask(name, request) == 503


@pytest.mark.parametrize("name", ENDPOINTS)
def test_page_of_another_origin_is_rejected_as_described(ask: Ask, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", ("https://chat.example.org",))
    assert ask(name, _example(name) | {"headers": {"Origin": "https://example.com"}}) == 403


@pytest.mark.parametrize("name", [name for name, (method, *_) in ENDPOINTS.items() if method != "POST"])
def test_body_of_another_type_is_rejected_as_described(ask: Ask, name: str) -> None:
    headers = _example(name).get("headers", {}) | {"Content-Type": "text/plain"}
    assert ask(name, _example(name) | {"headers": headers}) == 415


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_described_status_occurs(name: str) -> None:
    method, path, endpoint = ENDPOINTS[name]
    occurring = {status for other, _, status in DERIVED if other == name} | {403}
    if method != "POST":
        occurring.add(415)
    if name == "getConfig":
        occurring.add(404)
    if name in ("createRoom", "postMessage"):
        occurring.add(429)
    if _takes_access_token(endpoint):
        occurring |= {401, 503}
    described = DOCUMENT["paths"][documented_path(path)][method.lower()]["responses"]
    assert {int(status) for status in described} == occurring


def test_endpoints_of_a_room_declare_that_it_may_not_exist() -> None:
    for method, path, endpoint in operations():
        if "{room_id}" in path:
            assert RoomNotFound in endpoint.errors, f"{method} {path}"
