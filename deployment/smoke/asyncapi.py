"""Classifies frames by docs/asyncapi.yaml."""

from __future__ import annotations

from typing import Any

import yaml
from jsonschema_rs import Draft7Validator

from deployment.config import PROJECT
from deployment.smoke.differences import Difference

FILE = PROJECT / "docs/asyncapi.yaml"
DOCUMENT = yaml.load(FILE.read_text(), yaml.CSafeLoader)

Validators = dict[str, Draft7Validator]


def _validators(references: list[dict[str, str]]) -> Validators:
    names = {reference["$ref"].split("/")[-1] for reference in references}
    return {
        name: Draft7Validator(
            {"components": DOCUMENT["components"], **DOCUMENT["components"]["messages"][name]["payload"]},
            validate_formats=True,
        )
        for name in sorted(names)
    }


_OPERATIONS = DOCUMENT["operations"].values()
RECEIVED = _validators([ref for each in _OPERATIONS if each["action"] == "receive" for ref in each["messages"]])
"""The frames that clients send, by name."""

SENT = _validators(
    [ref for each in _OPERATIONS if each["action"] == "send" for ref in each["messages"]]
    + [ref for each in _OPERATIONS for ref in each.get("reply", {"messages": []})["messages"]]
)
"""The frames that the server sends, by name."""


def kind_of(frame: Any, validators: Validators) -> str:
    """Return the name of a frame. Raises Difference unless the document describes it under exactly one name."""
    names = [name for name, validator in validators.items() if validator.is_valid(frame)]
    if len(names) != 1:
        raise Difference(
            f"frame that docs/asyncapi.yaml does not describe, described as {' and '.join(names) or 'nothing'}: {frame}"
        )
    return names[0]
