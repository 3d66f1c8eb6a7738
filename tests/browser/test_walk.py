"""Four people in one room, from its creation to its end: in each step, what each of them sees.

Olga, the owner, and Milo, a moderator, have wide windows. Gil, a guest, has a phone. Uma uses the keyboard alone, and
hears what live regions announce.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.visitor import agree, create_room, expect_message, expect_true, open_person, say, take_name

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}
# What a screen reader would say: texts that are added to a live region, unless a part of it turns that off.
LISTEN = """() => {
    window.announced = [];
    const regions = "[aria-live], [role=log], [role=status], [role=alert]";
    new MutationObserver((changes) => {
        for (const { target, addedNodes } of changes) {
            const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
            const region = element?.closest(regions);
            if (!region || region.getAttribute("aria-live") === "off") continue;
            const added = addedNodes.length ? [...addedNodes] : [target];
            announced.push(...added.map(({ textContent }) => textContent.trim()));
        }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


class People(NamedTuple):
    """The pages of the four."""

    olga: Page
    milo: Page
    gil: Page
    uma: Page

    def but(self, *absent: Page) -> Iterator[Page]:
        return (page for page in self if page not in absent)


def members(page: Page) -> Locator:
    """Return the entries of the members. On a phone, they are behind a button."""
    return page.locator("#members li")


def expect_members(page: Page, *entries: str) -> None:
    """Expect these members, whom the list has in the order of their names."""
    expect(page.locator("#member-count")).to_have_text(f"{len(entries)} here")
    expect(members(page)).to_have_text([re.compile(entry) for entry in sorted(entries)])


def entry(page: Page, text: str) -> Locator:
    return page.locator("li.message[data-sequence]").filter(has=page.locator(".body", has_text=text))


def expect_texts(page: Page, *texts: str) -> None:
    """Expect these messages, all of them stored."""
    expect(page.locator("li.message .body")).to_have_text(list(texts))
    expect(page.locator("li.message.pending")).to_have_count(0)


def notice(page: Page, text: str) -> Locator:
    return page.get_by_role("log").locator("li.notice").filter(has_text=text)


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def expect_announced(page: Page, text: str) -> None:
    expect_true(page, "text => announced.some((one) => one.includes(text))", arg=text)


def press(page: Page, name: str) -> None:
    """Press a button by the keyboard."""
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def actions(page: Page, text: str) -> Locator:
    """Open the actions of a message by the keyboard, and return them."""
    entry(page, text).get_by_role("button", name="React or reply").focus()
    page.keyboard.press("Enter")
    return page.get_by_role("group", name="React or reply")


def expect_chip(page: Page, text: str, name: str | re.Pattern[str]) -> None:
    expect(entry(page, text).get_by_role("button", name=name)).to_be_visible()


@pytest.fixture
def people(open_page: OpenPage, cloud: LocalCloud) -> People:
    """Let Olga create a private room and copy its link, by which the others come in."""
    options = {"viewport": WIDE, "reduced_motion": "reduce"}
    olga = open_page(permissions=["clipboard-read", "clipboard-write"], **options)
    take_name(olga, "Olga")
    create_room(olga, "Walk", private=True)
    olga.get_by_role("button", name="Copy invite link").click()
    expect(olga.get_by_role("button", name="Copied")).to_be_visible()
    link = olga.evaluate("navigator.clipboard.readText()")
    milo = open_page(link, name="Milo", **options)
    expect_members(olga, "Olga", "Milo")
    phone = options | {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    gil = open_page(link, name="Gil", **phone)
    expect_members(olga, "Olga", "Milo", "Gil")
    uma = open_page(link, name="Uma", **options)
    uma.evaluate(LISTEN)
    people = People(olga, milo, gil, uma)
    for page in people:
        expect(page.get_by_role("heading", name="Walk Private room")).to_be_visible()
        expect_members(page, "Olga.*owner", "Milo", "Gil", "Uma")
    return people


def test_four_people_meet_talk_and_part(people: People) -> None:
    olga, milo, gil, uma = people
    appoint(people)
    talk(people)
    mention_and_reply(people)
    react(people)
    edit_and_delete(people)
    mute(people)
    come_back_to_news(people)
    lose_the_connection(people)
    for page, size in ((olga, WIDE), (milo, WIDE), (gil, PHONE), (uma, WIDE)):
        expect_no_violations(page)
        page.set_viewport_size(size)
    part(people)


def appoint(people: People) -> None:
    olga, milo, gil, uma = people
    dialog = open_person(olga, "Milo")
    dialog.get_by_role("button", name="Make moderator").click()
    expect(dialog.get_by_role("button", name="No longer moderator")).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    for page in people:
        expect_members(page, "Olga.*owner", "Milo.*moderator", "Gil", "Uma")
    expect(notice(milo, "Olga made you a moderator")).to_be_visible()
    for page in (gil, uma):
        expect(notice(page, "Olga made Milo a moderator")).to_be_visible()
    expect_announced(uma, "Olga made Milo a moderator")


def talk(people: People) -> None:
    olga, milo, gil, uma = people
    field(gil).press_sequentially("Where do we")
    for page in people.but(gil):
        expect(page.get_by_text("Gil is typing…")).to_be_visible()
    expect(gil.get_by_text("typing…")).to_have_count(0)
    field(gil).fill("Where do we meet?")
    gil.get_by_role("button", name="Send").tap()
    for page in people:
        expect_texts(page, "Where do we meet?")
        expect(page.get_by_text("typing…")).to_have_count(0)
    expect_announced(uma, "Where do we meet?")
    for page, text in ((olga, "At the mill"), (milo, "At nien"), (uma, "Fine")):
        say(page, text)
        for other in people:
            expect_message(other, text)
    for page, own in zip(people, ("At the mill", "At nien", "Where do we meet?", "Fine"), strict=True):
        expect_texts(page, "Where do we meet?", "At the mill", "At nien", "Fine")
        expect(page.locator("li.message.own .body")).to_have_text([own])
        expect(entry(page, "Where do we meet?").locator(".head")).to_contain_text("Gil")


def mention_and_reply(people: People) -> None:
    olga, gil, uma = people.olga, people.gil, people.uma
    field(olga).press_sequentially("@u")
    expect(olga.get_by_role("option", selected=True)).to_have_text("Uma")
    field(olga).press("Enter")
    field(olga).press_sequentially("do you know it?")
    field(olga).press("Enter")
    for page in people:
        expect_message(page, "@Uma do you know it?")
        expect(page.locator(".message .at")).to_have_text("@Uma")
        expect(page.locator(".mentioned")).to_have_count(1 if page is uma else 0)
    expect(entry(uma, "@Uma").locator(".aside .mark")).to_have_text("@you")
    expect_announced(uma, "@Uma do you know it?")
    actions(uma, "Where do we meet?").get_by_role("button", name="Reply").focus()
    uma.keyboard.press("Enter")
    expect(field(uma)).to_be_focused()
    expect(field(uma)).to_have_accessible_description(re.compile("Answering Gil: Where do we meet"))
    uma.keyboard.type("I know the way")
    uma.keyboard.press("Enter")
    expect(field(uma)).to_have_accessible_description("")
    for page in people:
        expect(entry(page, "I know the way").get_by_role("button", name="Gil Where do we meet?")).to_be_visible()
    entry(gil, "I know the way").locator(".quote").tap()
    expect(entry(gil, "Where do we meet?")).to_be_focused()


def react(people: People) -> None:
    olga, milo, gil, uma = people
    entry(gil, "I know the way").get_by_role("button", name="React or reply").tap()
    gil.get_by_role("button", name="React with 👍").tap()
    expect_chip(gil, "I know the way", "👍 1: You")
    for page in people.but(gil):
        expect_chip(page, "I know the way", "👍 1: Gil")
    entry(olga, "I know the way").get_by_role("button", name="👍 1: Gil").click()
    expect_chip(olga, "I know the way", "👍 2: You and Gil")
    expect_chip(gil, "I know the way", "👍 2: You and Olga")
    for page in (milo, uma):
        expect_chip(page, "I know the way", re.compile("^👍 2: (Gil and Olga|Olga and Gil)$"))
    entry(gil, "I know the way").get_by_role("button", name="👍 2: You and Olga").tap()
    expect_chip(olga, "I know the way", "👍 1: You")
    for page in people.but(olga):
        expect_chip(page, "I know the way", "👍 1: Olga")


def edit_and_delete(people: People) -> None:
    milo, gil = people.milo, people.gil
    field(milo).press("ArrowUp")
    expect(field(milo)).to_have_value("At nien")
    field(milo).fill("At nine")
    field(milo).press("Enter")
    for page in people:
        expect(entry(page, "At nine").get_by_text("(edited)")).to_be_visible()
        expect(page.get_by_text("At nien")).to_have_count(0)
    entry(gil, "Where do we meet?").get_by_role("button", name="Delete").tap()
    agree(gil, "Delete")
    for page in people:
        expect_texts(page, "At the mill", "At nine", "Fine", "@Uma do you know it?", "I know the way")
        expect(entry(page, "I know the way").locator(".quote")).to_have_text("A deleted message")
        expect(page.get_by_text("Where do we meet?")).to_have_count(0)


def mute(people: People) -> None:
    olga, milo, gil, uma = people
    dialog = open_person(milo, "Gil")
    dialog.get_by_role("button", name="5 minutes").click()
    for page in people:
        expect_members(page, "Olga.*owner", "Milo.*moderator", "Gil.*muted", "Uma")
    expect(notice(gil, "Milo muted you until")).to_be_visible()
    expect(gil.get_by_text(re.compile("^You are muted until "))).to_be_visible()
    expect(gil.get_by_role("button", name="Send")).to_be_disabled()
    for page in (olga, uma):
        expect(notice(page, "Milo muted Gil until")).to_be_visible()
    expect_announced(uma, "Milo muted Gil until")
    dialog.get_by_role("button", name="Unmute").click()
    dialog.get_by_role("button", name="Done").click()
    for page in people:
        expect_members(page, "Olga.*owner", "Milo.*moderator", "Gil", "Uma")
        expect(members(page).filter(has_text="muted")).to_have_count(0)
    expect(gil.get_by_role("button", name="Send")).to_be_enabled()
    say(gil, "Sorry")
    for page in people:
        expect_message(page, "Sorry")


def come_back_to_news(people: People) -> None:
    milo, uma = people.milo, people.uma
    with uma.expect_response("**/rooms/unread"):
        uma.get_by_role("link", name="All rooms").press("Enter")
    walk = uma.get_by_role("list", name="Your rooms").get_by_role("listitem")
    expect(walk).to_contain_text("Walk")
    expect(walk.locator(".news")).to_have_count(0)
    for page in people.but(uma):
        expect(notice(page, "Uma left")).to_be_visible()
        expect_members(page, "Olga.*owner", "Milo.*moderator", "Gil")
    say(milo, "Bring a lamp")
    for page in people.but(uma):
        expect_message(page, "Bring a lamp")
    uma.reload()
    uma.evaluate(LISTEN)
    expect(walk.locator(".news")).to_have_text("new")
    walk.get_by_role("link").press("Enter")
    expect_message(uma, "Bring a lamp")
    expect(uma.locator("li.new-line + li .body")).to_have_text("Bring a lamp")
    for page in people.but(uma):
        expect(page.locator("li.new-line")).to_have_count(0)
    for page in people:
        expect_members(page, "Olga.*owner", "Milo.*moderator", "Gil", "Uma")


def lose_the_connection(people: People) -> None:
    olga, gil, uma = people.olga, people.gil, people.uma
    gil.context.set_offline(True)
    expect(gil.locator("#connection-state")).to_contain_text("Connection lost")
    say(olga, "I have one")
    for page in people.but(gil):
        expect_message(page, "I have one")
    say(gil, "From the tunnel")
    expect(gil.locator("li.message.pending .body")).to_have_text(["From the tunnel"])
    expect(gil.get_by_text("I have one")).to_have_count(0)
    gil.context.set_offline(False)
    for page in people:
        expect(page.locator("li.message .body").last).to_have_text("From the tunnel")
        expect(page.locator("li.message.pending")).to_have_count(0)
        expect(entry(page, "I have one")).to_have_count(1)
        expect_members(page, "Olga.*owner", "Milo.*moderator", "Gil", "Uma")
    expect_announced(uma, "From the tunnel")


def part(people: People) -> None:
    olga, milo, gil, uma = people
    milo.get_by_role("link", name="All rooms").click()
    expect(milo.get_by_role("heading", name="Your rooms")).to_be_visible()
    for page in people.but(milo):
        expect(notice(page, "Milo left")).to_be_visible()
        expect_members(page, "Olga.*owner", "Gil", "Uma")
    expect_announced(uma, "Milo left")

    dialog = open_person(olga, "Gil")
    dialog.get_by_label("Delete their messages, too").check()
    dialog.get_by_role("button", name="Remove for an hour").click()
    expect(gil.get_by_text("The owner or a moderator has removed you.")).to_be_visible()
    expect(gil.get_by_role("button", name="Send")).to_be_disabled()
    left = ("At the mill", "At nine", "Fine", "@Uma do you know it?", "I know the way", "Bring a lamp", "I have one")
    olga.get_by_role("dialog", name="New invite link").get_by_role("button", name="Not now").click()
    expect(notice(uma, "Olga removed Gil and deleted their messages")).to_be_visible()
    for page in (olga, uma):
        expect_texts(page, *left)
        expect_members(page, "Olga.*owner", "Uma")
    expect_announced(uma, "Olga removed Gil and deleted their messages")

    olga.get_by_role("button", name="Manage room").click()
    olga.get_by_role("button", name="Close this room").click()
    agree(olga, "Close the room")
    for page in (olga, uma):
        expect(page.get_by_role("alert").filter(has_text="The owner has closed this room.")).to_be_visible()
        expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(gil.get_by_text("The owner or a moderator has removed you.")).to_be_visible()
    milo.get_by_role("list", name="Your rooms").get_by_role("link").click()
    expect(milo.get_by_text("This room no longer exists")).to_be_visible()
