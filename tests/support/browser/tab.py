"""A browser tab in any of the three engines: the common part of Playwright, WebDriver BiDi and WebDriver."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

from tenacity import RetryError, Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

SECONDS = 20
POLL_SECONDS = 0.05

# The elements that match a selector and have this text or label, if one is given. Only what the visitor sees counts.
FIND = """(selector, text) => [...document.querySelectorAll(selector)].filter((element) =>
    element.checkVisibility({ visibilityProperty: true })
    && (!text || element.textContent.trim() === text || element.ariaLabel === text))"""
# The middle of such an element, or null while there is none or something else covers it.
PLACE = """(selector, text, find) => {
    const element = find(selector, text)[0];
    element?.scrollIntoView({ block: "nearest" });
    const box = element?.getBoundingClientRect();
    if (!box) return null;
    const [x, y] = [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)];
    const hit = document.elementFromPoint(x, y);
    return hit && (element.contains(hit) || hit.contains(element)) ? [x, y] : null;
}"""


class BrowserError(Exception):
    """An error of a browser or of a script in it."""


class Tab(ABC):
    """A tab of a browser."""

    @abstractmethod
    def open(self, address: str) -> None:
        """Open an address, and wait until it is loaded."""

    @abstractmethod
    def reload(self) -> None:
        """Load the page again."""

    @abstractmethod
    def back(self) -> None:
        """Go back in the history of the tab."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Set the size of the page. WebKitGTK has a least width, about that of a large phone."""

    @abstractmethod
    def call(self, function: str, *arguments: Any) -> Any:
        """Return the result of a JavaScript function. Raises BrowserError if it throws, or if the page goes away."""

    @abstractmethod
    def click_at(self, x: int, y: int) -> None:
        """Click at a place of the page."""

    @abstractmethod
    def press(self, *keys: str) -> None:
        """Press keys together, such as "Shift" and "Enter"."""

    @abstractmethod
    def type(self, text: str) -> None:
        """Type a text, key by key."""

    def click(self, selector: str, text: str = "") -> None:
        """Click an element, as soon as it is there and nothing covers it."""
        self.click_at(*self._poll(f"(selector, text) => ({PLACE})(selector, text, {FIND})", selector, text))

    def fill(self, selector: str, text: str) -> None:
        """Replace the text of a field."""
        self.click(selector)
        self.call("(selector) => document.querySelector(selector).select()", selector)
        self.type(text) if text else self.press("Delete")

    def texts(self, selector: str) -> list[str]:
        """Return the texts of the visible elements that match a selector."""
        return list(self.call(f"(selector) => ({FIND})(selector).map((one) => one.innerText.trim())", selector))

    def expect_texts(self, selector: str, *texts: str) -> None:
        """Wait until the visible elements that match a selector have these texts."""
        self.expect(f"() => ({FIND})({json.dumps(selector)}).map((one) => one.innerText.trim())", list(texts))

    def expect_value(self, selector: str, value: str) -> None:
        """Wait until a field has this value."""
        self.expect(f"() => document.querySelector({json.dumps(selector)}).value", value)

    def expect(self, function: str, value: Any = True) -> None:
        """Wait until a JavaScript function returns a value."""
        try:
            self._retrying(lambda found: found != value)(lambda: self.call(function))
        except RetryError as timeout:
            attempt = timeout.last_attempt
            found = attempt.exception() if attempt.failed else attempt.result()
            raise AssertionError(f"expected {value!r}, got {found!r} from {function}") from None

    def _poll(self, function: str, *arguments: Any) -> Any:
        try:
            return self._retrying(lambda found: not found)(lambda: self.call(function, *arguments))
        except RetryError:
            raise AssertionError(f"expected {arguments} on the page, which shows {self.texts('body')}") from None

    def _retrying(self, unlike: Any) -> Retrying:
        # While another page is loaded, there is none to ask.
        retry = retry_if_result(unlike) | retry_if_exception_type(BrowserError)
        return Retrying(retry=retry, stop=stop_after_delay(SECONDS), wait=wait_fixed(POLL_SECONDS))


KEYS = {
    "Enter": "\ue007",
    "Shift": "\ue008",
    "Control": "\ue009",
    "Escape": "\ue00c",
    "Delete": "\ue017",
    "PageUp": "\ue00e",
    "PageDown": "\ue00f",
}
"""The keys without a character ("WebDriver": keyboard actions)."""


class WebDriverTab(Tab):
    """A tab that is driven by input actions of WebDriver, which those of WebDriver BiDi are, too."""

    @abstractmethod
    def perform(self, kind: str, actions: list[dict[str, Any]]) -> None:
        """Perform the actions of an input source."""

    def click_at(self, x: int, y: int) -> None:
        down, up = ({"type": name, "button": 0} for name in ("pointerDown", "pointerUp"))
        self.perform("pointer", [{"type": "pointerMove", "x": x, "y": y}, down, up])

    def press(self, *keys: str) -> None:
        values = [KEYS.get(key, key) for key in keys]
        down = [{"type": "keyDown", "value": value} for value in values]
        self.perform("key", [*down, *({"type": "keyUp", "value": value} for value in reversed(values))])

    def type(self, text: str) -> None:
        self.perform("key", [{"type": name, "value": one} for one in text for name in ("keyDown", "keyUp")])
