"""Three engines of browsers: Chromium by Playwright, Firefox by WebDriver BiDi, WebKitGTK by WebDriver.

Playwright has its own builds of Firefox and WebKit. These are the ones that people have, from the system's packages.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed
from websockets.sync.client import ClientConnection, connect

from localcloud.stack import HOST
from tests.support.browser.installed import FIREFOX, WEBKITGTK, firefox, mini_browser
from tests.support.browser.tab import SECONDS, BrowserError, Tab, WebDriverTab
from tests.support.ports import free_port

SIZE = (1280, 800)
PREFERENCES = {
    "network.dns.disabled": True,  # Firefox asks its vendor for news at every start; addresses of numbers still work
    "devtools.jsonview.enabled": False,  # its pages have no storage
}


class ChromiumTab(Tab):
    """A tab of Chromium."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def open(self, address: str) -> None:
        self._page.goto(address)

    def reload(self) -> None:
        self._page.reload()

    def back(self) -> None:
        self._page.go_back()

    def resize(self, width: int, height: int) -> None:
        self._page.set_viewport_size({"width": width, "height": height})

    def call(self, function: str, *arguments: Any) -> Any:
        try:
            return self._page.evaluate(f"(arguments) => ({function})(...arguments)", arguments)
        except PlaywrightError as error:
            raise BrowserError(str(error)) from error

    def click_at(self, x: int, y: int) -> None:
        self._page.mouse.click(x, y)

    def press(self, *keys: str) -> None:
        self._page.keyboard.press("+".join(keys))

    def type(self, text: str) -> None:
        self._page.keyboard.type(text)


class FirefoxTab(WebDriverTab):
    """A tab of Firefox, by WebDriver BiDi."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = count(1)
        self._send("session.new", capabilities={})
        self._context = self._send("browsingContext.create", type="tab")["context"]
        self.resize(*SIZE)

    def open(self, address: str) -> None:
        self._send("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def reload(self) -> None:
        self._send("browsingContext.reload", context=self._context, wait="complete")

    def back(self) -> None:
        self._send("browsingContext.traverseHistory", context=self._context, delta=-1)

    def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self._send("browsingContext.setViewport", context=self._context, viewport=viewport)

    def call(self, function: str, *arguments: Any) -> Any:
        declaration = f"async (given) => JSON.stringify({{ value: await ({function})(...JSON.parse(given)) }})"
        outcome = self._send(
            "script.callFunction",
            functionDeclaration=declaration,
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            awaitPromise=True,
            target={"context": self._context},
        )
        if outcome["type"] == "exception":
            raise BrowserError(outcome["exceptionDetails"]["text"])
        return json.loads(outcome["result"]["value"]).get("value")

    def perform(self, kind: str, actions: list[dict[str, Any]]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self._send("input.performActions", context=self._context, actions=[source])

    def _send(self, method: str, **parameters: Any) -> Any:
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (response := json.loads(self._connection.recv(SECONDS))).get("id") != number:
            pass  # an event
        if response["type"] == "error":
            raise BrowserError(f"{method}: {response['message']}")
        return response["result"]


class WebKitTab(WebDriverTab):
    """The tab of WebKitGTK's MiniBrowser, by WebDriver."""

    def __init__(self, driver: str, browser: str) -> None:
        self._http = requests.Session()
        options = {"webkitgtk:browserOptions": {"binary": browser, "args": ["--automation"]}}
        self._url = driver
        session = self._send("POST", "/session", capabilities={"alwaysMatch": options})["sessionId"]
        self._url = f"{driver}/session/{session}"
        self.resize(*SIZE)

    def close(self) -> None:
        """End the session, and with it the browser."""
        self._send("DELETE", "")
        self._http.close()

    def open(self, address: str) -> None:
        self._send("POST", "/url", url=address)

    def reload(self) -> None:
        self._send("POST", "/refresh")

    def back(self) -> None:
        self._send("POST", "/back")

    def resize(self, width: int, height: int) -> None:
        # The window is larger than the page.
        for _ in range(2):
            outer = self._send("GET", "/window/rect")
            inner = self.call("() => ({ width: innerWidth, height: innerHeight })")
            size = {"width": width, "height": height}
            self._send("POST", "/window/rect", **{side: size[side] + outer[side] - inner[side] for side in size})

    def call(self, function: str, *arguments: Any) -> Any:
        script = f"""const done = arguments[1];
            (async () => ({{ value: await ({function})(...JSON.parse(arguments[0])) }}))()
                .catch((error) => ({{ error: String(error) }})).then((result) => done(JSON.stringify(result)));"""
        result = json.loads(self._send("POST", "/execute/async", script=script, args=[json.dumps(arguments)]))
        if "error" in result:
            raise BrowserError(result["error"])
        return result.get("value")

    def perform(self, kind: str, actions: list[dict[str, Any]]) -> None:
        self._send("POST", "/actions", actions=[{"type": kind, "id": kind, "actions": actions}])

    def _send(self, method: str, path: str, **body: Any) -> Any:
        response = self._http.request(method, f"{self._url}{path}", json=body if method == "POST" else None, timeout=60)
        value = response.json()["value"]
        if not response.ok:
            raise BrowserError(f"{path}: {value['error']}: {value['message']}")
        return value


