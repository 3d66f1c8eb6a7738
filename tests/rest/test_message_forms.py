"""The forms in which webhooks accept messages, and their charsets."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import UnreadableMessage
from chalicelib.protocol.requests import WebhookMessage
from chalicelib.protocol.slack import text_of
from chalicelib.protocol.validation import validate
from chalicelib.rest.message_forms import parse_message

FORM, MULTIPART, PLAIN = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"
WORDS = "50 % & <b>é€</b>"
OBJECT = json.dumps({"text": WORDS}, ensure_ascii=False)


def text(body: bytes, content_type: str) -> str:
    return text_of(validate(parse_message(body, content_type), WebhookMessage))


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """Return a body with parts, each with the rest of its headers after `form-data`."""
    start = b"--b\r\nContent-Disposition: form-data"
    return b"".join(start + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + b"--b--\r\n"


@pytest.mark.parametrize(
    "content_type", ["application/json", FORM, MULTIPART, "multipart/form-data", PLAIN, "", "application/xml", ";;"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_is_recognized_whatever_its_content_type(content_type: str, encoding: str) -> None:
    assert text(f" \n{OBJECT}\n".encode(encoding), content_type) == WORDS


@pytest.mark.parametrize("body", ['{"text": "one\n\ttwo"}', 'payload={"text": "one\n\ttwo"}'])
def test_json_may_contain_line_feeds_as_they_are(body: str) -> None:
    assert text(body.encode(), FORM) == "one\n\ttwo"


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "x-unknown"])
def test_json_is_utf_8_whatever_its_charset(charset: str) -> None:
    assert text(OBJECT.encode(), f"application/json; charset={charset}") == WORDS


@pytest.mark.parametrize("content_type", [FORM, "application/json", PLAIN])
def test_json_may_be_the_payload_of_a_form(content_type: str) -> None:
    for payload in (OBJECT, json.dumps({"text": WORDS}), f" \ufeff{OBJECT}".strip()):
        assert text(f"token=x&payload={quote_plus(payload)}&user=ci".encode(), content_type) == WORDS
    assert text(b'payload={"text": "one"}&payload={"text": "two"}', content_type) == "one"
    assert text('payload={"text": "é"}'.encode(), content_type) == "é"


@pytest.mark.parametrize(
    ("body", "charset", "expected"),
    [
        (b"text=50+%25+%C3%A9", "", "50 % é"),
        (b"text=caf%E9", "; charset=ISO-8859-1", "café"),
        (b"text=caf\xe9", '; charset="iso-8859-1"', "café"),
        (b"text=%80+%84a%93", "; charset=windows-1252", "€ „a“"),
        (b"text=%82%A0", "; CHARSET=shift_jis", "あ"),
        (b"_charset_=windows-1252&text=%80", "", "€"),
        (b"payload=%7B%22text%22%3A%22%E9%22%7D", "; charset=latin1", "é"),
        (b"text=a&text=b&clientId=c", "", "a"),
    ],
)
def test_form_has_the_charset_that_it_declares(body: bytes, charset: str, expected: str) -> None:
    assert text(body, FORM + charset) == expected


def test_form_may_have_blocks_and_attachments() -> None:
    attachments = [{"title": "Build 7", "text": "failed"}]
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "CI"}}]
    fields = {"blocks": json.dumps(blocks), "attachments": json.dumps(attachments)}
    posted = validate(parse_message(urlencode(fields).encode(), FORM), WebhookMessage)
    assert text_of(posted) == "CI\nBuild 7\nfailed"


def test_form_may_have_a_client_id() -> None:
    assert parse_message(b"text=hi&clientId=c-1&user=x", FORM) == {"text": "hi", "clientId": "c-1"}
    body = multipart(('; name="text"', b"hi"), ('; name="clientId"', b"c-1"))
    assert parse_message(body, MULTIPART) == {"text": "hi", "clientId": "c-1"}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([('; name="payload"', OBJECT.encode())], WORDS),
        ([("; name=payload", b"\xef\xbb\xbf" + OBJECT.encode())], WORDS),
        ([('; name="payload"; filename="m.json"\r\nContent-Type: application/json', OBJECT.encode())], WORDS),
        ([('; name="payload"\r\nContent-Type: application/json; charset=utf-16', OBJECT.encode())], WORDS),
        ([('; name="file"; filename="x"', b"\xff\x00"), ('; name="text"', b"two\r\nlines\r\n")], "two\nlines\n"),
        ([('; name="text"\r\nContent-Type: text/plain; charset=iso-8859-1', b"caf\xe9")], "café"),
        ([('; name="text"\r\nContent-Type: text/plain; charset=utf-16', "é\n€".encode("utf-16"))], "é\n€"),
        ([('; name="text"', b"--b and --bc")], "--b and --bc"),
        ([('; name="text"', b"a"), ('; name="text"', b"b")], "a"),
        ([('; name="_charset_"', b"windows-1252"), ('; name="text"', b"\x80")], "€"),
    ],
)
def test_form_may_be_multipart(parts: list[tuple[str, bytes]], expected: str) -> None:
    assert text(multipart(*parts), MULTIPART) == expected


def test_multipart_form_has_the_charset_that_it_declares() -> None:
    assert text(multipart(('; name="text"', b"caf\xe9")), f"{MULTIPART}; charset=iso-8859-1") == "café"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (f"line\n{WORDS}".encode(), PLAIN, f"line\n{WORDS}"),
        (b"\xef\xbb\xbfhi", "Text/Plain; charset=utf-8", "hi"),
        (b"caf\xe9", "text/plain; charset=iso-8859-1", "café"),
        ("é€".encode("utf-16"), "text/plain; charset=utf-16", "é€"),
        ("é€".encode("utf-16"), PLAIN, "é€"),
        (OBJECT.encode("utf-16"), "text/plain; charset=utf-16", WORDS),
        (b"{not JSON}", PLAIN, "{not JSON}"),
        (b"payload=none&text=x", PLAIN, "payload=none&text=x"),
        (b"payload={57} stored", PLAIN, "payload={57} stored"),
        (b"<https://x.example|x> &lt;", PLAIN, "<https://x.example|x> &lt;"),
        (b"&" * 500, PLAIN, "&" * 500),
    ],
)
def test_body_may_be_plain_text(body: bytes, content_type: str, expected: str) -> None:
    assert text(body, content_type) == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"hi", ""),
        (b"hi", "application/json"),
        (b'{"text": "\xe9"}', "application/json"),
        (b'{"text": "\xe9"}', "application/json; charset=iso-8859-1"),
        (b'{"text": "hi"', "application/json"),
        (b"[1]", "application/json"),
        (b"caf\xe9", PLAIN),
        (b"hi", "text/plain; charset=x-unknown"),
        (b"hi", "text/plain; charset=hex"),
        (b"hi", "text/plain; charset=punycode"),
        (b"\\d", "text/plain; charset=unicode_escape"),
        (b"hi", "text/plain; charset=a\x00b"),
        (b"hi", f"text/plain; charset={'x' * 5_000}"),
        (b"text=hi", "application/json"),
        (b"text=hi", f"{FORM}; charset=x-unknown"),
        (b"text=%FF", FORM),
        (b"_charset_=%FF&text=hi", FORM),
        (b"_charset_=none&text=hi", FORM),
        (b"payload=%5B%5D", FORM),
        (b"payload_json=%7B%7D", FORM),
        (b"&".join([b"a=1"] * 200 + [b"text=hi"]), FORM),
        (multipart(('; name="text"', b"hi")), "multipart/form-data"),
        (multipart(('; name="text"', b"hi")), "multipart/form-data; boundary=another"),
        (multipart(('; name="body"', b"hi"), ("", b"hi")), MULTIPART),
        (multipart(('; name="text"\r\nContent-Type: text/plain; charset=x-unknown', b"hi")), MULTIPART),
        (b"", MULTIPART),
    ],
)
def test_unknown_form_is_rejected_with_the_accepted_forms(body: bytes, content_type: str) -> None:
    with pytest.raises(UnreadableMessage) as error:
        parse_message(body, content_type)
    assert str(error.value).endswith(
        ": expected a JSON object with text, blocks or attachments, as for Slack's incoming webhooks; a form "
        "(application/x-www-form-urlencoded or multipart/form-data) whose field payload contains such an object, or "
        "whose field text contains the text; or text/plain"
    )
    assert len(str(error.value)) < 500


def test_form_may_have_plain_line_feeds() -> None:
    body = b'--b\nContent-Disposition: form-data; name="text"\n\none\ntwo\n--b--'
    assert text(body, 'multipart/form-data; boundary="b"') == "one\ntwo"


def test_multipart_form_may_have_a_preamble() -> None:
    assert text(b"{no JSON}\r\n" + multipart(('; name="text"', b"hi")), MULTIPART) == "hi"


def test_parts_in_a_part_are_not_parsed() -> None:
    inner = "".join(f"--{n}\r\nContent-Type: multipart/mixed; boundary={n + 1}\r\n\r\n" for n in range(2_000))
    body = multipart(('; name="text"\r\nContent-Type: multipart/mixed; boundary=0', inner.encode()))
    assert text(body, MULTIPART) == inner.replace("\r\n", "\n")


@pytest.mark.parametrize("value", [None, "x", 5])
def test_payload_may_have_any_properties(value: Any) -> None:
    message = {"text": "hi", "clientId": "c", "icon_emoji": value}
    assert parse_message(b"payload=" + quote_plus(json.dumps(message)).encode(), FORM) == message


PIECES = [
    *(
        b"--b",
        b"--b--",
        b"\r\n",
        b"\n",
        b"Content-Disposition: form-data; ",
        b'name="text"',
        b"name*=utf-8''text",
        b"Content-Type: ",
    ),
    *(
        b"text/plain; ",
        b"charset=",
        b"charset*0*=a\x00b''x",
        b"utf-16",
        b"latin-1",
        b"_charset_",
        b"text",
        b"payload",
        b"=",
        b"&",
    ),
    *(b"%", b"%ff", b"\xff", b"\x00", b'{"text": "a"}', b"{", b"[", b'"', b";", b" "),
]
CONTENT_TYPES = [
    FORM,
    MULTIPART,
    PLAIN,
    "",
    "text/plain; charset=\x00",
    "text/plain; charset*=a\x00b''x",
    "multipart/form-data; boundary=€",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=20), st.sampled_from(CONTENT_TYPES))
def test_any_body_is_read_or_rejected(pieces: list[bytes], content_type: str) -> None:
    with suppress(UnreadableMessage):
        assert isinstance(parse_message(b"".join(pieces), content_type), dict)
