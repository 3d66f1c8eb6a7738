"""Sign-in on the page, with a real OpenID Connect provider."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, Route, expect

from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.sign_in import cloud_with_sign_in
from tests.support.browser.visitor import (
    agree,
    create_room,
    expect_message,
    messages,
    say,
)
from tests.support.provider import Provider

ROOM_SCRIPT = "**/static/visit-*.js"
SIGN_IN_SCRIPT = "**/static/oauth-*.js"


@pytest.fixture(scope="module")
def _with_sign_in(tmp_path_factory: pytest.TempPathFactory, node_tools: Path) -> Iterator[tuple[LocalCloud, Provider]]:
    with cloud_with_sign_in(tmp_path_factory.mktemp("sign-in"), node_tools) as running:
        yield running


@pytest.fixture
def provider(_with_sign_in: tuple[LocalCloud, Provider]) -> Provider:
    _with_sign_in[1].set()
    return _with_sign_in[1]


@pytest.fixture(scope="module")
def cloud(_with_sign_in: tuple[LocalCloud, Provider]) -> LocalCloud:
    """Run a copy of the project whose users sign in at the provider."""
    return _with_sign_in[0]


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").locator("visible=true").first.click()
    page.get_by_label("User").fill(name)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def session_of(page: Page) -> dict[str, Any]:
    return dict(json.loads(page.evaluate("sessionStorage.getItem('chalice-chat.session')")))


def token_of(page: Page) -> str:
    return str(session_of(page)["idToken"])


def replace_token(page: Page, token: str) -> None:
    page.evaluate(
        """token => {
            const session = JSON.parse(sessionStorage.getItem("chalice-chat.session"));
            sessionStorage.setItem("chalice-chat.session", JSON.stringify({...session, idToken: token}));
        }""",
        token,
    )


def let_session_expire(page: Page) -> None:
    """Let the token of the page expire: it is not used again, even while the provider cannot renew it."""
    page.evaluate(
        """() => {
            const session = JSON.parse(sessionStorage.getItem("chalice-chat.session"));
            sessionStorage.setItem("chalice-chat.session", JSON.stringify({...session, renewAt: 0, expiresAt: 0}));
        }"""
    )


def let_connections_expire(cloud: LocalCloud) -> None:
    """Let the tokens of all connections expire."""
    dynamodb = client("dynamodb", cloud.port)
    table = "chalice-chat-local-connections"
    for item in dynamodb.scan(TableName=table)["Items"]:
        if "authorized_until" in item:
            dynamodb.update_item(
                TableName=table,
                Key={"connection_id": item["connection_id"]},
                UpdateExpression="SET authorized_until = :past",
                ExpressionAttributeValues={":past": {"N": "0"}},
            )


def expect_connected(page: Page) -> None:
    expect(page.locator("#connection-state")).to_have_text("Connected")


def manage_webhooks(owner: Page) -> None:
    owner.get_by_role("button", name="Manage room").click()
    dialog = owner.get_by_role("dialog", name="Manage this room")
    dialog.get_by_label("Name of the program").fill("Build")
    dialog.get_by_role("button", name="Add").click()
    address = dialog.get_by_label("Address to post to")
    expect(address).to_have_value(re.compile("/hooks/"))
    assert requests.post(address.input_value(), json={"text": "Build 42 passed"}, timeout=20).status_code == 200
    expect_message(owner, "Build 42 passed")
    dialog.get_by_role("button", name="Delete webhook Build").click()
    agree(owner, "Delete")
    expect(dialog.get_by_text("Deleted.")).to_be_visible()
    expect(dialog.get_by_role("list", name="Webhooks").get_by_role("listitem")).to_have_count(0)
    dialog.get_by_role("button", name="Done").click()


def test_users_sign_in_talk_manage_webhooks_and_sign_out(open_page: OpenPage, provider: Provider) -> None:
    aki = open_page(reduced_motion="reduce")
    expect(aki.get_by_text("Please sign in to see the rooms.")).to_be_visible()
    expect(aki.get_by_label("Room name")).to_be_hidden()
    expect_no_violations(aki)
    sign_in(aki, "Aki")
    assert "?" not in aki.url
    expect(aki.locator("#user-name")).to_have_text("Aki")
    expect(aki.get_by_label("Your name")).to_be_hidden()
    create_room(aki, "Tea")
    say(aki, "hello")
    expect_message(aki, "hello")
    expect(aki.get_by_role("button", name="choose a name")).to_be_hidden()

    # Whoever opens the link of a room comes back to that room.
    bo = open_page(aki.url, reduced_motion="reduce")
    expect(bo.get_by_text("Please sign in to enter this room.")).to_be_visible()
    expect_no_violations(bo)
    # Also if the scripts of the room are still being loaded.
    held: list[Route] = []
    bo.route(ROOM_SCRIPT, lambda route: held.append(route))
    with bo.expect_request(ROOM_SCRIPT):
        bo.reload(wait_until="commit")
    sign_in(bo, "Bo")
    assert bo.url == aki.url
    held[-1].continue_()
    expect_message(bo, "hello")
    say(bo, "hi Aki")
    expect_message(aki, "hi Aki")
    expect(aki.get_by_role("list", name="Members").get_by_text("Bo", exact=True)).to_be_visible()

    # A reload needs neither the provider nor its code.
    scripts: list[str] = []
    aki.on("request", lambda request: scripts.append(request.url))
    aki.reload()
    expect_message(aki, "hi Aki")
    expect(aki.locator("li.message.own .body")).to_have_text("hello")
    assert not [url for url in scripts if "oauth-" in url or provider.url in url]

    manage_webhooks(aki)
    owner_tokens = "Object.keys(localStorage).filter(key => key.includes('owner')).length"
    assert aki.evaluate(owner_tokens) == 1
    aki.get_by_role("button", name="Sign out").click()
    aki.get_by_role("button", name="Yes").click()
    expect(aki.get_by_text("Please sign in to see the rooms.")).to_be_visible()
    assert provider.requests()["GET /session"] == 1
    assert aki.evaluate("Object.keys(sessionStorage).filter(key => key.includes('session')).length") == 0
    assert aki.evaluate(owner_tokens) == 0
    expect(bo.get_by_role("list", name="Members").get_by_text("Aki", exact=True)).to_be_hidden()


def test_expired_token_loses_nothing(open_page: OpenPage, provider: Provider, cloud: LocalCloud) -> None:
    aki, bo = open_page(reduced_motion="reduce"), open_page()
    # By the server's clock, which tolerates a minute. The page knows that its own clock may be wrong.
    provider.set(lifetime=600, age=720)
    sign_in(aki, "Aki")
    expect(aki.get_by_text("Please sign in to see the rooms.")).to_be_visible()
    expired = token_of(aki)
    provider.set()
    aki.get_by_role("button", name="Sign in again").click()
    create_room(aki, "Tea")
    bo.goto(aki.url)
    sign_in(bo, "Bo")
    expect_connected(bo)

    replace_token(aki, expired)
    let_connections_expire(cloud)
    say(aki, "kept")
    again = aki.get_by_role("button", name="Sign in again")
    expect(again).to_be_visible()
    expect(aki.get_by_text("Your sign-in has expired.")).to_be_visible()
    aki.get_by_label("Message", exact=True).fill("half a sen")
    expect_no_violations(aki)
    room = aki.url
    again.click()
    expect_connected(aki)
    assert aki.url == room
    expect_message(bo, "kept")
    expect(aki.get_by_label("Message", exact=True)).to_have_value("half a sen")
    assert messages(bo) == ["kept"]


def test_token_is_renewed_unnoticed_while_keys_change_and_in_a_duplicated_tab(
    open_page: OpenPage, provider: Provider, cloud: LocalCloud
) -> None:
    # The page renews such a token before each use. The server accepts it for a minute, as clocks may differ.
    # The provider accepts each refresh token once.
    provider.set(lifetime=1, refresh_tokens=True)
    first = open_page(reduced_motion="reduce")
    sign_in(first, "Aki")
    create_room(first, "Tea")
    say(first, "before")
    expect_message(first, "before")
    former, renewals = token_of(first), provider.requests()["POST /token"]
    provider.rotate_key()
    provider.set(refresh_tokens=True)  # the next token does not expire before the page is connected again
    let_session_expire(first)
    let_connections_expire(cloud)
    say(first, "after")
    expect_message(first, "after")
    expect(first.locator("#pending li")).to_have_count(0)
    expect(first.locator("li.message.own .body")).to_have_text(["before", "after"])
    expect_connected(first)
    assert token_of(first) != former
    assert provider.requests()["POST /token"] > renewals

    with first.expect_popup() as duplicate:
        first.evaluate("window.open(location.href)")  # the new tab has a copy of sessionStorage
    second = duplicate.value
    expect_connected(second)
    renewals = provider.requests()["POST /token"]
    for page in (first, second) * 2:
        let_session_expire(page)
        page.reload()
        expect_connected(page)
    say(first, "from the first")
    say(second, "from the second")
    for page in (first, second):
        expect_message(page, "from the first")
        expect_message(page, "from the second")
        expect(page.get_by_role("button", name="Sign in again")).to_be_hidden()
    assert provider.requests()["POST /token"] >= renewals + 2  # one tab may use what the other has renewed
    first.close()
    second.reload()
    expect_connected(second)


def test_sign_in_leads_to_the_room_that_was_opened_while_it_was_prepared(
    open_page: OpenPage, provider: Provider
) -> None:
    aki = open_page()
    sign_in(aki, "Aki")
    create_room(aki, "Tea")
    bo = open_page()
    scripts: list[Route] = []
    bo.route(SIGN_IN_SCRIPT, lambda route: scripts.append(route))
    with bo.expect_request(SIGN_IN_SCRIPT):
        bo.get_by_role("button", name="Sign in").locator("visible=true").first.click()
    bo.evaluate("address => { location.href = address }", aki.url)
    expect(bo.get_by_text("Please sign in to enter this room.")).to_be_visible()
    bo.route(SIGN_IN_SCRIPT, lambda route: route.continue_())  # a later handler comes first
    scripts[0].continue_()
    bo.get_by_label("User").fill("Bo")
    bo.get_by_role("button", name="Continue").click()
    expect_connected(bo)
    assert bo.url == aki.url


def test_sign_in_whose_script_was_replaced_works_after_a_reload(open_page: OpenPage, provider: Provider) -> None:
    page = open_page()
    page.route(SIGN_IN_SCRIPT, lambda route: route.fulfill(status=404))
    page.get_by_role("button", name="Sign in").locator("visible=true").first.click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Reload the page?")
    page.unroute(SIGN_IN_SCRIPT)
    agree(page, "Reload")
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    sign_in(page, "Aki")


def test_token_whose_script_was_replaced_is_used_while_it_is_valid_and_renewed_after_a_reload(
    open_page: OpenPage, provider: Provider
) -> None:
    provider.set(refresh_tokens=True)
    page = open_page()
    sign_in(page, "Aki")
    create_room(page, "Tea")
    page.route(SIGN_IN_SCRIPT, lambda route: route.fulfill(status=404))
    page.evaluate(
        """() => {
            const session = JSON.parse(sessionStorage.getItem("chalice-chat.session"));
            sessionStorage.setItem("chalice-chat.session", JSON.stringify({...session, renewAt: 0}));
        }"""
    )
    page.reload()
    expect_connected(page)
    let_session_expire(page)
    page.reload()
    expect(page.get_by_role("alertdialog")).to_contain_text("Reload the page?")
    page.unroute(SIGN_IN_SCRIPT)
    agree(page, "Reload")
    expect_connected(page)


def test_page_from_before_the_visitor_signed_out_is_loaded_again(open_page: OpenPage, provider: Provider) -> None:
    page = open_page()
    sign_in(page, "Aki")
    # Playwright turns off the browser's cache of pages.
    page.evaluate(
        """() => {
            sessionStorage.removeItem("chalice-chat.session");
            dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        }"""
    )
    expect(page.get_by_text("Please sign in to see the rooms.")).to_be_visible()
    expect(page.locator("#user-name")).to_be_hidden()


def test_visitor_who_goes_back_past_the_provider_stays_signed_in_without_an_error(
    open_page: OpenPage, provider: Provider, cloud: LocalCloud
) -> None:
    page = open_page()
    sign_in(page, "Aki")
    former = token_of(page)
    page.goto(f"{cloud.rest_url}/?state=former&code=former")
    expect(page.locator("#user-name")).to_have_text("Aki")
    expect(page.locator("#sign-in-note")).to_be_hidden()
    assert "?" not in page.url
    assert token_of(page) == former
