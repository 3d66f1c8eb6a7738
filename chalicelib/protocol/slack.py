"""Messages in the format of Slack's incoming webhooks as plain text.

Slack's documents "Formatting text for app surfaces", "Block Kit" and "Secondary message attachments" describe the
format. What is not as described there is left out: a message should arrive even if a part of it does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from typing import Any

from chalicelib.limits import MAX_MESSAGE_LENGTH
from chalicelib.protocol.requests import WebhookMessage
from chalicelib.protocol.values import repair

# The patterns are compiled when they are first used: cold starts should not wait for them.
_CONTROL_SEQUENCE = r"<([^<>|\n]+)(?:\|([^<>]*))?>([*_~`]+(?=[\s.,;:!?)\]}\"']|\Z))?"
"""A text between angle brackets, and the markers after it that end a formatted text."""

_ADDRESS = r"(?i:[a-z][a-z0-9+.-]*://|mailto:|tel:)\S+\Z"
_LABELLED_ADDRESS = r"(?i:[a-z][a-z0-9+.-]*://|mailto:|tel:)\S.*\Z|(?=\S+\Z)[^\s/]+\.\S"
"""Some programs, such as those of Nagios, do not encode spaces, and others omit the scheme.

The end comes before the dots: a search for it after each of many dots would take quadratic time."""

_ENTITY = "&(amp|lt|gt);"
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_END_OF_ADDRESS = r"[.,;:!?)\]}\"']*(\s|\Z)"
"""Characters that may follow an address. Front ends would take others for a part of it."""

_MENTION = r"[@#]\w+\Z"
_EVERYONE = ("here", "channel", "everyone", "group", "subteam")
_REFERENCES = {
    "broadcast": ("@", "range"),
    "channel": ("#", "channel_id"),
    "color": ("", "value"),
    "team": ("@", "team_id"),
    "user": ("@", "user_id"),
    "usergroup": ("@", "usergroup_id"),
}
"""The sign and the property of elements of rich text that refer to something."""

_TEXTS = ("label", "name", "subtitle", "text", "body", "description", "details", "output", "hint")
"""The properties of blocks that are text objects, texts or rich texts, besides their titles."""

_MAX_DEPTH = 8
"""How deep parts of rich text are read that contain others, and how deep lists are indented."""

_DATE_TOKENS = r"\{\w+\}(?:.*\{\w+\})?"
"""From the first to the last token of the format of a date, such as {date_num}."""

_MARKS = "[*_~`]"


def text_of(message: WebhookMessage) -> str:
    """Return what a message says, in lines. It is empty if nothing in it is readable."""
    text = _markup(message.text)
    lines = [line for block in _blocks(_parsed(message.blocks)) for line in _block(block)]
    for attachment in _objects(_parsed(message.attachments)):
        lines += _attachment(attachment)
    if not lines:
        return text
    return "\n".join(lines if _is_repeated(text, lines) else [*_without_blank_lines([text]), *lines])


# Texts


def _markup(value: Any) -> str:
    """Return a text without Slack's markup for links, mentions, dates and escaped characters."""
    text = _string(value)
    return _decode(re.sub(_CONTROL_SEQUENCE, _replace, text)) if text else ""  # most properties are absent


