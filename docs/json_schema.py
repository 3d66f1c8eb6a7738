"""JSON Schemas of fields, with titled objects as shared components."""

from __future__ import annotations

from typing import Any

from chalicelib.protocol.fields import Field

Components = dict[str, Any]
"""The schemas of titled objects by title."""


def schema_of(field: Field, components: Components, *, closed: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a field. Titled objects in it become references to components.

    closed: whether objects have no other properties than the declared ones. What the server sends is closed.
    """
    schema: dict[str, Any] = _extract(field.schema(), components, closed)
    return schema


def _extract(node: Any, components: Components, closed: bool) -> Any:
    if isinstance(node, list):
        return [_extract(item, components, closed) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _extract(value, components, closed) for key, value in node.items()}
    if node.get("type") == "object":
        if closed:
            node["additionalProperties"] = False
        if title := node.pop("title", None):
            components[title] = node
            return {"$ref": f"#/components/schemas/{title}"}
    return node
