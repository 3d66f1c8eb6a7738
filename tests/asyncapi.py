"""docs/asyncapi.yaml, and which of the frames in it a frame is."""

from __future__ import annotations

from typing import Any

import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests.conftest import PROJECT

__all__ = ["DOCUMENT", "FILE", "SENT", "TAKEN", "kind_of"]

FILE = PROJECT / "docs/asyncapi.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text())

_FILES = Registry().with_resources(
    (name, Resource.from_contents(yaml.safe_load((FILE.parent / name).read_text()), DRAFT7))
    for name in (FILE.name, "openapi.yaml")
)

Validators = dict[str, Draft7Validator]


def _validators(messages: list[dict[str, str]]) -> Validators:
    names = {message["$ref"].split("/")[-1] for message in messages}
    return {
        name: Draft7Validator(
            {"$ref": f"{FILE.name}#/components/messages/{name}/payload"},
            registry=_FILES,
            format_checker=Draft7Validator.FORMAT_CHECKER,
        )
        for name in sorted(names)
    }


_OPERATIONS = DOCUMENT["operations"].values()
TAKEN = _validators([ref for each in _OPERATIONS if each["action"] == "receive" for ref in each["messages"]])
"""The frames that members send, by their names in the description."""

SENT = _validators(
    [ref for each in _OPERATIONS if each["action"] == "send" for ref in each["messages"]]
    + [ref for each in _OPERATIONS for ref in each.get("reply", {"messages": []})["messages"]]
)
"""The frames that members are sent."""


def kind_of(frame: Any, described: Validators) -> str:
    """Return the name of a frame. Raises AssertionError when it is not exactly one of those that are described."""
    names = [name for name, validator in described.items() if validator.is_valid(frame)]
    assert len(names) == 1, f"described as {' and '.join(names) or 'nothing'}: {frame}"
    return names[0]