def _string(value: Any) -> str:
    """Return a text, or a finite number as text. Anything else counts as absent, and so does a blank text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # isfinite() raises an error for an integer that is too large for a float.
        return str(value) if isinstance(value, int) or isfinite(value) else ""
    text = repair(value) if isinstance(value, str) else ""
    return text if text.strip() else ""


def _decode(text: str) -> str:
    return re.sub(_ENTITY, lambda entity: _CHARACTERS[entity[1]], text)


def _replace(sequence: re.Match[str]) -> str:
    target, label, closing = sequence[1].strip(), (sequence[2] or "").strip(), sequence[3] or ""
    if re.match(_MENTION, target):
        return target[0] + (label.removeprefix(target[0]) or target[1:]) + closing
    if target.startswith("!"):
        words, target = _special(target[1:], label)
        if not target:
            return f"{words}{closing}" if words else sequence[0]
        label = words
    if not re.match(_LABELLED_ADDRESS if label else _ADDRESS, target):
        return sequence[0]  # of a sender that does not escape texts, such as List<int>
    address, text, start, end = _address(target), sequence.string, sequence.start(), sequence.end()
    if label and not _is_same(label, address):
        label, closing = f"{label}{closing}", ""  # what is formatted ends before the address
    else:
        label, end = "", end - len(closing)
    before = " " if not label and text[start - 1 : start].isalnum() else ""
    after = "" if re.compile(_END_OF_ADDRESS).match(text, end) else " "
    return before + _link(label, target) + after + closing


def _special(command: str, label: str) -> tuple[str, str]:
    """Return the words for a date, and its address if it has one; or the words for everyone or a group of users.

    They are empty for unknown commands.
    """
    kind, *values = command.split("^")
    if kind == "date":
        seconds, form, address = [*values, "", "", ""][:3]
        words = label or _date(seconds, form)
        return words, address if words else ""
    name = (label or (values[0] if values else kind)).removeprefix("@")
    return f"@{name}" if kind in _EVERYONE else label, ""


def _date(seconds: Any, form: str) -> str:
    """Return a time with the words of its format. It is empty if the time is not valid."""
    try:
        time = f"{datetime.fromtimestamp(float(seconds), UTC):%Y-%m-%d %H:%M} UTC"
    except (OSError, OverflowError, TypeError, ValueError):
        return ""
    return re.sub(_DATE_TOKENS, time, form, count=1) if re.search(_DATE_TOKENS, form) else time


def _link(label: str, address: str) -> str:
    address = _address(address)
    if not label or _is_same(label, address):
        return address
    if label.endswith(f" {address}"):  # a title that contains its link in markup
        return label
    return f"{_with_colon(label)} {address}" if address else label


def _address(target: str) -> str:
    """Return the target of a link as people read it."""
    target = target.strip()
    if re.match("(?i)tel:", target):
        return target[4:]
    return re.sub(r"\s", "%20", re.sub("(?i)^mailto:", "", target))


def _is_same(label: str, address: str) -> bool:
    """Return whether a label is the address, perhaps without its scheme."""
    bare_label, bare_address = (re.sub("(?i)^https?://", "", text).rstrip("/") for text in (label, address))
    return bare_label == bare_address


def _labelled(label: str, value: str) -> str:
    return f"{_with_colon(label)} {value}" if label and value else label or value


def _with_colon(label: str) -> str:
    return label if label.endswith((":", ".", "!", "?", "…")) else f"{label}:"


def _is_repeated(text: str, others: Iterable[str]) -> bool:
    """Return whether other texts contain each line of a text, such as the fallback of blocks, in whole words.

    A text that is longer than a message is no fallback. Comparing its lines would take long.
    """
    if len(text) > MAX_MESSAGE_LENGTH:
        return False
    following = f" {_words(' '.join(others))} "
    lines = [words for line in text.splitlines() if (words := _words(line))]
    return bool(lines) and all(f" {line} " in following for line in lines)


def _words(text: str) -> str:
    return " ".join(re.sub(_MARKS, "", text).split())


# Blocks


def _blocks(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the blocks in an array, each before those that it contains, such as the cards of a carousel."""
    waiting = [*_objects(value)][::-1]
    while waiting:
        block = waiting.pop()
        yield block
        cards = (item for item in _objects(block.get("elements")) if item.get("type") == "card")
        waiting += [*_objects(block.get("child_blocks")), *_objects(block.get("tasks")), *cards][::-1]


def _block(block: dict[str, Any]) -> list[str]:
    """Return the lines of a block. Those of an unknown one are in the properties that other blocks have."""
    match block.get("type"):
        case "rich_text":
            lines = [line for element in _objects(block.get("elements")) for line in _rich_text(element)]
        case "image":
            lines = [_text_object(block.get("title")), _image(block)]
        case "table" | "data_table":
            rows = [_list(row) for row in _list(block.get("rows"))]
            lines = [_text_object(block.get("caption"))]
            lines += [" | ".join(cells) for row in rows if any(cells := [_cell(cell) for cell in row])]
        case _:
            title = _text_object(block.get("rich_text_title")) or _text_object(block.get("title"))
            address = _decode(_string(block.get("title_url")) or _string(block.get("video_url")))
            lines = [_link(title, address), *(_text_object(block.get(name)) for name in _TEXTS)]
            lines += [_text_object(field) for field in _list(block.get("fields"))]
            elements = [block.get(name) for name in ("accessory", "hero_image")]
            for name in ("elements", "actions", "sources"):
                elements += _list(block.get(name))
            lines += [_element(element) for element in _objects(elements)]
            lines += [_chart(chart) for chart in _objects([block.get("chart")])]
    return _without_blank_lines(lines)


def _text_object(value: Any) -> str:
    """Return the text of a text object, or of a property that should have one."""
    if not isinstance(value, dict):
        return _markup(value)
    if value.get("type") == "rich_text":
        return "\n".join(_block(value))
    text = value.get("text")
    return _decode(_string(text)) if value.get("type") == "plain_text" else _markup(text)


def _element(element: dict[str, Any]) -> str:
    """Return the text of an element. Buttons count only if they lead somewhere."""
    match element.get("type"):
        case "image":
            return _image(element)
        case "mrkdwn" | "plain_text" | "rich_text":
            return _text_object(element)
        case "overflow":
            options = ({**option, "type": "button"} for option in _objects(element.get("options")))
            return "\n".join(filter(None, map(_element, options)))
    address = _decode(_string(element.get("url")))
    return _link(_text_object(element.get("text")), address) if address else ""


def _cell(cell: Any) -> str:
    """Return the text of a cell of a table."""
    if not isinstance(cell, dict):
        return _string(cell)
    text = _string(cell.get("text")) or _string(cell.get("value"))
    lines = _block(cell) if cell.get("type") == "rich_text" else [_decode(text)]
    lines += [_text_object(button.get("text")) for button in _objects([cell.get("element")])]
    return " ".join(" ".join(lines).split())


