"""JSON Schemas and examples of the types that chalicelib/protocol declares."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, get_origin

import msgspec
from msgspec import Struct, inspect

from chalicelib.protocol import values

REFERENCE = "#/components/schemas/{name}"

Json = dict[str, Any]
Components = dict[str, Any]
"""The schemas of structs and of values with a pattern, by their names in chalicelib/protocol."""


def schema_of(type_: Any, components: Components) -> Json:
    """Return the JSON Schema of a type. Structs in it become references to components."""
    (schema,), found = msgspec.json.schema_components([type_], ref_template=REFERENCE)
    components.update({name: _share(_tidy(component), components) for name, component in sorted(found.items())})
    return dict(_tidy(schema))


def parameters_of(declared: type[Struct], components: Components) -> dict[str, tuple[Json, bool]]:
    """Return the schema of each parameter of a query string by name, and whether it is required."""
    parameters = {}
    for field in msgspec.structs.fields(declared):
        schema = schema_of(field.type, components)
        if "anyOf" in schema:  # null, the default of an optional parameter, cannot be sent
            schema = schema["anyOf"][0]
        default = {} if field.required or field.default is None else {"default": field.default}
        parameters[field.encode_name] = schema | default, field.required
    return parameters


def example_of(type_: Any) -> Any:
    """Return a valid value of a type, with the optional properties for which the type gives examples."""
    return _example(inspect.type_info(type_))


def _example(info: inspect.Type) -> Any:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=documented):
            return documented["examples"][0] if documented and "examples" in documented else _example(inner)
        case inspect.UnionType(types=types):
            return _example(next(inner for inner in types if not isinstance(inner, inspect.NoneType)))
        case inspect.StructType(fields=fields, tag=tag, tag_field=tag_field):
            return ({tag_field: tag} if tag_field else {}) | {
                field.encode_name: _example(field.type)
                for field in fields
                if field.required or _has_example(field.type)
            }
        case inspect.ListType(item_type=item):
            return [_example(item)]
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.IntType(ge=least):
            return least or 0
        case inspect.BoolType():
            return True
    return "text"


def _has_example(info: inspect.Type) -> bool:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=documented):
            return "examples" in (documented or {}) or _has_example(inner)
        case inspect.UnionType(types=types):
            return any(map(_has_example, types))
        case inspect.StructType():
            return True
    return False


def _tidy(node: Any) -> Any:
    """Return a schema in the form that readers and code generators expect.

    It has no titles of classes, no null as a default, and no examples, because operations and messages have complete
    ones. Patterns are also valid in ECMAScript.
    """
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value) for key, value in node.items() if not _is_superfluous(key, value)}
    match tidy:
        case {"enum": [value]}:
            del tidy["enum"]
            tidy |= {"type": "boolean" if isinstance(value, bool) else "string", "const": value}
    if isinstance(pattern := tidy.get("pattern"), str):
        characters = re.sub(r"\\U([0-9a-f]{8})", lambda code: chr(int(code[1], 16)), pattern)
        # Other engines of regular expressions know no surrogates.
        tidy["pattern"] = characters.replace(r"\Z", "$").replace(r"\ud800-\udfff", "")
    if tidy.get("required") == []:
        del tidy["required"]
    if isinstance(description := tidy.get("description"), str):
        tidy["description"] = " ".join(description.split())
    return tidy


def _share(node: Any, components: Components) -> Any:
    """Return a schema in which values with a pattern are references to components, so that each pattern occurs once."""
    if isinstance(node, list):
        return [_share(item, components) for item in node]
    if not isinstance(node, dict):
        return node
    if name := next((name for name, value in _values_with_pattern().items() if value == node), None):
        components[name] = node
        return {"$ref": REFERENCE.format(name=name)}
    shared = {key: _share(value, components) for key, value in node.items()}
    match shared:
        case {"anyOf": [{"type": str(kind)} as schema, {"type": "null"}]}:
            del shared["anyOf"]
            shared |= schema | {"type": [kind, "null"]}
    return shared


@cache
def _values_with_pattern() -> Components:
    named = {name: value for name, value in vars(values).items() if get_origin(value) is Annotated}
    schemas = {name: _tidy(msgspec.json.schema(value)) for name, value in named.items()}
    return {name: schema for name, schema in schemas.items() if "pattern" in schema}


def _is_superfluous(key: str, value: Any) -> bool:
    """Return whether a key of a schema is left out. A property may have the same name: its value is a schema."""
    return not isinstance(value, dict) and (key in ("title", "examples") or (key == "default" and value is None))
