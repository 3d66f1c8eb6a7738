"""Fields that consist of other fields: lists, objects, and alternatives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.errors import InvalidInput
from chalicelib.protocol.fields import Field, Schema


class Array(Field):
    """A list of up to max_items values of one kind."""

    def __init__(self, items: Field, description: str = "", *, max_items: int | None = None, **options: Any):
        super().__init__(description, **{"example": [items.example]} | options)
        self.items, self.max_items = items, max_items

    def validate(self, value: Any, name: str) -> list[Any]:
        if not isinstance(value, list) or (self.max_items is not None and len(value) > self.max_items):
            limit = "" if self.max_items is None else f" of at most {self.max_items} values"
            raise InvalidInput(f"{name} must be an array{limit}")
        return [self.items.validate(item, f"{name}[{index}]") for index, item in enumerate(value)]

    def _schema(self) -> Schema:
        limit = {} if self.max_items is None else {"maxItems": self.max_items}
        return {"type": "array", "items": self.items.schema()} | limit


class Object(Field):
    """Named fields. Input may contain other properties, which are ignored.

    title: the name of the schema in the documents, for an object that appears in several places.
    """

    def __init__(self, fields: Mapping[str, Field], description: str = "", *, title: str | None = None, **options: Any):
        self.fields = dict(fields)
        self.title = title
        example = {name: field.example for name, field in self.fields.items() if field.example is not None}
        super().__init__(description, **{"example": example} | options)

    def validate(self, value: Any, name: str = "") -> dict[str, Any]:
        """Return the declared properties of a JSON object; absent ones have their default.

        Raises InvalidInput if a required property is missing, or one is not as declared.
        """
        if not isinstance(value, dict):
            raise InvalidInput(f"{name or 'the value'} must be an object")
        prefix = f"{name}." if name else ""
        return {
            key: field.default
            if self._is_absent(field, value, key, prefix)
            else field.validate(value[key], f"{prefix}{key}")
            for key, field in self.fields.items()
        }

    def parse_query(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the declared parameters of a query string; absent ones have their default.

        Raises InvalidInput if a required parameter is missing, or one is not as declared.
        """
        missing = [key for key, field in self.fields.items() if field.required and key not in query]
        if missing:
            raise InvalidInput(f"{missing[0]} must be in the query string, as in ?{missing[0]}=…")
        return {
            key: field.parse(query[key], key) if key in query else field.default for key, field in self.fields.items()
        }

    @staticmethod
    def _is_absent(field: Field, value: Mapping[str, Any], key: str, prefix: str) -> bool:
        if field.required and key not in value:
            raise InvalidInput(f"{prefix}{key} is missing")
        return key not in value or (field.nullable and value[key] is None)

    def _schema(self) -> Schema:
        required = [name for name, field in self.fields.items() if field.required]
        return (
            ({"title": self.title} if self.title else {})
            | {"type": "object"}
            | ({"required": required} if required else {})
            | {"properties": {name: field.schema() for name, field in self.fields.items()}}
        )


class OneOf(Field):
    """A value of one of several kinds. Only the server produces it."""

    def __init__(self, kinds: Iterable[Field], description: str = "", **options: Any):
        self.kinds = tuple(kinds)
        super().__init__(description, **{"example": self.kinds[0].example} | options)

    def _schema(self) -> Schema:
        return {"oneOf": [kind.schema() for kind in self.kinds]}
