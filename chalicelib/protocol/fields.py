"""Typed fields. A field validates a value of a client and describes it as JSON Schema.

    query = Object({"limit": Integer("Maximum number of rooms.", minimum=1, maximum=100, default=50)})
    query.parse_query({"limit": "20"})   # {"limit": 20}
    query.schema()                       # {"type": "object", "properties": {"limit": {"type": "integer", …}}}

`composite_fields.py` has the lists and objects of fields. WebSocket actions (actions.py) and REST routes (endpoints.py)
are declared with fields, and the JSON objects that the server sends (schemas.py, frame_schemas.py) are described with
them. docs/openapi.yaml and docs/asyncapi.yaml are generated from these declarations.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

from chalicelib.errors import InvalidInput
from chalicelib.protocol.validation import (
    parse_integer,
    text_pattern,
    validate_boolean,
    validate_identifier,
    validate_integer,
    validate_text,
)

Schema = dict[str, Any]


class Field:
    """Base class of the fields.

    required: whether the field must be present. A field with a default is optional.
    default: the value of an absent field.
    nullable: whether null is accepted and means absent.
    example: a valid value, for the documents and for the tests that call every action and route. A required field of
        an action or route needs one; Integer, Boolean, Choice, Array and Object have it by default.
    """

    def __init__(
        self,
        description: str = "",
        *,
        required: bool = True,
        default: Any = None,
        nullable: bool = False,
        example: Any = None,
    ):
        self.description = description
        self.required = required and default is None
        self.default = default
        self.nullable = nullable
        self.example = example

    def validate(self, value: Any, name: str) -> Any:
        """Validate a JSON value, and return it as a Python value.

        Raises InvalidInput with a sentence that starts with name.
        """
        raise NotImplementedError(f"{type(self).__name__} describes values that only the server produces")

    def parse(self, text: str, name: str) -> Any:
        """Parse the text of a query parameter. Raises what `validate` raises."""
        return self.validate(text, name)

    def schema(self) -> Schema:
        """Return the JSON Schema of the field."""
        schema = self._schema()
        if self.nullable:
            schema["type"] = [schema["type"], "null"]
        if self.default is not None:
            schema["default"] = self.default
        return ({"description": self.description} if self.description else {}) | schema

    def _schema(self) -> Schema:
        raise NotImplementedError


class ServerValue(Field):
    """A value that only the server produces, described by a JSON Schema of its own."""

    def __init__(self, schema: Schema, description: str = "", **options: Any):
        super().__init__(description, **options)
        self._own_schema = schema

    def _schema(self) -> Schema:
        return dict(self._own_schema)


class Text(Field):
    """A readable string of 1 to max_length code points, without control characters.

    multiline: whether it may contain line feeds and tabs.
    """

    def __init__(self, description: str = "", *, max_length: int, multiline: bool = False, **options: Any):
        super().__init__(description, **options)
        self.max_length, self.multiline = max_length, multiline

    def validate(self, value: Any, name: str) -> str:
        return validate_text(value, name, self.max_length, multiline=self.multiline)

    def _schema(self) -> Schema:
        pattern = text_pattern(multiline=self.multiline)
        return {"type": "string", "minLength": 1, "maxLength": self.max_length, "pattern": pattern}


class Name(Text):
    """A Text that is validated and returned without the spaces around it."""

    def validate(self, value: Any, name: str) -> str:
        return super().validate(value.strip(" ") if isinstance(value, str) else value, name)


class Lines(Text):
    """A multiline Text whose carriage returns are replaced by line feeds."""

    def __init__(self, description: str = "", **options: Any):
        super().__init__(description, multiline=True, **options)

    def validate(self, value: Any, name: str) -> str:
        return super().validate(re.sub("\r\n?", "\n", value) if isinstance(value, str) else value, name)

    def _schema(self) -> Schema:
        return super()._schema() | {"pattern": text_pattern(multiline=True, carriage_returns=True)}


class String(Field):
    """Any string, for a value that the program looks up or compares."""

    def validate(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise InvalidInput(f"{name} must be a string")
        return value

    def _schema(self) -> Schema:
        return {"type": "string"}


class Identifier(Field):
    """A string of min_length to max_length letters, digits, - and _, as in URLs. Errors do not quote it."""

    def __init__(self, description: str = "", *, min_length: int, max_length: int, **options: Any):
        super().__init__(description, **options)
        self.min_length, self.max_length = min_length, max_length

    def validate(self, value: Any, name: str) -> str:
        return validate_identifier(value, name, self.min_length, self.max_length)

    def _schema(self) -> Schema:
        return {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{{self.min_length},{self.max_length}}}$"}


class Integer(Field):
    """A whole number from minimum to maximum."""

    def __init__(self, description: str = "", *, minimum: int, maximum: int = sys.maxsize, **options: Any):
        super().__init__(description, **{"example": minimum} | options)
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any, name: str) -> int:
        return validate_integer(value, name, self.minimum, self.maximum)

    def parse(self, text: str, name: str) -> int:
        return parse_integer(text, name, self.minimum, self.maximum)

    def _schema(self) -> Schema:
        maximum = {} if self.maximum == sys.maxsize else {"maximum": self.maximum}
        return {"type": "integer", "minimum": self.minimum} | maximum


class Boolean(Field):
    """True or false."""

    def __init__(self, description: str = "", **options: Any):
        super().__init__(description, **{"example": True} | options)

    def validate(self, value: Any, name: str) -> bool:
        return validate_boolean(value, name)

    def _schema(self) -> Schema:
        return {"type": "boolean"}


class Choice(Field):
    """One of several strings."""

    def __init__(self, choices: Iterable[str], description: str = "", **options: Any):
        self.choices = tuple(choices)
        super().__init__(description, **{"example": self.choices[0]} | options)

    def validate(self, value: Any, name: str) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise InvalidInput(f"{name} must be one of {', '.join(self.choices)}")
        return value

    def _schema(self) -> Schema:
        return {"const": self.choices[0]} if len(self.choices) == 1 else {"enum": list(self.choices)}
