"""Declared endpoints: input, responses, and the mapping of errors to HTTP responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from chalice import Chalice, Response
from chalice.test import Client
from msgspec import Meta

from chalicelib.errors import (
    BodyTooLarge,
    ChatError,
    Forbidden,
    InternalError,
    InvalidInput,
    InvalidJSON,
    NotFound,
    NotInRoom,
    RateLimitExceeded,
    RoomNotFound,
    UnknownAction,
)
from chalicelib.protocol.requests import OwnerQuery, Request
from chalicelib.protocol.responses import Response as JSONResponse
from chalicelib.rest import endpoints as declarations
from chalicelib.rest.endpoints import EndpointDecorator, error_response

ERRORS = [
    (InvalidInput("no"), 400, "BadRequestError"),
    (BodyTooLarge(), 413, "ContentTooLargeError"),
    (InvalidJSON("no"), 400, "BadRequestError"),
    (Forbidden("no"), 403, "ForbiddenError"),
    (NotFound("no"), 404, "NotFoundError"),
    (RoomNotFound(), 404, "NotFoundError"),
    (RateLimitExceeded(7), 429, "TooManyRequestsError"),
    (InternalError("no"), 500, "InternalServerError"),
    (NotInRoom(), 500, "InternalServerError"),
    (UnknownAction("no"), 500, "InternalServerError"),
]


class Cup(Request):
    """A query string."""

    limit: Annotated[int, Meta(ge=1)] = 50


class Tea(Request):
    """A body."""

    text: Annotated[str, Meta(max_length=5)]


class Done(JSONResponse):
    """A response."""

    done: bool = True


class Views:
    """Stand-in for views: records what it receives, and returns or raises what a test sets."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.result: Any = Done()
        self.parses = False

    def __call__(self, **received: Any) -> Any:
        self.received.append(received)
        if self.parses:
            received["body"]()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def views() -> Views:
    return Views()


@pytest.fixture
def app(views: Views, monkeypatch: pytest.MonkeyPatch) -> Chalice:
    """Declare an endpoint without input, one with an ETag, and endpoints with all kinds of input."""
    monkeypatch.setattr(declarations, "ENDPOINTS", {})
    app = Chalice("endpoints")
    endpoint = EndpointDecorator(app)

    @app.route("/plain")
    @endpoint()
    def plain() -> Done:
        return views()

    @app.route("/etag")
    @endpoint(etag=True)
    def etag() -> Done:
        return views()

    @app.route("/cups/{cup}", methods=["POST"])
    @endpoint(status=201, errors=[NotFound])
    def fill_cup(cup: str, query: Cup, body: Tea) -> Done:
        return views(cup=cup, query=query, body=body)

    @app.route("/pots", methods=["POST"])
    @endpoint(status=201)
    def fill_pot(body: Callable[[], Tea]) -> Done:
        return views(body=body)

    @app.route("/tea", methods=["DELETE"])
    @endpoint(status=204)
    def pour_tea(owner_token: str) -> None:
        views(owner_token=owner_token)

    return app


@pytest.fixture
def client(app: Chalice) -> Iterator[Client]:
    """Return a client of the declared endpoints."""
    with Client(app) as client:
        yield client


def pour(client: Client, **headers: str) -> Any:
    return client.http.request("DELETE", "/tea", headers=headers)


def fill_cup(client: Client, query: str = "", body: Any = None) -> Any:
    raw = json.dumps({"text": "tea"} if body is None else body).encode()
    return client.http.post(f"/cups/blue{query}", headers={"Content-Type": "application/json"}, body=raw)


# Input


def test_endpoint_receives_validated_input(client: Client, views: Views) -> None:
    response = fill_cup(client, "?limit=7&more=1", {"text": "tea", "more": 1})
    assert (response.status_code, response.json_body) == (201, {"done": True})
    assert views.received == [{"cup": "blue", "query": Cup(limit=7), "body": Tea(text="tea")}]


def test_endpoint_without_declared_input_receives_none(client: Client, views: Views) -> None:
    assert client.http.get("/plain?limit=7").status_code == 200
    assert views.received == [{}]


@pytest.mark.parametrize(("query", "body"), [("?limit=0", {"text": "tea"}), ("", {"text": 5}), ("", []), ("", {})])
def test_invalid_input_is_rejected_before_the_view_runs(client: Client, views: Views, query: str, body: Any) -> None:
    response = fill_cup(client, query, body)
    assert (response.status_code, response.json_body["Code"]) == (400, "BadRequestError")
    assert views.received == []


