"""Generates docs/openapi.yaml from the endpoints that app.py declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from inspect import getdoc
from typing import Any

import app as chat_app
from chalicelib import errors
from chalicelib.errors import BodyTooLarge, ChatError, Forbidden, InvalidInput, SignInUnavailable, Unauthorized
from chalicelib.rest.endpoints import ENDPOINTS, Endpoint
from docs.json_schema import Components, example_of, parameters_of, schema_of

Json = dict[str, Any]

DESCRIPTION = """\
Every response is JSON, except for the files of the page. Errors have the form `{"Code", "Message"}`; the Message says
what was expected. Pages of any origin may call the API, unless the setting ALLOWED_ORIGINS lists origins.

Undeclared query parameters and undeclared properties of a body are ignored.

API Gateway responds to some requests itself, with `{"message"}`: 403 "Missing Authentication Token" for an unknown path
or method, 413 for a body of more than 10 MB, 429 when a request is throttled. It also responds to the OPTIONS requests
of browsers.
"""

LINKS: dict[str, Json] = {
    "createRoom": {
        target: {
            "operationId": target,
            "parameters": {"roomId": "$response.body#/roomId", "token": "$response.body#/joinToken"},
        }
        for target in ("getRoom", "listMembers", "listMessages")
    },
    "listRooms": {
        "nextPage": {"operationId": "listRooms", "parameters": {"cursor": "$response.body#/nextCursor"}},
        "newest": {"operationId": "getRoom", "parameters": {"roomId": "$response.body#/rooms/0/room_id"}},
        "unchanged": {"operationId": "listRooms", "parameters": {"If-None-Match": "$response.header.ETag"}},
    },
    "listMessages": {
        name: {
            "operationId": "listMessages",
            "parameters": {
                "roomId": "$request.path.roomId",
                "token": "$request.query.token",
                parameter: f"$response.body#{pointer}",
            },
        }
        for name, parameter, pointer in (
            ("newer", "after", "/lastSequence"),
            ("older", "before", "/messages/0/sequence"),
        )
    },
}
"""Links from the response of one operation to another operation. Schemathesis follows them."""

HEADERS: dict[str, Json] = {
    "Access-Control-Allow-Origin": {
        "description": "`*`, or the origin of the calling page if ALLOWED_ORIGINS lists it.",
        "required": True,
        "schema": {"type": "string", "pattern": r"^(\*|https?://[^/\s]+)$"},
    },
    "Cache-Control": {
        "description": "`no-cache`, except for files with the hash of their content in their name: these never change.",
        "required": True,
        "schema": {"enum": ["no-cache", "public, max-age=31536000, immutable"]},
    },
    "ETag": {
        "description": "Identifies the body. Send it as If-None-Match to learn whether the body has changed.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    },
    "Referrer-Policy": {"required": True, "schema": {"const": "no-referrer"}},
    "X-Content-Type-Options": {"required": True, "schema": {"const": "nosniff"}},
    "Content-Security-Policy": {"schema": {"type": "string", "pattern": "^default-src 'none'; "}},
}

COMMON_HEADERS = ("Access-Control-Allow-Origin", "X-Content-Type-Options")
"""The headers of all successful responses."""

CONDITIONAL_HEADERS = ("Cache-Control", "ETag")
"""The headers of successful responses of conditional endpoints."""

IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETags of earlier responses. If one of them is current, the response is a 304 without a body.",
    "schema": {"type": "string"},
}

ERROR = {
    "description": "Why a request was rejected.",
    "type": "object",
    "required": ["Code", "Message"],
    "additionalProperties": False,
    "properties": {
        "Code": {
            "type": "string",
            "enum": sorted(
                {"UnsupportedMediaType"}
                | {
                    error.http_code
                    for error in vars(errors).values()
                    if isinstance(error, type) and issubclass(error, ChatError)
                }
            ),
        },
        "Message": {"description": "What was expected, as a sentence.", "type": "string", "minLength": 1},
    },
}

STRING_KEYS = {"type", "description"}
"""The keys of the schema of a parameter that accepts any string."""

RETRY_AFTER: Json = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}

SECURITY_SCHEMES: Json = {
    "ownerToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The ownerToken of the room, as the bearer token. Where sign-in is required, the access token "
        "takes this header, and the query string has the ownerToken.",
    },
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a user who has signed in. Ignored where sign-in is not configured. For the "
        "owner's operations, its claim chat_owner must be true.",
    },
}

ERROR_DESCRIPTIONS = {
    400: "BadRequestError: the query string or the body is not as declared.",
    401: "UnauthorizedError: sign-in is configured, and the access token is missing, not valid, or has expired.",
    403: "ForbiddenError: the token is missing or wrong, or ALLOWED_ORIGINS does not list the page's origin. "
    "MemberBannedError: the owner has removed the member. RoomLockedError: only existing members can join the room. "
    "SourceBannedError: the operator has banned the source address.",
    404: "NotFoundError: the object does not exist or has expired.",
    413: "ContentTooLargeError: the body has more than 65,536 bytes, or as the message of a webhook more than 262,144.",
    415: "UnsupportedMediaType: the request declares a body of another type than application/json.",
    429: "TooManyRequestsError: the webhook has sent too many messages, or the source address too many requests. "
    "Retry later.",
    503: "ServiceUnavailableError: access tokens cannot be verified at present. Retry later.",
}
"""Meaning of the `Code` of an error, by status."""


def operation_id(endpoint: Endpoint) -> str:
    """Return the id of an endpoint's operation: the name of its function in camel case."""
    return _camel_case(endpoint.view.__name__)


