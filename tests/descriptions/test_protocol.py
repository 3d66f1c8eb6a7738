"""docs/protocol.md mentions everything that is declared, and its examples are valid."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from chalicelib import errors
from chalicelib.errors import ChatError
from chalicelib.protocol.frames import FRAME_ERRORS
from chalicelib.websocket.dispatch import ACTIONS
from deployment.smoke import asyncapi
from docs.openapi import documented_path, operations
from tests.support.projects import PROJECT

PAGE = (PROJECT / "docs/protocol.md").read_text()
REST, WEBSOCKET = PAGE.split("\n## WebSocket\n")
DOCUMENT = yaml.load((PROJECT / "docs/openapi.yaml").read_text(), yaml.CSafeLoader)

DECLARED = [
    *(f"{method} {documented_path(path)}" for method, path, _ in operations()),
    *ACTIONS,
    *(error.code for error in FRAME_ERRORS),
    *(error.http_code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, ChatError)),
]


def _examples(text: str) -> Iterator[str]:
    """Yield each line of the JSON blocks."""
    for block in re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield from block.splitlines()


def _rest_examples() -> Iterator[tuple[str, str]]:
    """Yield route and example, for each example below the heading of a route."""
    for section in REST.split("\n### ")[1:]:
        route = section.split("`")[1]
        for example in _examples(section):
            yield route, example


def _schemas(operation: dict[str, Any]) -> Iterator[Any]:
    """Yield the schemas of the request and of the responses."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        if "application/json" in part.get("content", {}):
            yield part["content"]["application/json"]["schema"]


@pytest.mark.parametrize("name", DECLARED)
def test_protocol_mentions_each_declared_name(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize(("route", "example"), list(_rest_examples()))
def test_rest_example_of_protocol_is_as_described(route: str, example: str) -> None:
    method, path = route.split()
    schemas = _schemas(DOCUMENT["paths"][path][method.lower()])
    validators = [Draft202012Validator({"components": DOCUMENT["components"], **schema}) for schema in schemas]
    assert any(validator.is_valid(json.loads(example)) for validator in validators)


@pytest.mark.parametrize("example", list(_examples(WEBSOCKET)))
def test_frame_example_of_protocol_is_as_described(example: str) -> None:
    asyncapi.kind_of(json.loads(example), asyncapi.RECEIVED | asyncapi.SENT)
