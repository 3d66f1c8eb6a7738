"""Helpers for CloudFormation templates."""

from __future__ import annotations

from typing import Any


def of_type(resources: dict[str, Any], type_: str) -> dict[str, Any]:
    """Return the resources of a type, by logical ID."""
    return {name: resource for name, resource in resources.items() if resource["Type"] == type_}


def differs(parameter: str, value: str) -> dict[str, Any]:
    """Return the condition that a parameter has another value."""
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, value]}]}


def value_if(condition: str, value: object) -> dict[str, Any]:
    """Return a value that a property has only if a condition of the template holds."""
    return {"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]}
