"""Reload of saved files by `make run`, in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from localcloud.stack import Stack, client
from tests.support.localcloud.running import SECONDS, copy_runnable_project, lines_until, running
from tests.support.ports import free_port

T = TypeVar("T")


@dataclass
class Run:
    """A copy of the project and the process that serves it."""

    project: Path
    port: int
    process: subprocess.Popen[str]
    rest: str

    @contextmanager
    def saved(self, name: str, old: str, new: str) -> Iterator[None]:
        """Save a file with old replaced by new, and restore it at the end."""
        path = self.project / name
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))
        try:
            yield
        finally:
            path.write_text(before)

    def shown(self, part: str) -> str:
        return "\n".join(lines_until(self.process, part))

    def wait_until(self, get: Callable[[], T], is_sought: Callable[[T], bool]) -> None:
        """Get a value, again after each reload, until it is the one sought."""
        while not is_sought(get()):
            self.shown("Reload")

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.rest}{path}", timeout=SECONDS)

    @contextmanager
    def member(self) -> Iterator[ClientConnection]:
        created = requests.post(f"{self.rest}/rooms", json={"roomName": "Tea"}, timeout=SECONDS)
        assert created.status_code == 201, created.text
        with connect(f"{self.get('/config').json()['webSocketUrl']}?roomId={created.json()['roomId']}") as member:
            yield member


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    project, port = copy_runnable_project(tmp_path_factory.mktemp("project")), free_port()
    with running(port, project) as process:
        yield Run(project, port, process, lines_until(process, "Page:")[-1].removeprefix("Page: ").rstrip("/"))


def ask(member: ClientConnection, frame: dict[str, Any]) -> Any:
    member.send(json.dumps(frame))
    return json.loads(member.recv(SECONDS))


def function_names(port: int) -> list[str]:
    return [function["FunctionName"] for function in client("lambda", port).list_functions()["Functions"]]


def test_open_connection_uses_a_saved_module(run: Run) -> None:
    with run.member() as member:
        assert ask(member, {})["error"]["message"].startswith("expected an action, as in")
        with run.saved("chalicelib/protocol/frames.py", "expected an action, as in", "an action is wanted, as in"):
            run.wait_until(lambda: ask(member, {})["error"]["message"], lambda text: "an action is wanted" in text)


def test_saved_module_of_the_page_is_built_and_served(run: Run) -> None:
    before = run.get("/").text
    with run.saved("web/page/src/title.ts", '"Chalice Chat"', '"Another Chat"'):
        run.wait_until(lambda: run.get("/"), lambda response: response.text != before)
        script = re.search(r"static/visit-\w+\.js", run.get("/").text)
        assert script
        assert "Another Chat" in run.get(f"/{script[0]}").text
    run.wait_until(lambda: run.get("/"), lambda response: response.text == before)


def test_saved_static_file_is_served(run: Run) -> None:
    with run.saved("chalicelib/static/index.html", "<body", "<!-- new --><body"):
        run.wait_until(lambda: run.get("/"), lambda response: "<!-- new -->" in response.text)


def test_failed_import_is_shown_and_the_previous_version_keeps_running(run: Run) -> None:
    with run.member() as member:
        for broken, error in (
            ("def say(:", "SyntaxError: "),
            ("raise RuntimeError('not now')", "RuntimeError: not now"),
        ):
            with run.saved("chalicelib/protocol/frames.py", "\nFrame = ", f"\n{broken}\nFrame = "):
                assert '\n  File "chalicelib/protocol/frames.py", line ' in run.shown(error)
                run.shown("Reload failed; the previous version keeps running")
                assert ask(member, {"action": "ping"}) == {"pong": True}
        with run.saved("chalicelib/protocol/frames.py", "else True", 'else "again"'):
            run.wait_until(lambda: ask(member, {"action": "ping"}), {"pong": "again"}.__eq__)


def test_running_invocation_finishes_on_the_version_that_started_it(run: Run, tmp_path: Path) -> None:
    os.mkfifo(gate := tmp_path / "gate")
    response = "context.reply(Pong())"
    send = "context.websocket_api.broadcast([context.connection_id], "
    waiting = f'open({str(gate)!r}).read()\n    {send}\'{{"pong": "late"}}\')'
    with run.member() as member, run.saved("chalicelib/websocket/actions.py", response, waiting):
        run.shown("chalicelib/websocket/actions.py")
        member.send('{"action": "ping"}')
        # Opening the pipe blocks until the handler opens it, too; the handler continues when this end closes.
        with gate.open("w"), run.saved("chalicelib/protocol/frames.py", "else True", 'else "again"'):
            run.shown("chalicelib/protocol/frames.py")
        assert json.loads(member.recv(SECONDS)) == {"pong": "late"}


def test_changed_handler_leaves_the_stack_unchanged(run: Run) -> None:
    with (
        run.saved("app.py", "# One batch", "# Just one batch"),
        run.saved("chalicelib/rest/page.py", "no-cache", "no-store"),
    ):
        shown = run.shown("chalicelib/rest/page.py")
    shown += run.shown("chalicelib/rest/page.py")  # restored: every message about the change came before
    assert "Reload failed" not in shown


def test_new_route_function_and_setting_work_at_the_same_address(run: Run) -> None:
    route = '@app.route("/name")\ndef name():\n    return {"name": "Tea"}\n\n\n@app.route("/config")'
    function = '@app.schedule("rate(1 hour)")\ndef count_rooms(event):\n    pass\n\n\n@app.on_ws_connect()'
    policy = '"count_rooms": {"iam_policy_file": "policies/local/api_handler.json"},\n "api_handler": {'
    setting = '"STAGE": "local",\n "UNUSED_ROOM_SECONDS": "60"'
    with (
        run.saved(".chalice/config.json", '"api_handler": {', policy),
        run.saved("app.py", "@app.on_ws_connect()", function),
        run.saved("app.py", '@app.route("/config")', route),
        run.saved(".chalice/config.json", '"STAGE": "local"', setting),
    ):
        run.wait_until(Stack(run.port).environment, lambda settings: settings.get("UNUSED_ROOM_SECONDS") == "60")
        run.wait_until(lambda: function_names(run.port), lambda names: any("CountRooms" in name for name in names))
        run.wait_until(lambda: run.get("/name"), lambda response: response.text == '{"name":"Tea"}')
        preflight = {"Origin": "https://chat.example.org", "Access-Control-Request-Method": "GET"}
        allowed = requests.options(f"{run.rest}/name", headers=preflight, timeout=SECONDS)
        assert allowed.headers["Access-Control-Allow-Origin"] == "*"
        assert run.get("/rooms").status_code == 200
    run.wait_until(lambda: run.get("/name"), lambda response: response.status_code == 403)


@pytest.mark.parametrize(
    ("name", "old", "new", "error"),
    [
        (".chalice/config.json", '"version"', "version", ".chalice/config.json is not JSON: "),
        (".chalice/resources.json", '"VisibilityTimeout": 150', '"VisibilityTimeout": -1', "FanoutQueue: "),
        (".chalice/config.json", "local/api_handler.json", "local/none.json", "chalice package failed: "),
    ],
)
def test_failed_stack_is_shown_and_the_previous_one_keeps_running(
    run: Run, name: str, old: str, new: str, error: str
) -> None:
    with run.saved(name, old, new):
        run.shown(error)
        run.shown("Reload failed; the previous version keeps running")
        assert run.get("/config").status_code == 200


def test_new_requirement_asks_for_a_restart(run: Run) -> None:
    with run.saved("requirements.txt", "# ", "# The "):
        run.shown("requirements.txt changed: stop with Ctrl-C")
