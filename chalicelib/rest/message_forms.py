"""The forms in which programs send messages to webhooks: JSON objects, HTML forms and plain text."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from chalicelib.errors import InvalidJSON, UnreadableMessage
from chalicelib.protocol.validation import parse_object

MAX_FORM_FIELDS = 100

_NO_CHARSETS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape")
"""Codecs of Python for other purposes. The time that punycode takes is quadratic."""

_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"
_FORM, _MULTIPART, _PLAIN = "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"

_CONTENTS = ("text", "blocks", "attachments")
"""The properties of a message of which it has at least one."""


class _Field(NamedTuple):
    """A field of a form, with the charset that it declares itself."""

    name: str
    content: bytes
    charset: str | None = None


def parse_message(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the JSON object of a message, or for a text an object with this text.

    JSON is recognized whatever the Content-Type: curl declares every body as a form. It is in UTF-8; texts and forms
    are in the charset that they declare. A text that only begins like JSON, or like a form that contains it, is a text.

    Raises UnreadableMessage.
    """
    kind, charset = content_type.partition(";")[0].strip().lower(), _parameter(content_type, "charset")
    encoding = charset if kind == _PLAIN and charset else json.detect_encoding(body)
    if _decode(body, encoding, "replace").lstrip().startswith("{"):
        try:
            return _parse_json(_decode(body, encoding))
        except UnreadableMessage:
            if kind not in (_PLAIN, _MULTIPART):
                raise
    if kind == _MULTIPART:
        return _parse_fields(_multipart_fields(body, _parameter(content_type, "boundary")), charset)
    fields = _urlencoded_fields(body)
    if kind == _FORM or any(
        name == "payload" and content.lstrip(_BEFORE_JSON).startswith(b"{") for name, content, _ in fields
    ):
        try:
            return _parse_fields(fields, charset)
        except UnreadableMessage:
            if kind != _PLAIN:
                raise
    if kind == _PLAIN:
        return {"text": escape(_decode(body, encoding), quote=False)}  # not Slack's markup
    raise UnreadableMessage("the body has another form")


def _parse_fields(fields: Iterable[_Field], charset: str | None) -> dict[str, Any]:
    """Return the message in a form. Of several fields with the same name, the first one counts."""
    named = {field.name: field for field in reversed([*fields])}
    if charset is None and "_charset_" in named:  # RFC 7578, "The _charset_ Field for Default Charset"
        charset = _decode(named["_charset_"].content, "ascii").strip()
    texts: dict[str, Any] = {
        name: _decode(named[name].content, named[name].charset or charset or "utf-8")
        for name in ("payload", *_CONTENTS, "clientId")
        if name in named
    }
    if "payload" in texts:
        return _parse_json(texts["payload"])
    if not any(name in texts for name in _CONTENTS):
        raise UnreadableMessage("the body has another form")
    return texts


def _urlencoded_fields(body: bytes) -> list[_Field]:
    """Return the fields of an urlencoded form. A body that is none has none."""
    try:  # in Latin-1, each character is a byte
        pairs = parse_qsl(body.decode("latin-1"), encoding="latin-1", max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        return []
    return [_Field(name, value.encode("latin-1")) for name, value in pairs]


def _multipart_fields(body: bytes, boundary: str | None) -> Iterator[_Field]:
    """Yield the fields of a multipart form (RFC 7578)."""
    if not boundary:
        return
    delimiter = rb"\r?\n--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(?:--)?[ \t]*(?=\r?\n|\Z)"
    _, *parts = re.split(delimiter, b"\n" + body, maxsplit=MAX_FORM_FIELDS)
    for part in parts:
        head, *content = re.split(rb"\r?\n\r?\n", part, maxsplit=1)
        lines = re.findall(r"^([\w-]+):(.*)$", head.decode("latin-1"), re.MULTILINE)
        headers = {name.lower(): value for name, value in lines}
        name, kind = _parameter(headers.get("content-disposition", ""), "name"), headers.get("content-type", "")
        if name and content:
            yield _Field(name, content[0], "utf-8" if "json" in kind.lower() else _parameter(kind, "charset"))


def _parameter(header: str, name: str) -> str | None:
    """Return a parameter of a header. It is None if it is absent or empty."""
    found = re.search(rf';\s*{name}\s*=\s*(?:"([^"]*)"|([^\s;]*))', header, re.IGNORECASE)
    return (found[1] or found[2] or None) if found else None


def _decode(content: bytes, charset: str, errors: str = "strict") -> str:
    try:
        if codecs.lookup(charset).name in _NO_CHARSETS:
            raise LookupError(charset)
        return content.decode(charset, errors).removeprefix("\ufeff")
    except (LookupError, ValueError) as error:
        raise UnreadableMessage(f"the body is not in {charset[:40]!r}, or this charset is unknown") from error


def _parse_json(text: str) -> dict[str, Any]:
    try:
        return parse_object(text, strict=False)  # scripts put texts of several lines into JSON as they are
    except InvalidJSON as error:
        raise UnreadableMessage("the body contains no valid JSON object") from error
