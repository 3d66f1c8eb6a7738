"""Declared endpoints: input, answers, and the mapping of errors to HTTP answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice import Chalice, Response
from chalice.test import Client

from chalicelib.errors import (
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
from chalicelib.protocol.fields import Integer, String, Text
from chalicelib.rest.endpoints import Endpoints, error_response

ERRORS = [
    (InvalidInput("no"), 400, "BadRequestError"),
    (InvalidJSON("no"), 400, "BadRequestError"),
    (Forbidden("no"), 403, "ForbiddenError"),
    (NotFound("no"), 404, "NotFoundError"),
    (RoomNotFound(), 404, "NotFoundError"),
    (RateLimitExceeded(7, warnings=1), 429, "TooManyRequestsError"),
    (InternalError("no"), 500, "InternalServerError"),
    (NotInRoom(), 500, "InternalServerError"),
    (UnknownAction("no"), 500, "InternalServerError"),
]


class Views:
    """Stand-in for views: records what it receives, and answers or raises what a test sets."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.answer: Any = {"done": True}

    def __call__(self, **received: Any) -> Any:
        self.received.append(received)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def views() -> Views:
    return Views()


@pytest.fixture
def endpoints(views: Views) -> Endpoints:
    """Declare an endpoint without input, a conditional one, and one with all kinds of input."""
    app = Chalice("endpoints")
    endpoint = Endpoints(app)

    @app.route("/plain")
    @endpoint()
    def plain() -> Any:
        return views()

    @app.route("/conditional")
    @endpoint(conditional=True)
    def conditional() -> Any:
        return views()

    @app.route("/cups/{cup}", methods=["POST"])
    @endpoint(
        path={"cup": String()},
        query={"limit": Integer(minimum=1, default=50)},
        body={"text": Text(max_length=5)},
        status=201,
        errors=[NotFound],
    )
    def fill_cup(cup: str, **parameters: Any) -> Any:
        return views(cup=cup, **parameters)

    @app.route("/tea", methods=["DELETE"])
    @endpoint(bearer=String(), status=204)
    def pour_tea(token: str) -> Any:
        return views(token=token)

    return endpoint


@pytest.fixture
def client(endpoints: Endpoints) -> Iterator[Client]:
    """Return a client of the declared endpoints."""
    with Client(endpoints._app) as client:
        yield client


def pour(client: Client, **headers: str) -> Any:
    return client.http.request("DELETE", "/tea", headers=headers)


def fill_cup(client: Client, query: str = "", body: Any = None) -> Any:
    raw = json.dumps({"text": "tea"} if body is None else body).encode()
    return client.http.post(f"/cups/blue{query}", headers={"Content-Type": "application/json"}, body=raw)


# Input


def test_endpoint_receives_validated_input(client: Client, views: Views) -> None:
    answer = fill_cup(client, "?limit=7&more=1", {"text": "tea", "more": 1})
    assert (answer.status_code, answer.json_body) == (201, {"done": True})
    assert views.received == [{"cup": "blue", "query": {"limit": 7}, "body": {"text": "tea"}}]


def test_endpoint_without_declared_input_receives_none(client: Client, views: Views) -> None:
    assert client.http.get("/plain?limit=7").status_code == 200
    assert views.received == [{}]


@pytest.mark.parametrize(("query", "body"), [("?limit=0", {"text": "tea"}), ("", {"text": 5}), ("", []), ("", {})])
def test_invalid_input_is_rejected_before_the_view_runs(client: Client, views: Views, query: str, body: Any) -> None:
    answer = fill_cup(client, query, body)
    assert (answer.status_code, answer.json_body["Code"]) == (400, "BadRequestError")
    assert views.received == []


@pytest.mark.parametrize(
    ("authorization", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("Bearer", ""), ("Bearerabc", ""), ("", "")],
)
def test_endpoint_receives_the_token_of_the_authorization_header(
    client: Client, views: Views, authorization: str, token: str
) -> None:
    views.answer = None
    pour(client, Authorization=authorization)
    pour(client)
    assert views.received == [{"token": token}, {"token": ""}]


# Answers


def test_endpoint_without_an_answer_has_no_body(client: Client, views: Views) -> None:
    views.answer = None
    answer = pour(client)
    assert (answer.status_code, answer.body) == (204, b"")


def test_answer_above_a_rate_limit_has_the_seconds_to_wait(client: Client, views: Views) -> None:
    views.answer = RateLimitExceeded(7, warnings=None)
    assert client.http.get("/plain").headers["Retry-After"] == "7"


def test_response_object_is_returned_unchanged(client: Client, views: Views) -> None:
    views.answer = Response("text", status_code=202, headers={"Content-Type": "text/plain"})
    answer = fill_cup(client)
    assert (answer.status_code, answer.body) == (202, b"text")


@pytest.mark.parametrize("answer", [{"done": True}, Response('{"done":true}')])
def test_conditional_endpoint_answers_a_matching_etag_with_304(client: Client, views: Views, answer: Any) -> None:
    views.answer = answer
    first = client.http.get("/conditional")
    assert (first.status_code, first.body) == (200, b'{"done":true}')
    second = client.http.get("/conditional", headers={"if-none-match": first.headers["ETag"]})
    assert (second.status_code, second.body) == (304, b"")
    assert "ETag" not in client.http.get("/plain", headers={"If-None-Match": "*"}).headers


def test_error_of_a_conditional_endpoint_is_never_a_304(client: Client, views: Views) -> None:
    views.answer = NotFound("no")
    assert client.http.get("/conditional", headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize(("error", "status", "code"), ERRORS)
def test_error_of_a_view_becomes_an_http_answer(
    client: Client, views: Views, error: ChatError, status: int, code: str
) -> None:
    views.answer = error
    answer = client.http.get("/plain")
    assert (answer.status_code, answer.json_body) == (status, {"Code": code, "Message": str(error)})


def test_error_response_contains_code_and_message() -> None:
    response = error_response(Forbidden("this room is private"))
    assert (response.status_code, response.body) == (403, {"Code": "ForbiddenError", "Message": "this room is private"})
    assert response.headers == {"Cache-Control": "no-store"}


# Declarations


def test_declaration_is_found_by_function_name(endpoints: Endpoints) -> None:
    declared = endpoints.by_name["fill_cup"]
    assert (declared.status, declared.errors, declared.content_types) == (201, (NotFound,), ("application/json",))
    assert endpoints.by_name["plain"].query is None
