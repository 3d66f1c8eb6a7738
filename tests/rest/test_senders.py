"""Programs that send to Slack: what they send is readable, and what they require of a response holds.

The messages have the properties that the source of each program sets. The rules are those of its source, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from chalice.test import Client, HTTPResponse

from chalicelib.storage.models import Room
from tests.support.webhooks import Hooks, texts

pytestmark = pytest.mark.usefixtures("clock", "on_lambda", "connections_url", "queue")

Rule = Callable[[HTTPResponse], bool]


def has_status_200(response: HTTPResponse) -> bool:
    """Return whether Jenkins (StandardSlackService), slack-go and Argo CD count a response as a success."""
    return response.status_code == 200


def is_successful(response: HTTPResponse) -> bool:
    """Return whether Gitea, GitLab, Sentry, Uptime Kuma and curl with `--fail` count a response as a success."""
    return response.status_code // 100 == 2


def alertmanager_accepts(response: HTTPResponse) -> bool:
    """Return whether Alertmanager (notify/slack) counts a response as a success: its status, and then its body."""
    return is_successful(response) and says_ok(response)


def grafana_accepts(response: HTTPResponse) -> bool:
    """Return whether Grafana (receivers/slack) counts a response as a success. It reads the body of a 4xx, too."""
    is_read = 200 <= response.status_code < 300 or 400 <= response.status_code < 500
    return is_read and says_ok(response)


def says_ok(response: HTTPResponse) -> bool:
    """Return whether a body says that a message was sent: in JSON by `ok`, otherwise by the word."""
    if response.headers.get("Content-Type", "application/json").startswith("application/json"):
        return response.json_body.get("ok") is True
    return response.body == b"ok"


class Sender(NamedTuple):
    """A recorded message of a program, its rule for the response, and the text that members read."""

    message: dict[str, Any]
    rule: Rule
    text: str
    is_form: bool = False


SENDERS = {
    "Alertmanager": Sender(
        {
            "channel": "#ops",
            "username": "Alertmanager",
            "attachments": [
                {
                    "title": "[FIRING:2] DiskFull (db prod)",
                    "title_link": "https://am.example/#/alerts?receiver=chat",
                    "text": "",
                    "fallback": "[FIRING:2] DiskFull (db prod) | https://am.example/#/alerts?receiver=chat",
                    "callback_id": "",
                    "fields": [{"title": "Severity", "value": "critical", "short": True}],
                    "actions": [{"type": "button", "text": "Runbook", "url": "https://wiki.example/disk", "name": ""}],
                    "footer": "",
                    "color": "danger",
                    "mrkdwn_in": ["fallback", "pretext", "text"],
                }
            ],
        },
        alertmanager_accepts,
        "[FIRING:2] DiskFull (db prod): https://am.example/#/alerts?receiver=chat\n"
        "Severity: critical\n"
        "Runbook: https://wiki.example/disk",
    ),
    "Grafana": Sender(
        {
            "channel": "#ops",
            "attachments": [
                {
                    "title": "[FIRING:1] High load Servers",
                    "title_link": "https://grafana.example/alerting/list",
                    "text": "**Firing**\n\nValue: A=97\nLabels:\n - alertname = High load\n",
                    "fallback": "[FIRING:1] High load Servers",
                    "footer": "Grafana v11.3.0",
                    "footer_icon": "https://grafana.example/icon.png",
                    "color": "#D63232",
                    "ts": 1795435200,
                    "pretext": "<!channel|channel> <!subteam^S1> <@U1>",
                    "mrkdwn_in": ["pretext"],
                }
            ],
        },
        grafana_accepts,
        "@channel @S1 @U1\n[FIRING:1] High load Servers: https://grafana.example/alerting/list\n**Firing**\n\n"
        "Value: A=97\nLabels:\n - alertname = High load\nGrafana v11.3.0",
    ),
    "Jenkins": Sender(
        {
            "channel": "#ci",
            "attachments": [
                {
                    "fallback": "shop - #7 Failure after 2 min (<https://ci.example/job/shop/7/|Open>)",
                    "color": "danger",
                    "fields": [
                        {
                            "short": False,
                            "value": "shop - #7 Failure after 2 min (<https://ci.example/job/shop/7/|Open>)",
                        }
                    ],
                    "mrkdwn_in": ["pretext", "text", "fields"],
                }
            ],
            "link_names": "1",
        },
        has_status_200,
        "shop - #7 Failure after 2 min (Open: https://ci.example/job/shop/7/)",
        is_form=True,
    ),
    "GitLab": Sender(
        {
            "channel": "#ci",
            "text": "",
            "attachments": [
                {
                    "fallback": "<https://gitlab.example/o/p|p>: Pipeline <https://gitlab.example/o/p/-/pipelines/7|#7>",
                    "color": "danger",
                    "author_name": "Aki (aki)",
                    "author_link": "https://gitlab.example/aki",
                    "title": "Pipeline #7 has failed in 02:01",
                    "title_link": "https://gitlab.example/o/p/-/pipelines/7",
                    "fields": [
                        {"title": "Branch", "value": "<https://gitlab.example/o/p/-/commits/main|main>", "short": True},
                        {"title": "Failed jobs", "value": "<https://g.example/1|lint>, <https://g.example/2|test>"},
                    ],
                    "footer": "p",
                    "ts": 1795435200,
                }
            ],
        },
        is_successful,
        "Aki (aki): https://gitlab.example/aki\n"
        "Pipeline #7 has failed in 02:01: https://gitlab.example/o/p/-/pipelines/7\n"
        "Branch: main: https://gitlab.example/o/p/-/commits/main\n"
        "Failed jobs: lint: https://g.example/1, test: https://g.example/2\n"
        "p",
        is_form=True,
    ),
    "Gitea": Sender(
        {
            "channel": "#git",
            "text": "[<https://git.example/o/p|o/p>:<https://git.example/o/p/src/branch/main|main>] 1 commit by aki",
            "username": "Gitea",
            "icon_url": "",
            "unfurl_links": 0,
            "link_names": 0,
            "attachments": [
                {
                    "fallback": "",
                    "color": "#ddd",
                    "title": "https://git.example/o/p",
                    "title_link": "https://git.example/o/p",
                    "text": "<https://git.example/o/p/commit/0a1b2c3|0a1b2c3>: Escape &lt;b&gt; - Aki",
                }
            ],
        },
        is_successful,
        "[o/p: https://git.example/o/p :main: https://git.example/o/p/src/branch/main] 1 commit by aki\n"
        "https://git.example/o/p\n"
        "0a1b2c3: https://git.example/o/p/commit/0a1b2c3: Escape <b> - Aki",
    ),
    "Sentry": Sender(
        {
            "username": "Sentry",
            "attachments": [
                {
                    "fallback": "[shop] ValueError: no price",
                    "title": "ValueError: no price",
                    "title_link": "https://sentry.example/issues/7/?referrer=slack",
                    "color": "#f43f20",
                    "fields": [
                        {"title": "Culprit", "value": "shop.views in cart", "short": False},
                        {"title": "Triggered By", "value": "<https://sentry.example/rules/1 | A new issue>"},
                    ],
                }
            ],
        },
        is_successful,
        "ValueError: no price: https://sentry.example/issues/7/?referrer=slack\n"
        "Culprit: shop.views in cart\n"
        "Triggered By: A new issue: https://sentry.example/rules/1",
        is_form=True,
    ),
    "Uptime Kuma": Sender(
        {
            "text": "Uptime Kuma Alert\n[shop] [🔴 Down] timeout <!channel>",
            "attachments": [
                {
                    "color": "#e01e5a",
                    "blocks": [
                        {"type": "header", "text": {"type": "plain_text", "text": "Uptime Kuma Alert"}},
                        {
                            "type": "section",
                            "fields": [
                                {"type": "mrkdwn", "text": "*Message*\n[shop] [🔴 Down] timeout <!channel>"},
                                {"type": "mrkdwn", "text": "*Time (UTC)*\n2026-11-23 12:00:00"},
                            ],
                        },
                        {
                            "type": "actions",
                            "elements": [
                                {
                                    "type": "button",
                                    "text": {"type": "plain_text", "text": "Visit Uptime Kuma"},
                                    "value": "Uptime-Kuma",
                                    "url": "https://kuma.example/dashboard/7",
                                }
                            ],
                        },
                    ],
                }
            ],
        },
        is_successful,
        "Uptime Kuma Alert\n*Message*\n[shop] [🔴 Down] timeout @channel\n*Time (UTC)*\n2026-11-23 12:00:00\n"
        "Visit Uptime Kuma: https://kuma.example/dashboard/7",
    ),
    "Uptime Kuma before version 2": Sender(
        {
            "text": "Uptime Kuma Alert",
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "shop"}},
                {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Message*\n[Down] timeout"}]},
            ],
        },
        is_successful,
        "Uptime Kuma Alert\nshop\n*Message*\n[Down] timeout",
    ),
    "GitHub Actions with slack-github-action": Sender(
        {
            "text": "*GitHub Action build result*: failure\nhttps://github.example/o/p/pull/7",
            "blocks": [
                {
                    "type": "section",
                    "text": {
                        "type": "mrkdwn",
                        "text": "GitHub Action build result: failure\nhttps://github.example/o/p/pull/7",
                    },
                }
            ],
        },
        is_successful,
        "GitHub Action build result: failure\nhttps://github.example/o/p/pull/7",
    ),
    "Opsgenie": Sender(
        {
            "username": "Opsgenie",
            "attachments": [
                {
                    "fallback": "#7: Disk full",
                    "pretext": "New alert created via Prometheus",
                    "title": "#7: Disk full",
                    "title_link": "https://opsg.example/a/i/7",
                    "text": None,
                    "fields": [{"title": "Priority", "value": "P1", "short": True}, {"title": "Tags", "value": ""}],
                    "actions": [{"name": "ack", "text": "Acknowledge", "type": "button", "value": "7"}],
                }
            ],
        },
        has_status_200,
        "New alert created via Prometheus\n#7: Disk full: https://opsg.example/a/i/7\nPriority: P1\nTags",
    ),
    "Argo CD": Sender(
        {
            "attachments": [
                {
                    "title": "shop",
                    "title_link": "https://argocd.example/applications/shop",
                    "color": "#E96D76",
                    "fields": [{"title": "Sync Status", "value": "OutOfSync", "short": True}],
                }
            ]
        },
        has_status_200,
        "shop: https://argocd.example/applications/shop\nSync Status: OutOfSync",
    ),
    "Healthchecks": Sender(
        {
            "username": "Healthchecks",
            "attachments": [
                {
                    "color": "danger",
                    "fallback": 'The check "Backup" is DOWN.',
                    "mrkdwn_in": ["fields"],
                    "title": "“Backup” is DOWN.",
                    "title_link": "https://hc.example/cloaked/7/",
                    "fields": [
                        {"title": "Total Pings", "value": "57", "short": True},
                        {"title": "Last Ping Body", "value": "```\nno space\n```", "short": False},
                    ],
                }
            ],
        },
        is_successful,
        "“Backup” is DOWN. https://hc.example/cloaked/7/\nTotal Pings: 57\nLast Ping Body: ```\nno space\n```",
    ),
    "Nagios": Sender(
        {
            "channel": "#ops",
            "text": "<https://nagios.example/extinfo.cgi?type=2&host=db1&service=Disk Space|db1/Disk Space> is down",
        },
        is_successful,
        "db1/Disk Space: https://nagios.example/extinfo.cgi?type=2&host=db1&service=Disk%20Space is down",
        is_form=True,
    ),
    "Zabbix": Sender(
        {
            "channel": "#ops",
            "attachments": [
                {
                    "fallback": "Problem: High CPU",
                    "title": "Problem: High CPU",
                    "color": "#E45959",
                    "title_link": "https://zabbix.example/tr_events.php?triggerid=1&amp;eventid=2",
                    "pretext": "",
                    "fields": [
                        {"title": "Host", "value": "db1", "short": True},
                        {"title": "Event ID", "value": 2, "short": True},
                    ],
                    "actions": [
                        {
                            "type": "button",
                            "text": "Open in Zabbix",
                            "url": "https://zabbix.example/tr_events.php?triggerid=1&amp;eventid=2",
                        }
                    ],
                }
            ],
        },
        has_status_200,
        "Problem: High CPU: https://zabbix.example/tr_events.php?triggerid=1&eventid=2\nHost: db1\nEvent ID: 2\n"
        "Open in Zabbix: https://zabbix.example/tr_events.php?triggerid=1&eventid=2",
    ),
}


@pytest.fixture
def owner(client: Client, room: Room) -> Hooks:
    return Hooks(client, room)


@pytest.mark.parametrize("name", SENDERS)
def test_message_of_a_program_is_accepted_and_readable(owner: Hooks, name: str) -> None:
    sender, path = SENDERS[name], owner.create(name[:40])
    encoded = json.dumps(sender.message)
    if sender.is_form:
        response = owner.send(path, urlencode({"payload": encoded}).encode(), "application/x-www-form-urlencoded")
    else:
        response = owner.send(path, encoded.encode(), "application/json; charset=utf-8")
    assert sender.rule(response)
    assert has_status_200(response)
    assert texts(owner.room) == [sender.text]


@pytest.mark.parametrize("rule", [alertmanager_accepts, grafana_accepts, has_status_200])
def test_rejected_message_is_no_success(owner: Hooks, rule: Rule) -> None:
    path = owner.create()
    assert not rule(owner.send(path, b"{}"))
    assert not rule(owner.send(f"{path}x", b'{"text": "hi"}'))
    assert not rule(owner.send(path, b" " * 300_000))
    for _ in range(20):
        owner.post(path, "hi")
    assert not rule(owner.post(path, "hi"))