def _image(image: dict[str, Any]) -> str:
    file = next(_objects([image.get("slack_file")]), {})
    address = _string(image.get("image_url")) or _string(file.get("url"))
    return _link(_decode(_string(image.get("alt_text"))), _decode(address))


def _chart(chart: dict[str, Any]) -> str:
    """Return the values of a chart."""
    lines = [_points([point]) for point in _objects(chart.get("segments"))]
    lines += [_labelled(_string(one.get("name")), _points(one.get("data"))) for one in _objects(chart.get("series"))]
    return "\n".join(_without_blank_lines(lines))


def _points(value: Any) -> str:
    return ", ".join(_labelled(_string(point.get("label")), _string(point.get("value"))) for point in _objects(value))


def _rich_text(element: dict[str, Any], depth: int = 0) -> list[str]:
    """Return the lines of a part of rich text. Slack nests none, but some programs do."""
    if depth > _MAX_DEPTH:
        return []
    match element.get("type"):
        case "rich_text_list":
            return [*_list_items(element, depth)]
        case "rich_text_quote":
            return [f"> {line}" for line in _inline(element, depth).splitlines()]
    return [_inline(element, depth)]


def _list_items(element: dict[str, Any], depth: int) -> Iterator[str]:
    indent, number = "  " * min(_integer(element.get("indent")), _MAX_DEPTH), _integer(element.get("offset"))
    for item in _objects(element.get("elements")):
        if item.get("type") == "rich_text_list":
            yield from (f"  {indent}{line}" for line in _rich_text(item, depth + 1))
            continue
        number += 1
        mark = f"{number}." if element.get("style") == "ordered" else "•"
        read = _inline if "elements" in item else _inline_element
        if words := read(item, depth):
            yield f"{indent}{mark} {words}"


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value <= 1_000 else 0


def _inline(container: dict[str, Any], depth: int = 0) -> str:
    elements = [*_objects(container.get("elements"))]
    texts = [_inline_element(element, depth) for element in elements]
    for index, (before, after) in enumerate(pairwise(texts)):
        ends_address = elements[index].get("url") and not re.match(_END_OF_ADDRESS, after)
        if ends_address or (before[-1:].isalnum() and elements[index + 1].get("url") and re.match(_ADDRESS, after)):
            texts[index] += " "
    return "".join(texts).strip("\n")


def _inline_element(element: dict[str, Any], depth: int = 0) -> str:
    def value(name: str) -> str:
        return _decode(_string(element.get(name)))

    match element.get("type"):
        case str(kind) if kind in _REFERENCES:
            sign, name = _REFERENCES[kind]
            return sign + value(name) if value(name) else ""
        case "link":
            return _link(value("text"), value("url"))
        case "date":
            return _link(value("fallback") or _date(element.get("timestamp"), value("format")), value("url"))
        case "emoji":
            return _emoji(value("unicode")) or f":{value('name')}:"
    if "elements" in element:
        return "".join(f"{line}\n" for line in _rich_text(element, depth + 1))
    text = element.get("text")
    return _decode(repair(text)) if isinstance(text, str) else value("text")  # here a blank text separates words


def _emoji(codes: str) -> str:
    try:
        return repair("".join(chr(int(code, 16)) for code in codes.split("-")))
    except (OverflowError, ValueError):
        return ""


# Attachments


def _attachment(attachment: dict[str, Any]) -> list[str]:
    """Return the lines of an attachment. Its fallback counts only if it has neither a text nor a title."""

    def value(name: str) -> str:
        return _markup(attachment.get(name))

    def address(name: str) -> str:
        return _decode(_string(attachment.get(name)))

    author, title = _link(value("author_name"), address("author_link")), _link(value("title"), address("title_link"))
    opening = [*dict.fromkeys([value("pretext"), author, title])]
    lines = [
        _labelled(_markup(field.get("title")), _field_value(field.get("value")))
        for field in _objects(attachment.get("fields"))
    ]
    lines += [line for block in _blocks(attachment.get("blocks")) for line in _block(block)]
    lines += [_element({**action, "type": "button"}) for action in _objects(attachment.get("actions"))]
    text = value("text")
    is_repeated = text in (*opening, value("title")) or _is_repeated(text, lines)
    readable = [line for line in [*opening, "" if is_repeated else text, *lines] if line] or [value("fallback")]
    image = address("image_url") or ("" if any(readable) else address("thumb_url"))
    return _without_blank_lines([*readable, image, value("footer")])


def _field_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else _markup(value)


def _without_blank_lines(texts: list[str]) -> list[str]:
    """Return texts without blank lines around them, and without empty ones."""
    return [stripped for text in texts if (stripped := text.strip("\n"))]


def _parsed(value: Any) -> Any:
    """Return blocks or attachments. Some programs encode them once more, as Slack's method chat.postMessage permits."""
    try:
        return json.loads(value, strict=False) if isinstance(value, str) else value  # as the body itself
    except (ValueError, RecursionError):
        return None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Return the objects in an array. A value that is no array has none."""
    return (item for item in _list(value) if isinstance(item, dict))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
