"""The examples of docs/hooks.md: their messages are accepted, and the room shows what the document says."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from chalice.test import Client

from chalicelib.storage.models import Room
from tests.support.projects import PROJECT
from tests.support.webhooks import Hooks, texts

SECTIONS = dict(
    section.split("\n", maxsplit=1) for section in (PROJECT / "docs/hooks.md").read_text().split("\n## ")[1:]
)

pytestmark = pytest.mark.usefixtures("on_lambda", "connections_url", "queue")


def block(section: str, kind: str) -> str:
    """Return the only block of code of a kind in a section."""
    (found,) = re.findall(rf"^```{kind}\n(.+?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def owner(client: Client, room: Room) -> Hooks:
    return Hooks(client, room)


@pytest.fixture
def url(owner: Hooks) -> Iterator[str]:
    """The address of a webhook on a server of this process."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            response = owner.send(self.path, body, self.headers["Content-Type"])
            self.send_response(response.status_code)
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{owner.create()}"
        server.shutdown()
        thread.join()


def run(script: str, **environment: str) -> None:
    """Run a script of bash, which ends with the first command that fails."""
    subprocess.run(["bash", "-ec", script], env=os.environ | environment, check=True, timeout=60)  # noqa: S607


def test_each_program_has_an_example() -> None:
    programs = {name for name in SECTIONS if "```" in SECTIONS[name]}
    assert programs == {
        "curl", "GitHub Actions", "Alertmanager", "Grafana", "GitLab", "Gitea", "Sentry", "Uptime Kuma"
    }  # fmt: skip


@pytest.mark.parametrize("section", [name for name in SECTIONS if "```json" in SECTIONS[name]])
@pytest.mark.parametrize("is_form", [False, True])
def test_message_of_a_program_is_shown_as_documented(owner: Hooks, section: str, is_form: bool) -> None:
    message = block(section, "json")
    kind = "application/x-www-form-urlencoded" if is_form else "application/json"
    response = owner.send(owner.create(), (urlencode({"payload": message}) if is_form else message).encode(), kind)
    assert (response.status_code, response.json_body["ok"]) == (200, True)
    assert "".join(text or "" for text in texts(owner.room)).rstrip("\n") == block(section, "text").rstrip("\n")


def test_commands_of_curl_send_the_documented_messages(owner: Hooks, url: str) -> None:
    run(block("curl", "sh"), HOOK_URL=url)
    documented = re.escape(block("curl", "text").rstrip("\n")).replace("…", ".+")
    assert re.fullmatch(documented, "\n".join(text or "" for text in texts(owner.room)))


def test_step_of_github_actions_sends_the_documented_message_once(owner: Hooks, url: str, tmp_path: Path) -> None:
    (step,) = yaml.safe_load(block("GitHub Actions", "yaml"))
    values = {
        "github.workflow": "Tests",
        "github.ref_name": "main",
        "job.status": "success",
        "secrets.CHAT_HOOK_URL": url,
    }
    environment = {
        name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: values.get(found[1], "7"), value)
        for name, value in step["env"].items()
    }
    for _ in range(2):
        run(step["run"], **environment)
    assert texts(owner.room) == [block("GitHub Actions", "text").rstrip("\n")]
    hostile = '$(touch "$0") `id` "; exit 1; # & = +'
    run(step["run"], **environment | {"TEXT": hostile, "CLIENT_ID": "another"})
    assert texts(owner.room)[1:] == [hostile]


def test_settings_of_programs_name_slack() -> None:
    (alertmanager,) = yaml.safe_load(block("Alertmanager", "yaml"))["receivers"]
    assert alertmanager["slack_configs"][0].keys() == {"api_url_file", "send_resolved", "title", "text"}
    (grafana,) = yaml.safe_load(block("Grafana", "yaml"))["contactPoints"]
    assert grafana["receivers"] == [{"uid": "chat", "type": "slack", "settings": {"url": "$HOOK_URL"}}]


def test_accepted_forms_are_those_of_the_error(owner: Hooks) -> None:
    forms = SECTIONS["Messages"].split("\n\n")[2]
    named = re.findall(r"`([a-z/-]+)`", forms)
    message = owner.post(owner.create(), "").json_body["Message"]
    assert [name for name in named if name != "clientId" and name not in message] == []


def test_table_of_markup_is_true(owner: Hooks) -> None:
    rows = [line.strip("|").split(" | ") for line in SECTIONS["Messages"].splitlines() if line.startswith("| `<")]
    assert len(rows) == 3
    for sent, shown in rows:
        pieces = [piece.replace("\\|", "|") for piece in re.findall("`([^`]+)`", sent)]
        expected = re.findall("`([^`]+)`", shown)
        owner.post(owner.create(), "\n".join(pieces))
        lines = (texts(owner.room)[-1] or "").splitlines()
        assert lines[: len(expected)] == expected
