"""The decorator that declares REST routes by the signatures of their views.

    @app.route("/rooms", methods=["POST"], content_types=["*/*"])
    @endpoint(status=201)
    def create_room(body: NewRoom, user: User | None) -> CreatedRoom:
        \"""Create a room.\"""
        return CreatedRoom.of(rooms.create(body, user))

A view receives what its parameters name:

    query           the query string, as a struct of protocol/requests.py. Empty credentials are absent, as in $connect
    body            the JSON body, as a struct of protocol/requests.py. If its type is Callable[[], STRUCT], a function
                    that parses it, so that the view can check the path before
    user            the user of the access token, None for a guest
    owner_token     the owner's token of a room, "" without one: `owner` of the query string, or the bearer token
    source          the source address of the request
    any other name  a path parameter, a string

It returns a struct of protocol/responses.py, None for a response without a body, or Chalice's Response. A ChatError
becomes a response in Chalice's form, {"Code", "Message"}. docs/openapi.yaml and the tests that call every route follow
from the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from chalice import Blueprint, Chalice, Response
from msgspec import Struct

from chalicelib import settings
from chalicelib.auth.authentication import authenticate, is_configured
from chalicelib.errors import BodyTooLarge, ChatError, RateLimitExceeded, SourceLimitExceeded, Unauthorized
from chalicelib.limits import MAX_BODY_BYTES
from chalicelib.protocol.requests import OwnerQuery, Request, RoomQuery
from chalicelib.protocol.validation import parse_object, validate, validate_query
from chalicelib.rest.etags import conditional_response

View = Callable[..., Any]
BodyParser = Callable[[bytes, str], dict[str, Any]]
"""Returns the JSON object of a body with a Content-Type, which is empty without one."""

INPUTS = ("query", "body", "user", "owner_token", "source")
"""The parameters of a view that are no path parameters."""

CREDENTIALS = RoomQuery.__struct_fields__


class Endpoint(Struct, frozen=True):
    """A declared endpoint.

    view: the function. Its docstring is the description, its signature the declaration.
    types: the types of its parameters, and of its result as `return`.
    parse_body: parses the JSON object of a body, which may have another form.
    max_body_bytes: the maximum size of a body.
    content_types: the media types of a successful response.
    errors: the errors that the endpoint raises besides those of its input.
    etag: whether a successful response has an ETag, and a request whose If-None-Match contains it gets a 304.
    """

    view: View
    types: dict[str, Any]
    status: int
    parse_body: BodyParser
    max_body_bytes: int
    content_types: tuple[str, ...]
    errors: tuple[type[ChatError], ...]
    etag: bool

    @property
    def query(self) -> type[Request] | None:
        """The type of the query string."""
        return self.types.get("query", OwnerQuery if "owner_token" in self.types else None)

    @property
    def body(self) -> type[Request] | None:
        """The type of the body."""
        return get_args(self.types["body"])[1] if self.parses_body else self.types.get("body")

    @property
    def parses_body(self) -> bool:
        """Whether the view receives a function that parses the body."""
        return get_origin(self.types.get("body")) is Callable

    @property
    def path(self) -> dict[str, Any]:
        """The types of the path parameters by name."""
        return {name: type_ for name, type_ in self.types.items() if name not in (*INPUTS, "return")}


ENDPOINTS: dict[str, Endpoint] = {}
"""The declared endpoints by the names of their views."""


class EndpointDecorator:
    """The decorator of the endpoints of an app or blueprint."""

    def __init__(self, app: Chalice | Blueprint) -> None:
        self._app = app

    def __call__(
        self,
        *,
        status: int = 200,
        parse_body: BodyParser = lambda body, _: parse_object(body),
        max_body_bytes: int = MAX_BODY_BYTES,
        content_types: Iterable[str] = ("application/json",),
        errors: Iterable[type[ChatError]] = (),
        etag: bool = False,
    ) -> Callable[[View], View]:
        """Return a decorator that declares an endpoint. Place it below Chalice's `app.route`.

        Raises ValueError if another endpoint has the same name.
        """

        def declare(view: View) -> View:
            types = get_type_hints(view, include_extras=True)
            endpoint = Endpoint(
                view, types, status, parse_body, max_body_bytes, tuple(content_types), tuple(errors), etag
            )
            if view.__name__ in ENDPOINTS:
                raise ValueError(f"two endpoints have the name {view.__name__}: rename one of the views")
            ENDPOINTS[view.__name__] = endpoint

            @wraps(view)
            def handle(**path_parameters: str) -> Response:
                request: Any = self._app.current_request
                try:
                    result = view(**path_parameters, **_input(endpoint, request))
                except ChatError as error:
                    return error_response(error)
                response = result if isinstance(result, Response) else _json_response(result, status)
                return conditional_response(response, request.headers.get("If-None-Match", "")) if etag else response

            return handle

        return declare


def _input(endpoint: Endpoint, request: Any) -> dict[str, Any]:
    """Return the validated input of a request. Raises InvalidInput, Unauthorized and SignInUnavailable."""
    authorization = request.headers.get("Authorization", "")
    scheme, _, token = authorization.partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    is_malformed = bool(authorization) and not bearer
    query = {name: text for name, text in (request.query_params or {}).items() if text or name not in CREDENTIALS}
    values: dict[str, Any] = {}
    if "owner_token" in endpoint.types:
        values["owner_token"], bearer = _owner_token(query, bearer)
    if "user" in endpoint.types:
        # A malformed header is an error, not an anonymous request.
        if is_malformed and is_configured():
            raise Unauthorized("expected the header Authorization to have the form: Bearer TOKEN")
        values["user"] = authenticate(bearer)
    if endpoint.query is not None and "query" in endpoint.types:
        values["query"] = validate_query(query, endpoint.query)
    if endpoint.body is not None:
        if len(request.raw_body) > endpoint.max_body_bytes:
            raise BodyTooLarge(endpoint.max_body_bytes)
        content_type = request.headers.get("Content-Type", "")
        body = partial(_body, endpoint.body, endpoint.parse_body, request.raw_body, content_type)
        values["body"] = body if endpoint.parses_body else body()
    if "source" in endpoint.types:
        values["source"] = request.context["identity"]["sourceIp"]
    return values


def _body(declared: type[Request], parse: BodyParser, raw: bytes, content_type: str) -> Request:
    return validate(parse(raw, content_type), declared)


def _owner_token(query: Mapping[str, str], bearer: str) -> tuple[str, str]:
    """Return the owner's token and the access token of a request.

    Where guests are allowed, the header Authorization may have the owner's token. An access token has two dots, an
    owner's token none.
    """
    if owner_token := query.get("owner"):
        return owner_token, bearer
    return ("", bearer) if settings.AUTH_REQUIRED or bearer.count(".") == 2 else (bearer, "")


def _json_response(result: Any, status: int) -> Response:
    if result is None:
        return Response("", status_code=status)
    return Response(msgspec.json.encode(result).decode(), {"Content-Type": "application/json"}, status)


def error_response(error: ChatError) -> Response:
    """Return the HTTP response that reports an error."""
    # A 404 may be stored without this (RFC 9110, "404 Not Found"), although the room or file may exist later.
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if isinstance(error, RateLimitExceeded | SourceLimitExceeded):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return Response({"Code": error.http_code, "Message": str(error)}, headers, error.status)
