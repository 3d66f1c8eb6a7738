"""Moderators, muting, removal with messages, and reports, with the pages of several people."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.visitor import expect_message, messages, open_person, say

Pages = tuple[Page, Page, Page]


def members(page: Page) -> Locator:
    return page.get_by_role("list", name="Members").get_by_role("listitem")


@pytest.fixture
def three(pair: tuple[Page, Page], open_page: OpenPage) -> Pages:
    """Return the pages of Aki, the owner, of Bo, whom Aki has made a moderator, and of Cy."""
    aki, bo = pair
    cy = open_page(bo.url, name="Cy")
    expect(members(aki)).to_have_count(3)
    dialog = open_person(aki, "Bo")
    dialog.get_by_role("button", name="Make moderator").click()
    expect(dialog.get_by_role("button", name="No longer moderator")).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    for page in (aki, cy):
        expect(members(page).filter(has_text="Bo")).to_contain_text("moderator")
    return aki, bo, cy


def test_moderator_is_marked_in_messages_and_after_a_reload(three: Pages) -> None:
    aki, bo, cy = three
    expect(cy.get_by_role("log").get_by_text("Aki made Bo a moderator")).to_be_visible()
    expect(bo.get_by_role("log").get_by_text("Aki made you a moderator")).to_be_visible()
    say(bo, "I help")
    expect_message(cy, "I help")
    bo.reload()
    expect(members(bo).filter(has_text="Bo")).to_contain_text("moderator")
    cy.reload()
    expect_message(cy, "I help")
    expect(cy.locator("li.message .head .mark")).to_have_text(["moderator"])
    open_person(aki, "Bo").get_by_role("button", name="No longer moderator").click()
    expect(members(cy).filter(has_text="Bo")).not_to_contain_text("moderator")


def test_moderator_can_do_to_plain_members_only_what_moderators_may(three: Pages) -> None:
    aki, bo, cy = three
    say(aki, "from the owner")
    say(cy, "from Cy")
    for text in ("from the owner", "from Cy"):
        expect_message(bo, text)
    assert bo.locator("li.message", has_text="from the owner").get_by_role("button", name="Delete").count() == 0
    assert bo.locator("li.message", has_text="from Cy").get_by_role("button", name="Delete").count() == 1
    dialog = open_person(bo, "Aki")
    for name in ("5 minutes", "Make moderator", "Remove for an hour"):
        expect(dialog.get_by_role("button", name=name)).to_be_hidden()
    dialog.get_by_role("button", name="Done").click()
    dialog = open_person(bo, "Cy")
    expect(dialog.get_by_role("button", name="Make moderator")).to_be_hidden()
    dialog.get_by_role("button", name="Remove for an hour").click()
    expect(cy.get_by_text("has removed you")).to_be_visible()
    expect(members(aki)).to_have_count(2)


def test_muted_member_learns_it_and_writes_again_when_it_ends(three: Pages) -> None:
    aki, bo, cy = three
    dialog = open_person(bo, "Cy")
    dialog.get_by_role("button", name="5 minutes").click()
    expect(dialog.get_by_text(re.compile("^Muted until "))).to_be_visible()
    expect(members(aki).filter(has_text="Cy")).to_contain_text("muted")
    expect(cy.get_by_text(re.compile("^You are muted until "))).to_be_visible()
    expect(cy.get_by_role("button", name="Send")).to_be_disabled()
    cy.get_by_label("Message", exact=True).fill("But")
    cy.emulate_media(reduced_motion="reduce")
    expect_no_violations(cy)
    cy.reload()
    expect(cy.get_by_role("button", name="Send")).to_be_disabled()
    expect(cy.get_by_label("Message", exact=True)).to_have_value("But")
    dialog.get_by_role("button", name="Unmute").click()
    expect(cy.get_by_role("button", name="Send")).to_be_enabled()
    cy.get_by_role("button", name="Send").click()
    expect_message(aki, "But")


def test_of_two_members_with_one_name_the_right_one_is_removed(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    first, second = open_page(bo.url, name="Mia"), open_page(bo.url, name="mia")
    for page, text in ((first, "I am here"), (second, "Me, too")):
        expect(page.locator("#connection-state")).to_have_text("Connected")
        say(page, text)
        expect_message(aki, text)
    expect(second.locator("#you-are")).to_contain_text("mia (2)")
    for page in (aki, bo):
        expect(members(page)).to_have_text([re.compile(name) for name in ("Aki", "Bo", r"^Mia", r"^mia \(2\)")])
    expect(bo.locator("li.message", has_text="Me, too").locator(".head")).to_contain_text("mia (2)")
    open_person(aki, "mia (2)").get_by_role("button", name="Remove for an hour").click()
    expect(second.get_by_text("has removed you")).to_be_visible()
    expect(bo.get_by_role("log").get_by_text("Aki removed mia (2)")).to_be_visible()
    say(first, "Still here")
    expect_message(bo, "Still here")


def test_messages_of_a_removed_member_disappear_in_one_step(three: Pages, open_page: OpenPage) -> None:
    aki, bo, cy = three
    say(bo, "before")
    for number in range(5):
        say(cy, f"troll {number}")
        expect_message(aki, f"troll {number}")
    say(bo, "after")
    expect_message(aki, "after")
    dialog = open_person(bo, "Cy")
    expect(dialog.get_by_label("Delete their messages, too")).not_to_be_checked()
    dialog.get_by_label("Delete their messages, too").check()
    dialog.get_by_role("button", name="Remove for an hour").click()
    expect(cy.get_by_text("has removed you")).to_be_visible()
    for page in (aki, bo):
        expect(page.locator("li.message .body")).to_have_text(["before", "after"])
    expect(aki.get_by_role("log").get_by_text("Bo removed Cy and deleted their messages")).to_be_visible()
    later = open_page(aki.url)
    expect_message(later, "after")
    assert messages(later) == ["before", "after"]


def test_report_reaches_owner_and_moderators_and_leads_to_the_message(three: Pages) -> None:
    aki, bo, cy = three
    say(aki, "hello")
    expect_message(cy, "hello")
    cy.locator("li.message").hover()
    cy.get_by_role("button", name="More about this message").click()
    dialog = cy.get_by_role("dialog")
    dialog.get_by_placeholder("Reason, if you like").fill("rude")
    dialog.get_by_role("button", name="Report").click()
    for page in (aki, bo):
        expect(page.get_by_role("log").get_by_text("Cy reported a message of Aki: “rude”")).to_be_visible()
        page.get_by_role("button", name="Show the message").click()
        expect(page.locator("li.message")).to_be_focused()
    expect(dialog.get_by_text("Reported. Thank you.")).to_be_visible()
    aki.reload()
    expect(aki.get_by_role("log").get_by_text("Cy reported a message of Aki: “rude”")).to_be_visible()
    assert cy.get_by_role("button", name="Show the message").count() == 0