def operations() -> Iterator[tuple[str, str, Endpoint]]:
    """Yield method, path and declaration of each route. Raises KeyError for a route that is not declared."""
    for path, methods in chat_app.app.routes.items():
        for method, route in methods.items():
            yield method, path, ENDPOINTS[route.view_function.__name__]


def documented_path(path: str) -> str:
    """Return the path of a route with its parameters in camel case, as in the documents."""
    return re.sub(r"{\w+}", lambda name: _camel_case(name[0]), path)


def document() -> Json:
    """Return the OpenAPI document."""
    components: Components = {"Error": ERROR}
    paths: dict[str, Json] = {}
    for method, path, endpoint in operations():
        paths.setdefault(documented_path(path), {})[method.lower()] = _operation(method, path, endpoint, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chalice Chat",
            "version": "1.0",
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
            "summary": "Chat rooms. asyncapi.yaml describes the WebSocket API, which carries the messages.",
            "description": DESCRIPTION,
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
                "description": "The address that `make deploy` prints. `make run` prints a local one.",
                "variables": {
                    "api": {"default": "abcdef1234", "description": "Id of the REST API."},
                    "region": {"default": "us-east-1"},
                    "stage": {"default": "dev", "enum": ["dev", "prod"]},
                },
            }
        ],
        "paths": paths,
        "components": {
            "headers": HEADERS,
            "responses": {_response_name(status): _error_response(status) for status in ERROR_DESCRIPTIONS},
            "schemas": dict(sorted(components.items())),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operation(method: str, path: str, endpoint: Endpoint, components: Components) -> Json:
    parameters = [
        _parameter(name, "path", schema_of(endpoint.path[name], components), required=True, example=example_of(type_))
        for name, type_ in endpoint.path.items()
    ]
    if endpoint.query is not None:
        examples = example_of(endpoint.query)
        parameters += [
            _parameter(name, "query", schema, required=required, example=examples.get(name))
            for name, (schema, required) in parameters_of(endpoint.query, components).items()
        ]
    if endpoint.etag:
        parameters.append(IF_NONE_MATCH)
    summary, _, details = (getdoc(endpoint.view) or "").partition("\n\n")
    success: Json = {"description": "Success."} | _content(endpoint, components)
    if links := LINKS.get(operation_id(endpoint)):
        success["links"] = links
    return (
        {"operationId": operation_id(endpoint), "summary": " ".join(summary.split()).rstrip(".")}
        | ({"description": " ".join(details.split())} if details else {})
        | {"tags": [_tag(path)]}
        | {"security": _security(endpoint)}
        | ({"parameters": parameters} if parameters else {})
        | _request_body(endpoint, components)
        | {"responses": {str(endpoint.status): success} | _not_modified(endpoint) | _errors(method, endpoint)}
    )


def _security(endpoint: Endpoint) -> list[Json]:
    if "owner_token" in endpoint.types:
        return [{"ownerToken": []}, {"accessToken": []}, {}]  # {}: the query string may have the owner's token
    # An empty requirement means that guests may be allowed.
    return [{"accessToken": []}, {}] if "user" in endpoint.types else []


def _tag(path: str) -> str:
    if "/hooks" in path:
        return "webhooks"
    return "rooms" if path.startswith("/rooms") else "page"


def _parameter(name: str, location: str, schema: Json, *, required: bool, example: Any) -> Json:
    description = schema.pop("description", None)
    if location == "path":
        schema.setdefault("minLength", 1)
    return (
        {"name": _camel_case(name), "in": location}
        | ({"required": True} if required else {})
        | ({"description": description} if description else {})
        | {"schema": schema}
        | ({"example": example} if example is not None else {})
    )


def _request_body(endpoint: Endpoint, components: Components) -> Json:
    if endpoint.body is None:
        return {}
    content = {"schema": schema_of(endpoint.body, components), "example": example_of(endpoint.body)}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _content(endpoint: Endpoint, components: Components) -> Json:
    if endpoint.status == 204:
        return {"headers": _header_references(COMMON_HEADERS)}
    if endpoint.content_types != ("application/json",):
        content: Json = {kind: {"schema": {"type": "string"}} for kind in endpoint.content_types}
        return {"headers": _header_references(HEADERS), "content": content}
    returned = endpoint.types["return"]
    content = {"schema": schema_of(returned, components), "example": example_of(returned)}
    names = [*COMMON_HEADERS, *(CONDITIONAL_HEADERS if endpoint.etag else [])]
    return {"headers": _header_references(names), "content": {"application/json": content}}


def _not_modified(endpoint: Endpoint) -> Json:
    if not endpoint.etag:
        return {}
    headers = _header_references([*COMMON_HEADERS, *CONDITIONAL_HEADERS])
    return {"304": {"description": "The body has not changed since the response with this ETag.", "headers": headers}}


def _errors(method: str, endpoint: Endpoint) -> Json:
    """Describe the errors that follow from a declaration, and those that every endpoint can return."""
    kinds: set[type[ChatError]] = {Forbidden, *endpoint.errors}
    if "user" in endpoint.types:
        kinds |= {Unauthorized, SignInUnavailable}
    if endpoint.body is not None:
        kinds.add(BodyTooLarge)
    if has_invalid_input(endpoint):
        kinds.add(InvalidInput)
    statuses = {kind.status for kind in kinds} | ({415} if method != "POST" else set())
    return {str(status): {"$ref": f"#/components/responses/{_response_name(status)}"} for status in sorted(statuses)}


def _error_response(status: int) -> Json:
    return (
        {"description": ERROR_DESCRIPTIONS[status]}
        | ({"headers": {"Retry-After": RETRY_AFTER}} if status == 429 else {})
        | {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    )


def _response_name(status: int) -> str:
    # Python 3.13 has another phrase for 413, that of RFC 9110.
    return {413: "ContentTooLarge"}.get(status, HTTPStatus(status).phrase.replace(" ", ""))


def has_invalid_input(endpoint: Endpoint) -> bool:
    """Return whether any input can be invalid: every body, and a query unless it accepts any strings."""
    schemas = [] if endpoint.query is None else [schema for schema, _ in parameters_of(endpoint.query, {}).values()]
    return endpoint.body is not None or any(schema.keys() - STRING_KEYS for schema in schemas)


def _header_references(names: Any) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