def test_endpoint_parses_its_body_itself(client: Client, views: Views) -> None:
    for body in (b'{"text": "tea"}', b"invalid"):
        assert client.http.post("/pots", headers={"Content-Type": "application/json"}, body=body).status_code == 201
    valid, invalid = (received["body"] for received in views.received)
    assert valid() == Tea(text="tea")
    with pytest.raises(InvalidJSON):
        invalid()


def test_error_of_a_body_that_the_endpoint_parses_is_a_response(client: Client, views: Views) -> None:
    views.parses = True
    assert client.http.post("/pots", headers={"Content-Type": "application/json"}, body=b"invalid").status_code == 400


@pytest.mark.parametrize(
    ("authorization", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("Bearer", ""), ("Bearerabc", ""), ("", "")],
)
def test_endpoint_receives_the_token_of_the_authorization_header(
    client: Client, views: Views, authorization: str, token: str
) -> None:
    views.result = None
    pour(client, Authorization=authorization)
    pour(client)
    assert views.received == [{"owner_token": token}, {"owner_token": ""}]


def test_endpoint_receives_the_owners_token_of_the_query_string(client: Client, views: Views) -> None:
    views.result = None
    client.http.request("DELETE", "/tea?owner=abc", headers={"Authorization": "Bearer other"})
    client.http.request("DELETE", "/tea?owner=", headers={"Authorization": "Bearer other"})
    assert views.received == [{"owner_token": "abc"}, {"owner_token": "other"}]


# Responses


def test_endpoint_without_a_result_has_no_body(client: Client, views: Views) -> None:
    views.result = None
    response = pour(client)
    assert (response.status_code, response.body) == (204, b"")


def test_response_above_a_rate_limit_has_the_seconds_to_wait(client: Client, views: Views) -> None:
    views.result = RateLimitExceeded(7)
    assert client.http.get("/plain").headers["Retry-After"] == "7"


def test_response_object_is_returned_unchanged(client: Client, views: Views) -> None:
    views.result = Response("text", status_code=202, headers={"Content-Type": "text/plain"})
    response = fill_cup(client)
    assert (response.status_code, response.body) == (202, b"text")


@pytest.mark.parametrize("result", [Done(), Response('{"done":true}')])
def test_matching_etag_gets_a_304(client: Client, views: Views, result: Any) -> None:
    views.result = result
    first = client.http.get("/etag")
    assert (first.status_code, first.body) == (200, b'{"done":true}')
    second = client.http.get("/etag", headers={"if-none-match": first.headers["ETag"]})
    assert (second.status_code, second.body) == (304, b"")
    assert "ETag" not in client.http.get("/plain", headers={"If-None-Match": "*"}).headers


def test_error_is_never_a_304(client: Client, views: Views) -> None:
    views.result = NotFound("no")
    assert client.http.get("/etag", headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize(("error", "status", "code"), ERRORS)
def test_error_of_a_view_becomes_an_http_response(
    client: Client, views: Views, error: ChatError, status: int, code: str
) -> None:
    views.result = error
    response = client.http.get("/plain")
    assert (response.status_code, response.json_body) == (status, {"Code": code, "Message": str(error)})


def test_error_response_contains_code_and_message() -> None:
    response = error_response(Forbidden("this room is private"))
    assert (response.status_code, response.body) == (403, {"Code": "ForbiddenError", "Message": "this room is private"})
    assert response.headers == {"Cache-Control": "no-store"}


# Declarations


def test_signature_is_the_declaration(app: Chalice) -> None:
    declared = declarations.ENDPOINTS["fill_cup"]
    assert (declared.status, declared.errors, declared.content_types) == (201, (NotFound,), ("application/json",))
    assert (declared.query, declared.body, declared.path) == (Cup, Tea, {"cup": str})
    assert declarations.ENDPOINTS["plain"].query is None
    assert declarations.ENDPOINTS["fill_pot"].body is Tea
    assert declarations.ENDPOINTS["pour_tea"].query is OwnerQuery


def test_second_endpoint_of_a_name_is_rejected(app: Chalice) -> None:
    with pytest.raises(ValueError, match="two endpoints have the name plain"):

        @EndpointDecorator(app)()
        def plain() -> Done:
            return Done()
