"""Messages in the format of Slack as plain text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.limits import MAX_WEBHOOK_BODY_BYTES
from chalicelib.protocol.requests import WebhookMessage
from chalicelib.protocol.slack import text_of
from chalicelib.protocol.validation import validate


def text(**message: Any) -> str:
    return text_of(validate(message, WebhookMessage))


def block(type_: str, **properties: Any) -> str:
    return text(blocks=[{"type": type_, **properties}])


def rich_text(*elements: Any, type_: str = "rich_text_section", **properties: Any) -> str:
    return block("rich_text", elements=[{"type": type_, "elements": list(elements), **properties}])


# Markup


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<https://ci.example/7|Build 7> failed", "Build 7: https://ci.example/7 failed"),
        ("see <https://ci.example/7>.", "see https://ci.example/7."),
        ("<https://ci.example/?a=1&amp;b=2|q>", "q: https://ci.example/?a=1&b=2"),
        ("<https://ci.example|https://ci.example>", "https://ci.example"),
        ("<https://ci.example|>", "https://ci.example"),
        ("<https://ci.example|Log:>", "Log: https://ci.example"),
        ("<https://ci.example | Sentry's way>", "Sentry's way: https://ci.example"),
        ("< > < | > <|x>", "< > < | > <|x>"),
        ("<https://ci.example|two\nlines>", "two\nlines: https://ci.example"),
        ("<ci.example/7|Build>", "Build: ci.example/7"),
        ("<https://ci.example/?service=Disk Space|Disk Space>", "Disk Space: https://ci.example/?service=Disk%20Space"),
        ("<mailto:bo@example.org?subject=Disk full|Bo>", "Bo: bo@example.org?subject=Disk%20full"),
        ("<https://ci.example is down>", "<https://ci.example is down>"),
        (
            "<https://ci.example/|ci.example> <http://ci.example/7|ci.example/7>",
            "https://ci.example/ http://ci.example/7",
        ),
        ("<https://ci.example|DB is down.>", "DB is down. https://ci.example"),
        ("<HTTPS://CI.example|x>", "x: HTTPS://CI.example"),
        ("<mailto:bo@example.org|bo@example.org>", "bo@example.org"),
        ("<mailto:bo@example.org|Bo>", "Bo: bo@example.org"),
        ("<mailto:bo@example.org>", "bo@example.org"),
        ("<tel:+49123|Call>", "Call: +49123"),
        ("<tel:+49 123|Call>", "Call: +49 123"),
        ("*<https://ci.example/7|Build 7>* failed", "*Build 7*: https://ci.example/7 failed"),
        ("_Log of <https://ci.example/7|Build 7>_.", "_Log of Build 7_: https://ci.example/7."),
        ("*<!date^1700000000^{date}^https://x.example/|then>*", "*then*: https://x.example/"),
        ("*<@U1>* _<!here>_ ~<#C1|general>~", "*@U1* _@here_ ~#general~"),
        ("*<https://ci.example|ci.example>*", "*https://ci.example *"),
        ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
        ("<!channel|channel>: <!here|@here>", "@channel: @here"),
        ("<!subteam^S1|@ops> <!subteam^S1|ops> <!subteam^S1>", "@ops @ops @S1"),
        ("<@U1> <@U1|bo> <@W2|@aki>", "@U1 @bo @aki"),
        ("<#C1|general> <#C1> <#C1|>", "#general #C1 #C1"),
        ("<!date^1700000000^{date}|in November>", "in November"),
        ("<!date^1700000000^{date}^https://x.example/|then>", "then: https://x.example/"),
        ("<!date^1700000000^{date}>", "2023-11-14 22:13 UTC"),
        ("<!date^1700000000.5^Due {date_num} at {time}!>", "Due 2023-11-14 22:13 UTC!"),
        ("<!date^1700000000^Due {date_num}^https://x.example/>", "Due 2023-11-14 22:13 UTC: https://x.example/"),
        ("<!unknown|the label>", "the label"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt; &quot; &copy;", "&lt; &quot; &copy;"),
        ("&lt;@U1&gt; &lt;https://x.example|y&gt;", "<@U1> <https://x.example|y>"),
        ("*bold* _italic_ ~struck~ `code` ```block```", "*bold* _italic_ ~struck~ `code` ```block```"),
        ("List<int>, Map<K|V>, <b>é</b>, 1 < 2 > 0, <>", "List<int>, Map<K|V>, <b>é</b>, 1 < 2 > 0, <>"),
        ("<!-- note --> <!DOCTYPE html> <!date^|>", "<!-- note --> <!DOCTYPE html> <!date^|>"),
        ("<!date^x^y>", "<!date^x^y>"),
        (":tada:", ":tada:"),
    ],
)
def test_markup_becomes_words(markup: str, plain: str) -> None:
    assert text(text=markup) == plain
    assert block("section", text={"type": "mrkdwn", "text": markup}) == plain
    assert text(attachments=[{"text": markup}]) == plain


@pytest.mark.parametrize(
    ("markup", "address"),
    [
        ("*<https://ci.example/7|Build 7>*", "https://ci.example/7"),
        ("<https://ci.example/7|Build>_7", "https://ci.example/7"),
        ("<https://ci.example/7|Build>失败", "https://ci.example/7"),
        ("[<https://ci.example/7|a>:<https://ci.example/8|b>]", "https://ci.example/7"),
        ("see<https://ci.example/7>", "https://ci.example/7"),
        ("<https://ci.example/7>&gt;", "https://ci.example/7"),
    ],
)
def test_address_is_a_word_of_its_own(markup: str, address: str) -> None:
    assert address in text(text=markup).split()


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        ("\x1b[31mFAIL\x1b[0m", "FAIL"),
        ("\x1b[1;38;5;196mred\x1b[K \x9b0mplain", "red plain"),
        ("\x1b]0;title\x07done \x1b]8;;https://x.example\x1b\\link\x1b]8;;\x1b\\", "done link"),
        ("\x1b(B\x1b7kept\x1b", "kept"),
        ("\x1b]unfinished\nkept", "unfinished\nkept"),
        ("\x9dunfinished \x9dtitle\x07kept", "unfinished kept"),
        ("\x90" * 50_000 + "kept", "kept"),  # it takes minutes if each start is searched for an end
        ("a\x0bb\x00c\x7fd\x85e\x0cf", "abcdef"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("cut \ud83d", "cut \ufffd"),
        ("\ude00 \ud83d\ud83d", "\ufffd \ufffd\ufffd"),
        ("\U0001f600", "\U0001f600"),
    ],
)
def test_text_is_repaired_wherever_it_is(sent: str, plain: str) -> None:
    assert text(text=sent) == plain
    assert block("header", text={"type": "plain_text", "text": sent}) == plain
    assert text(attachments=[{"fields": [{"value": sent}]}]) == plain
    assert rich_text({"type": "text", "text": sent}) == plain


# Blocks

CARD = {
    "type": "card",
    "title": {"type": "mrkdwn", "text": "First"},
    "subtitle": {"type": "mrkdwn", "text": "shop"},
    "body": {"type": "mrkdwn", "text": "<https://x|ready>"},
    "hero_image": {"type": "image", "alt_text": "cat", "image_url": "https://c"},
    "actions": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://o"}],
}
CARD_REST = "shop\nready: https://x\ncat: https://c\nOpen: https://o"
CARD_LINES = f"First\n{CARD_REST}"
RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "rich"}]}],
}


@pytest.mark.parametrize(
    ("blocks", "plain"),
    [
        ([{"type": "header", "text": {"type": "plain_text", "text": "Deploy &amp; <test>"}}], "Deploy & <test>"),
        ([{"type": "section", "text": "without an object"}], "without an object"),
        (
            [
                {
                    "type": "section",
                    "text": {"type": "mrkdwn", "text": "*Deploy*"},
                    "fields": [{"type": "mrkdwn", "text": "*App*\nshop"}, {"type": "plain_text", "text": "prod"}],
                    "accessory": {"type": "button", "text": {"type": "plain_text", "text": "Log"}, "url": "https://l"},
                }
            ],
            "*Deploy*\n*App*\nshop\nprod\nLog: https://l",
        ),
        (
            [
                {
                    "type": "context",
                    "elements": [
                        {"type": "mrkdwn", "text": "by <@U1>"},
                        {"type": "image", "alt_text": "cat", "image_url": "https://x.example/cat.png"},
                    ],
                }
            ],
            "by @U1\ncat: https://x.example/cat.png",
        ),
        ([{"type": "divider"}, {"type": "header", "text": {"type": "plain_text", "text": "a"}}], "a"),
        (
            [
                {
                    "type": "image",
                    "title": {"type": "plain_text", "text": "Load"},
                    "alt_text": "a curve",
                    "image_url": "https://x.example/1.png",
                }
            ],
            "Load\na curve: https://x.example/1.png",
        ),
        (
            [
                {
                    "type": "actions",
                    "elements": [
                        {
                            "type": "button",
                            "text": {"type": "plain_text", "text": "Open"},
                            "url": "https://x.example/?a&amp;b",
                        },
                        {"type": "button", "text": {"type": "plain_text", "text": "Acknowledge"}, "value": "1"},
                    ],
                }
            ],
            "Open: https://x.example/?a&b",
        ),
        ([{"type": "carousel", "pages": 5}, {"type": "markdown", "text": "**hi**"}], "**hi**"),
        (
            [{"type": "image", "slack_file": {"url": "https://files.example/1"}, "alt_text": "a curve"}],
            "a curve: https://files.example/1",
        ),
        ([{"type": "image", "slack_file": {"id": "F1"}, "alt_text": "a curve"}], "a curve"),
        ([{"type": "video", "title": {"type": "plain_text", "text": "Demo"}, "video_url": []}], "Demo"),
        (
            [{"type": "video", "title": {"type": "plain_text", "text": "Demo"}, "video_url": "https://v"}],
            "Demo: https://v",
        ),
        ([{"type": "input", "label": {"type": "plain_text", "text": "Reason"}, "element": {"type": "x"}}], "Reason"),
        ([{"type": "alert", "level": "error", "text": {"type": "mrkdwn", "text": "*Down*"}}], "*Down*"),
        (
            [
                {
                    "type": "section",
                    "text": {"type": "mrkdwn", "text": "a"},
                    "accessory": {
                        "type": "overflow",
                        "options": [
                            {"text": {"type": "plain_text", "text": "Log"}, "value": "1", "url": "https://l"},
                            {"text": {"type": "plain_text", "text": "Mute"}, "value": "2"},
                        ],
                    },
                }
            ],
            "a\nLog: https://l",
        ),
        ([{"type": "carousel", "elements": [CARD, {**CARD, "title": "Second"}]}], f"{CARD_LINES}\nSecond\n{CARD_REST}"),
        (
            [
                {
                    "type": "container",
                    "title": {"type": "plain_text", "text": "Deploy"},
                    "child_blocks": [{"type": "container", "rich_text_title": RICH, "child_blocks": [CARD]}],
                },
                {"type": "markdown", "text": "after"},
            ],
            f"Deploy\nrich\n{CARD_LINES}\nafter",
        ),
        (
            [
                {
                    "type": "plan",
                    "title": "Release",
                    "tasks": [
                        {
                            "type": "task_card",
                            "title": "Test",
                            "details": RICH,
                            "output": RICH,
                            "sources": [{"type": "url", "url": "https://s", "text": "Log"}],
                        },
                        {"type": "task_card", "title": "Deploy"},
                    ],
                }
            ],
            "Release\nTest\nrich\nrich\nLog: https://s\nDeploy",
        ),
        (
            [
                {
                    "type": "data_visualization",
                    "title": "Load",
                    "chart": {"type": "pie", "segments": [{"label": "db1", "value": 97}, {"label": "db2", "value": 3}]},
                }
            ],
            "Load\ndb1: 97\ndb2: 3",
        ),
        (
            [
                {
                    "type": "data_visualization",
                    "title": "Load",
                    "chart": {
                        "type": "line",
                        "series": [
                            {"name": "db1", "data": [{"label": "Mon", "value": 1}, {"label": "Tue", "value": 2}]}
                        ],
                    },
                }
            ],
            "Load\ndb1: Mon: 1, Tue: 2",
        ),
        (
            [
                {
                    "type": "video",
                    "title": {"type": "plain_text", "text": "How we brew"},
                    "title_url": "https://video.example/1",
                    "description": {"type": "plain_text", "text": "In two minutes"},
                }
            ],
            "How we brew: https://video.example/1\nIn two minutes",
        ),
    ],
)
def test_blocks_become_lines(blocks: Any, plain: str) -> None:
    assert text(blocks=blocks) == plain
    assert text(text="", blocks=blocks) == plain
    assert text(attachments=[{"color": "#f00", "blocks": blocks}]) == plain


@pytest.mark.parametrize(
    ("elements", "plain"),
    [
        ([{"type": "text", "text": "a "}, {"type": "text", "text": "b", "style": {"bold": True}}], "a b"),
        (
            [{"type": "link", "url": "https://x.example/", "text": "X"}, {"type": "text", "text": "."}],
            "X: https://x.example/.",
        ),
        ([{"type": "link", "url": "https://x.example/"}, {"type": "text", "text": "now"}], "https://x.example/ now"),
        ([{"type": "text", "text": "見"}, {"type": "link", "url": "https://x.example/"}], "見 https://x.example/"),
        (
            [{"type": "text", "text": "in "}, {"type": "link", "url": "https://x.example/", "text": "CI"}],
            "in CI: https://x.example/",
        ),
        (
            [{"type": "text", "text": "#"}, {"type": "link", "url": "https://x.example/7", "text": "7"}],
            "#7: https://x.example/7",
        ),
        (
            [
                {"type": "user", "user_id": "U1"},
                {"type": "text", "text": " "},
                {"type": "usergroup", "usergroup_id": "S1"},
            ],
            "@U1 @S1",
        ),
        (
            [{"type": "channel", "channel_id": "C1"}, {"type": "text", "text": " "}, {"type": "team", "team_id": "T1"}],
            "#C1 @T1",
        ),
        ([{"type": "broadcast", "range": "here"}], "@here"),
        (
            [{"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fd"}, {"type": "emoji", "name": "parrot"}],
            "👋🏽:parrot:",
        ),
        (
            [
                {"type": "emoji", "name": "odd", "unicode": "xyz"},
                {"type": "emoji", "name": "big", "unicode": "ffffffff"},
            ],
            ":odd::big:",
        ),
        ([{"type": "date", "timestamp": 1700000000, "format": "{date}", "fallback": "in November"}], "in November"),
        (
            [{"type": "date", "timestamp": "1700000000", "format": "Due {date_long} at {time_secs}, at last"}],
            "Due 2023-11-14 22:13 UTC, at last",
        ),
        (
            [{"type": "date", "timestamp": 1700000000, "format": "{date}", "url": "https://x"}],
            "2023-11-14 22:13 UTC: https://x",
        ),
        ([{"type": "color", "value": "#F405B3"}], "#F405B3"),
        ([{"type": "new"}, {"type": "new", "text": "text"}, {"type": "text", "text": 5}, {"type": "user"}], "text5"),
    ],
)
def test_rich_text_becomes_words(elements: list[Any], plain: str) -> None:
    assert rich_text(*elements) == plain


def test_rich_text_keeps_lists_quotations_and_code() -> None:
    def section(words: str) -> dict[str, Any]:
        return {"type": "rich_text_section", "elements": [{"type": "text", "text": words}]}

    assert rich_text(section("one"), section("two"), type_="rich_text_list", style="bullet") == "• one\n• two"
    ordered = rich_text(section("c"), section("d"), type_="rich_text_list", style="ordered", offset=2, indent=1)
    assert rich_text({}, section(""), section("two"), type_="rich_text_list", style="ordered") == "3. two"
    assert text(text="x", blocks=[{"type": "rich_text", "elements": 5}]) == "x"
    assert ordered == "  3. c\n  4. d"
    words = {"type": "text", "text": "if a:\n    b()\n"}
    assert rich_text(words, type_="rich_text_preformatted") == "if a:\n    b()"
    assert rich_text(words, type_="rich_text_quote") == "> if a:\n>     b()"


def test_indents_of_lists_have_a_limit() -> None:
    nested: Any = [{"type": "text", "text": "item"}]
    for _ in range(6):
        nested = [{"type": "rich_text_list", "indent": 1_000, "elements": nested}]
    (line,) = text(blocks=[{"type": "rich_text", "elements": nested}]).splitlines()
    assert line.strip() == "• item"
    assert len(line) < 150


def test_parts_of_rich_text_may_contain_others() -> None:
    def part(type_: str, *elements: Any) -> dict[str, Any]:
        return {"type": f"rich_text_{type_}", "elements": list(elements)}

    words = [{"type": "text", "text": word} for word in ("one", "two", "three")]
    nested = rich_text(
        part("section", words[0]),
        part("list", part("section", words[1]), part("list", words[2])),
        part("quote", part("section", words[0]), part("section", words[1])),
        type_="rich_text_list",
    )
    assert nested == "• one\n  • two\n    • three\n• one\ntwo"
    quote = rich_text(part("section", words[0]), part("preformatted", words[1]), type_="rich_text_quote")
    assert quote == "> one\n> two"


def test_deeply_nested_blocks_do_not_fail() -> None:
    for inner in ("elements", "child_blocks", "tasks", "options", "accessory", "details"):
        for kind in ("rich_text", "rich_text_list", "rich_text_section", "card", "overflow", "container", "new"):
            nested: Any = {"type": kind}
            for _ in range(400):
                nested = {"type": kind, inner: [nested] if inner[-1] == "s" and inner != "details" else nested}
            assert text(text="kept", blocks=[nested, {"type": "rich_text", "elements": [nested]}]) == "kept"


# Attachments


@pytest.mark.parametrize(
    ("attachment", "plain"),
    [
        ({"fallback": "F", "title": "T", "title_link": "https://x.example", "text": ""}, "T: https://x.example"),
        ({"fallback": "F", "title_link": "https://x.example"}, "https://x.example"),
        ({"fallback": "F <https://x.example|x>"}, "F x: https://x.example"),
        ({"fallback": "F", "footer": "Grafana"}, "F\nGrafana"),
        ({"fallback": "F", "text": "F"}, "F"),
        (
            {
                "fallback": "F",
                "pretext": "<!here>",
                "author_name": "Aki",
                "author_link": "https://x.example/aki",
                "title": "T",
                "text": "*t*",
                "fields": [
                    {"title": "CPU", "value": 97, "short": True},
                    {"title": "Id", "value": 1_234_567_890_123_456_789},
                    {"title": "Load", "value": math.inf},
                    {"title": "Host:", "value": "a"},
                    {"title": "Paged?", "value": False},
                    {"value": "v"},
                ],
                "actions": [{"type": "button", "text": "Runbook", "url": "https://x.example/r"}, {"text": "Silence"}],
                "image_url": "https://x.example/i.png",
                "footer": "Foot",
                "ts": 1700000000,
            },
            "@here\nAki: https://x.example/aki\nT\n*t*\nCPU: 97\nId: 1234567890123456789\nLoad\n"
            "Host: a\nPaged? false\nv\nRunbook: https://x.example/r\nhttps://x.example/i.png\nFoot",
        ),
        ({"title": "T", "pretext": "T", "text": "T"}, "T"),
        ({"thumb_url": "https://x.example/t.png?a=1&amp;b=2"}, "https://x.example/t.png?a=1&b=2"),
        ({"thumb_url": "https://x.example/t.png", "footer": "Foot"}, "https://x.example/t.png\nFoot"),
        ({"thumb_url": "https://x.example/t.png", "text": "t"}, "t"),
        ({"thumb_url": "https://x.example/t.png", "image_url": "https://x.example/i.png"}, "https://x.example/i.png"),
        ({"title": "https://x.example", "title_link": "https://x.example", "text": "t"}, "https://x.example\nt"),
        (
            {"title": "<https://x.example|#7>", "title_link": "https://x.example", "text": "t"},
            "#7: https://x.example\nt",
        ),
        ({"title": "T", "title_link": "https://x.example/a b\n"}, "T: https://x.example/a%20b"),
    ],
)
def test_attachment_becomes_lines(attachment: dict[str, Any], plain: str) -> None:
    assert text(attachments=[attachment]) == plain
    assert text(text="main", attachments=[attachment, None, {"text": "second"}]) == f"main\n{plain}\nsecond"


def test_table_becomes_a_line_for_each_row() -> None:
    bold = {"type": "text", "text": "97 %", "style": {"bold": True}}
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [bold]}] * 2}
    rows = [
        [{"type": "raw_text", "text": "Host"}, {"type": "raw_text", "text": "Load &amp;\nDisk"}],
        [{"type": "raw_text", "text": "db1"}, rich, {"type": "raw_number", "value": 5.0, "text": 5}, 7],
        [{"type": "raw_number", "value": 9}, {"type": "action", "element": {"type": "button", "text": "Restart"}}],
        [{"type": "raw_text", "text": ""}, None],
        "no row",
        [{"type": "raw_text", "text": ""}, {"type": "raw_text", "text": "total"}],
    ]
    lines = "Host | Load & Disk\ndb1 | 97 % 97 % | 5 | 7\n9 | Restart\n | total"
    assert block("table", rows=rows) == lines
    assert block("data_table", caption="Load", rows=rows) == f"Load\n{lines}"
    assert block("table", rows={}) == block("table") == ""


PROPERTIES = [
    "rows",
    "thumb_url",
    "type",
    "text",
    "title",
    "pretext",
    "fallback",
    "fields",
    "elements",
    "blocks",
    "actions",
    "accessory",
    "url",
    "value",
    "title_link",
    "image_url",
    "alt_text",
    "author_name",
    "unicode",
    "name",
    "user_id",
    "timestamp",
    "style",
    "indent",
    "offset",
    "footer",
]
KINDS = [
    "section",
    "header",
    "context",
    "table",
    "actions",
    "image",
    "rich_text",
    "rich_text_section",
    "rich_text_list",
    "rich_text_quote",
    "button",
    "text",
    "link",
    "emoji",
    "date",
    "user",
    "mrkdwn",
    "plain_text",
]


@pytest.mark.parametrize("encode", [lambda value: value, json.dumps])
def test_blocks_and_attachments_may_be_encoded_once_more(encode: Callable[[Any], Any]) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Build* &amp; test"}}]
    attachments = [{"title": "Build 7", "title_link": "https://ci.example/7"}]
    assert text(blocks=encode(blocks)) == "*Build* & test"
    assert text(text="CI", attachments=encode(attachments)) == "CI\nBuild 7: https://ci.example/7"


def test_blocks_that_are_encoded_once_more_may_have_line_feeds_in_their_strings() -> None:
    encoded = '[{"type": "section", "text": {"type": "mrkdwn", "text": "tests:\n3 failed"}}]'
    assert text(text="CI", blocks=encoded) == "CI\ntests:\n3 failed"


@pytest.mark.parametrize("digits", ["7" * 309, "-" + "7" * 400, "7" * 5_000])
def test_integers_that_no_float_can_express_do_not_fail(digits: str) -> None:
    assert text(text="CI", attachments=f'[{{"title": "Disk", "fields": [{{"value": {digits}}}]}}]').startswith("CI")


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        5,
        0.5,
        True,
        [],
        {},
        "",
        [None],
        [[]],
        {"text": {}},
        "\ud800",
        "9" * 5_000,
        "[" * 15_000,
        10**17,
        2**64 - 1,
        math.inf,
    ],
)
def test_malformed_properties_do_not_fail(malformed: Any) -> None:
    wrong = dict.fromkeys(PROPERTIES, malformed)
    blocks = [wrong, *({**wrong, "type": kind} for kind in KINDS)]
    for _ in range(3):
        kinds = ("rich_text", "rich_text_list", "context", malformed)
        blocks += [{"type": kind, "elements": [*blocks]} for kind in kinds]
    attachments = [wrong, {"fields": [wrong], "actions": [wrong], "blocks": blocks}]
    assert text(text="kept", blocks=malformed, attachments=malformed) == "kept"
    assert text(text="kept", blocks=blocks, attachments=attachments).startswith("kept")


# Repetitions


@pytest.mark.parametrize(
    ("fallback", "is_shown"),
    [
        ("Deploy failed", False),
        ("Deploy *failed*\nshop", False),
        ("*Deploy* fail_ed_", False),
        ("shop", False),
        ("Deploy", False),
        ("Alert", True),
        ("fail", True),
        ("Deploy failed\nmore", True),
        ("***", True),
        ("\n".join(["shop"] * 1_000), True),
        ("\n".join(["shop"] * 800) + "\n", False),
    ],
)
def test_text_that_blocks_repeat_is_shown_once(fallback: str, is_shown: bool) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Deploy failed"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*shop*"}},
    ]
    following = "Deploy failed\n*shop*"
    expected = f"{fallback}\n{following}" if is_shown else following
    assert text(text=fallback, blocks=blocks) == expected
    assert text(text=fallback, attachments=[{"blocks": blocks}]) == expected
    assert text(attachments=[{"text": fallback, "blocks": blocks}]) == expected


def test_text_ends_where_the_next_line_begins() -> None:
    assert text(text="\none\n\n", attachments=[{"text": "\n two\n", "footer": "three"}]) == "one\n two\nthree"
    assert text(text="\none\n") == "\none\n"


def test_equal_fields_of_two_attachments_are_both_shown() -> None:
    alert = {"title": "Disk", "fields": [{"title": "severity", "value": "high"}]}
    assert text(attachments=[alert, alert]) == "Disk\nseverity: high\nDisk\nseverity: high"


# Any input


@pytest.mark.timeout(20)  # in quadratic time, each of them takes minutes
@pytest.mark.parametrize("repeated", ["a.", "a+", "a/", "a ", "a:", "{a", "^", "*_", "<a.", "a|"])
@pytest.mark.parametrize("form", ["<{} x|y>", "<https://{} x|y>", "<y|{}>", "<!date^1^{}>", "<https://y>{}x", "{}"])
def test_longest_text_takes_linear_time(form: str, repeated: str) -> None:
    filler = repeated * ((MAX_WEBHOOK_BODY_BYTES - 100) // len(repeated))
    assert text(text=form.format(filler))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(KINDS)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PROPERTIES), inner, max_size=4),
    max_leaves=20,
)
BLOCKS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(KINDS) | JSON, "elements": JSON, "text": JSON}))


@given(BLOCKS, JSON)
def test_any_json_is_accepted(blocks: Any, attachments: Any) -> None:
    assert text(text="kept", blocks=blocks, attachments=attachments)
    assert text(text="kept", blocks=[{"type": "rich_text", "elements": blocks}], attachments=[attachments])
