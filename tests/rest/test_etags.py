"""ETags and conditional responses."""

from __future__ import annotations

from typing import Any

import pytest
from chalice import Response

from chalicelib.rest.etags import conditional_response

BODY = {"rooms": [], "name": "日本"}


def etag_of(body: Any) -> str:
    return str(conditional_response(Response(body), "").headers["ETag"])


def test_etag_is_a_quoted_string_that_depends_on_the_body_only() -> None:
    assert etag_of("a").strip('"').isalnum()
    assert etag_of("a")[0] == etag_of("a")[-1] == '"'
    assert etag_of("a") == conditional_response(Response("a", {"X-More": "1"}), '"b"').headers["ETag"]
    assert len({etag_of("a"), etag_of("b"), etag_of(""), etag_of(BODY)}) == 4


def test_body_is_that_of_the_unconditional_response() -> None:
    response = conditional_response(Response(BODY), "")
    assert response.status_code == 200
    assert response.to_dict()["body"] == Response(BODY).to_dict()["body"]
    assert response.headers == {"Cache-Control": "no-cache", "ETag": etag_of(BODY)}


@pytest.mark.parametrize(
    "if_none_match",
    ["ETAG", "W/ETAG", ' ETAG , "b"', '"b",ETAG', '"a,b", W/"c", W/ETAG', '"",ETAG', '"a" ETAG', "*", " * "],
)
def test_matching_etag_gets_a_304_without_a_body(if_none_match: str) -> None:
    response = conditional_response(Response(BODY), if_none_match.replace("ETAG", etag_of(BODY)))
    assert (response.status_code, response.body) == (304, "")
    assert response.headers == {"Cache-Control": "no-cache", "ETag": etag_of(BODY)}


@pytest.mark.parametrize("if_none_match", ["", '"b"', "ETAG", 'W/"b", "c"', '"*"', "w", '"ETAG, "', '"b*"', '"b", *'])
def test_other_etags_get_the_body(if_none_match: str) -> None:
    unquoted = etag_of(BODY).strip('"')
    assert conditional_response(Response(BODY), if_none_match.replace("ETAG", unquoted)).status_code == 200


@pytest.mark.parametrize("if_none_match", ["", "*"])
def test_headers_of_the_response_are_kept(if_none_match: str) -> None:
    headers: dict[str, Any] = {"Cache-Control": "public, max-age=60", "Content-Type": "text/css"}
    response = conditional_response(Response("a", headers), if_none_match)
    assert response.headers == headers | {"ETag": etag_of("a")}


@pytest.mark.parametrize("status", [201, 302, 404, 500])
def test_response_of_another_status_is_unchanged(status: int) -> None:
    response = Response("a", status_code=status)
    assert conditional_response(response, "*") is response
    assert response.headers == {}