@contextmanager
def chromium(browser: Browser) -> Iterator[Tab]:
    """Open a tab in a Chromium that Playwright has started."""
    with browser.new_context() as context:
        yield ChromiumTab(context.new_page())


@contextmanager
def firefox_tab(folder: Path) -> Iterator[Tab]:
    """Start Firefox with a new profile in a folder."""
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
    (folder / "user.js").write_text("".join(lines))
    command = [firefox() or "", "--headless", "--remote-debugging-port=0", "--no-remote", "--profile", str(folder)]
    # As root, Firefox refuses a home that belongs to another user.
    environment = {**os.environ, "HOME": str(folder)}
    with (folder / "log").open("w+") as log, _process(command, stderr=log, env=environment) as process:
        ready = _first(lambda: re.search(r"listening on (ws://\S+)", (folder / "log").read_text()), process)
        with connect(f"{ready[1]}/session", max_size=None, ping_interval=None, proxy=None) as connection:
            yield FirefoxTab(connection)


@contextmanager
def webkit_tab(folder: Path) -> Iterator[Tab]:
    """Start WebKitGTK's browser, on a display of its own if there is none."""
    with _display(folder) as display:
        port = free_port()
        environment = {**os.environ, "DISPLAY": display, "HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1"}
        command = ["WebKitWebDriver", f"--port={port}", f"--host={HOST}"]
        with (folder / "log").open("w") as log, _process(command, stderr=log, stdout=log, env=environment):
            url = f"http://{HOST}:{port}"
            _connected(lambda: requests.get(f"{url}/status", timeout=SECONDS))
            tab = WebKitTab(url, mini_browser() or "")
            yield tab
            tab.close()


@contextmanager
def _display(folder: Path) -> Iterator[str]:
    if present := os.environ.get("DISPLAY"):
        yield present
        return
    # Xvfb chooses a free display, and writes its number when it is ready.
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with (folder / "xvfb").open("w") as log, _process(command, stderr=log, pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as numbers:
            yield f":{numbers.readline().strip()}"


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


def _first(find: Callable[[], Any], process: subprocess.Popen[bytes]) -> Any:
    def found() -> Any:
        assert process.poll() is None, "the browser has ended"
        if not (match := find()):
            raise BrowserError("the browser has not started")
        return match

    return _connected(found)


def _connected(attempt: Callable[[], Any]) -> Any:
    errors = retry_if_exception_type((BrowserError, requests.ConnectionError))
    return Retrying(retry=errors, stop=stop_after_delay(60), wait=wait_fixed(0.05), reraise=True)(attempt)


TABS: dict[str, Callable[[Path], AbstractContextManager[Tab]]] = {FIREFOX: firefox_tab, WEBKITGTK: webkit_tab}
