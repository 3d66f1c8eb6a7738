"""The web page, and pages of other origins."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

from chalicelib import settings
from deployment.smoke.client import Chat
from deployment.smoke.differences import Difference, expect
from deployment.smoke.scenario import scenario

ORIGIN = settings.ALLOWED_ORIGINS[0] if settings.ALLOWED_ORIGINS else "http://localhost:5173"
FILE = re.compile(r'"(static/[^"]+)"')


def files(chat: Chat) -> list[str]:
    """Return the paths of the files that the page loads."""
    return [f"/{path}" for path in FILE.findall(chat.request("GET", "/").text)]


@scenario()
async def page_opens_with_its_files(chat: Chat) -> None:
    page = chat.request("GET", "")  # the address without its last slash
    expect("the redirects to the page", [redirect.status_code for redirect in page.history], [302])
    expect("the response of the page", (page.url, page.status_code), (f"{chat.rest}/", 200))
    expect("that the page is HTML", "<!doctype html>" in page.text.lower(), True)
    (websocket,) = re.findall(r'<meta name="websocket-url" content="([^"]*)">', page.text) or [""]
    expect("the WebSocket address in the page", unescape(websocket), chat.websocket)
    policy = page.headers.get("Content-Security-Policy", "")
    if not policy.startswith("default-src 'none'; script-src 'self';"):
        raise Difference(f"expected a Content-Security-Policy that excludes other scripts, got {policy!r}")
    expect("that the policy allows the WebSocket API", urlsplit(chat.websocket).netloc in policy, True)
    loaded = files(chat)
    expect("that the page loads files", bool(loaded), True)
    for path in loaded:
        file = chat.request("GET", path)
        given = (file.status_code, file.headers.get("X-Content-Type-Options"))
        expect(f"the response of {path}", given, (200, "nosniff"))


@scenario()
async def unchanged_files_of_the_page_get_a_304(chat: Chat) -> None:
    for path in ("/", *files(chat)):
        file = chat.request("GET", path)
        caching = "no-cache" if path == "/" else "public, max-age=31536000, immutable"
        expect(f"the Cache-Control of {path}", file.headers.get("Cache-Control"), caching)
        unchanged = chat.request("GET", path, headers={"If-None-Match": file.headers.get("ETag", "")})
        expect(f"the response of {path} with its ETag", (unchanged.status_code, unchanged.content), (304, b""))
        for name in ("ETag", "Cache-Control", "Access-Control-Allow-Origin"):
            expect(f"{name} of the 304", unchanged.headers.get(name), file.headers.get(name))


@scenario()
async def page_of_another_origin_may_use_the_chat(chat: Chat) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    for path in ("/rooms", "/rooms/any", "/rooms/any/members", "/config", "/", files(chat)[0]):
        preflight = chat.request("OPTIONS", path, headers=asked).headers
        _expect_origin(f"the preflight of {path}", preflight.get("Access-Control-Allow-Origin"))
        _expect_values(f"the methods of {path}", preflight.get("Access-Control-Allow-Methods"), {"GET"})
        _expect_values(f"the headers of {path}", preflight.get("Access-Control-Allow-Headers"), {"Content-Type"})
        response = chat.request("GET", path, headers={"Origin": ORIGIN}).headers
        _expect_origin(f"GET {path}", response.get("Access-Control-Allow-Origin"))
        exposed = response.get("Access-Control-Expose-Headers")
        expect(f"the exposed headers of {path}", exposed, "ETag,Retry-After")


@scenario()
async def page_of_another_origin_may_manage_hooks(chat: Chat) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Headers": "authorization"}
    for path, methods in {"/rooms/r/hooks": {"GET", "POST"}, "/rooms/r/hooks/h": {"DELETE"}}.items():
        preflight = chat.request("OPTIONS", path, headers=asked).headers
        _expect_values(f"the methods of {path}", preflight.get("Access-Control-Allow-Methods"), methods)
        _expect_values(f"the headers of {path}", preflight.get("Access-Control-Allow-Headers"), {"Authorization"})


def _expect_origin(what: str, allowed: str | None) -> None:
    if allowed not in ("*", ORIGIN):
        raise Difference(f"{what}: expected that Access-Control-Allow-Origin allows {ORIGIN}, got {allowed!r}")


def _expect_values(what: str, header: str | None, values: set[str]) -> None:
    if missing := values - set((header or "").split(",")):
        raise Difference(f"{what}: expected {', '.join(sorted(missing))} in the preflight, got {header!r}")
