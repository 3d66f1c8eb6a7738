"""The decorator that declares REST routes: their input, their responses and their errors.

    @app.route("/rooms")
    @endpoint(query={"limit": LIMIT}, returns={"rooms": Array(ROOM)})
    def list_rooms(query: Parameters) -> Json:
        \"""List the public rooms.\"""

An endpoint receives validated input: path parameters by name, `query` and `body` as dictionaries, as `token` that of
the Authorization header, or as `user` the one who has signed in with it. A ChatError that it raises becomes an HTTP
response in Chalice's form, {"Code", "Message"}.
docs/openapi.yaml and the tests that call every route follow from the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from chalice import Blueprint, Chalice, Response

from chalicelib.auth.authentication import authenticate, is_configured
from chalicelib.errors import ChatError, RateLimitExceeded, Unauthorized
from chalicelib.protocol.composite_fields import Object
from chalicelib.protocol.fields import Field, String
from chalicelib.protocol.validation import parse_object
from chalicelib.rest.etags import conditional_response

Json = dict[str, Any]
Parameters = dict[str, Any]
View = Callable[..., Any]
BodyParser = Callable[[bytes], dict[str, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A declared endpoint.

    view: the function, whose docstring describes it.
    path: the path parameters other than room_id.
    parse_body: parses the JSON object of a body, which may be in another encoding.
    bearer: the token of the Authorization header. It is the empty string if the header is absent or of another form.
    signed_in: whether the token is an access token, and the endpoint is for users who have signed in. Where guests are
        allowed, or sign-in is not configured, `user` may be None.
    returns: the JSON object of a successful response, None for a response that is not JSON, or has no body (204).
    content_types: the media types of a successful response.
    errors: the errors that the endpoint raises besides InvalidInput.
    conditional: whether a successful response has an ETag, and a request whose If-None-Match contains it gets a 304.
    """

    view: View
    path: Mapping[str, Field]
    query: Object | None
    body: Object | None
    parse_body: BodyParser
    bearer: String | None
    signed_in: bool
    returns: Object | None
    status: int
    content_types: tuple[str, ...]
    errors: tuple[type[ChatError], ...]
    conditional: bool


class Endpoints:
    """The declared endpoints of an app by function name. An instance is the decorator that declares them."""

    def __init__(self, app: Chalice | Blueprint) -> None:
        self._app = app
        self.by_name: dict[str, Endpoint] = {}

    def __call__(
        self,
        *,
        path: Mapping[str, Field] | None = None,
        query: Mapping[str, Field] | None = None,
        body: Mapping[str, Field] | None = None,
        parse_body: BodyParser = parse_object,
        bearer: String | None = None,
        signed_in: bool = False,
        returns: Mapping[str, Field] | Object | None = None,
        status: int = 200,
        content_types: Iterable[str] = ("application/json",),
        errors: Iterable[type[ChatError]] = (),
        conditional: bool = False,
    ) -> Callable[[View], View]:
        """Return a decorator that declares an endpoint. Place it below Chalice's `app.route`."""

        def declare(view: View) -> View:
            endpoint = Endpoint(
                view,
                path or {},
                None if query is None else Object(query),
                None if body is None else Object(body),
                parse_body,
                bearer,
                signed_in,
                returns if isinstance(returns, Object | None) else Object(returns),
                status,
                tuple(content_types),
                tuple(errors),
                conditional,
            )
            self.by_name[view.__name__] = endpoint

            @wraps(view)
            def handle(**path_parameters: str) -> Response:
                try:
                    answer = view(**path_parameters, **self._input(endpoint))
                except ChatError as error:
                    return error_response(error)
                body = "" if answer is None else answer
                response = answer if isinstance(answer, Response) else Response(body, status_code=status)
                return self._conditional(response) if conditional else response

            return handle

        return declare

    def _input(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return the validated input of the current request. Raises InvalidInput, and what `authenticate` raises."""
        request: Any = self._app.current_request
        authorization = request.headers.get("Authorization", "")
        scheme, _, token = authorization.partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        parameters: dict[str, Any] = {}
        if endpoint.signed_in:
            if authorization and not bearer and is_configured():  # not a guest: someone whose request is wrong
                raise Unauthorized("expected the header Authorization to have the form: Bearer TOKEN")
            parameters["user"] = authenticate(bearer)
        if endpoint.query is not None:
            parameters["query"] = endpoint.query.parse_query(request.query_params or {})
        if endpoint.body is not None:
            parameters["body"] = endpoint.body.validate(endpoint.parse_body(request.raw_body))
        if endpoint.bearer is not None:
            parameters["token"] = bearer
        return parameters

    def _conditional(self, response: Response) -> Response:
        request: Any = self._app.current_request
        return conditional_response(response, request.headers.get("If-None-Match", ""))


def error_response(error: ChatError) -> Response:
    """Return the HTTP response that reports an error."""
    # A 404 may be stored without this (RFC 9110, "404 Not Found"), although the room or file may exist later.
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if isinstance(error, RateLimitExceeded):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return Response({"Code": error.http_code, "Message": str(error)}, headers, error.status)
