"""Edits, reactions and replies on the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser.visitor import agree, expect_message, expect_true, open_person, say


def entry(page: Page, text: str) -> Locator:
    """Return the entry of the message with a text."""
    return page.locator("li.message[data-sequence]").filter(has=page.locator(".body", has_text=text))


def actions(page: Page, text: str) -> Locator:
    """Open the actions of a message by its button, and return them."""
    entry(page, text).get_by_role("button", name="React or reply").focus()
    page.keyboard.press("Enter")
    return page.get_by_role("group", name="React or reply")


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def edit_last(page: Page) -> None:
    """Edit the last message, which has just been sent."""
    expect(page.locator(".message.pending")).to_have_count(0)
    field(page).press("ArrowUp")
    expect(page.get_by_text("Editing a message")).to_be_visible()


def test_typo_is_corrected_with_the_keyboard_alone(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Hello wrold")
    expect_message(aki, "Hello wrold")
    edit_last(bo)
    expect(field(bo)).to_have_value("Hello wrold")
    field(bo).fill("Hello world")
    field(bo).press("Enter")
    for page in (aki, bo):
        expect(page.locator(".message .body")).to_have_text(["Hello world"])
        expect(page.get_by_text("(edited)")).to_have_attribute("title", re.compile(r"\d"))
    expect(field(bo)).to_have_value("")
    expect(bo.get_by_text("Editing a message")).to_be_hidden()
    aki.reload()
    expect(aki.locator(".message .body")).to_have_text(["Hello world"])
    expect(aki.get_by_text("(edited)")).to_be_visible()


def test_edit_keeps_the_draft_and_is_cancelled_with_escape(pair: tuple[Page, Page]) -> None:
    _, bo = pair
    say(bo, "first")
    field(bo).fill("half a thought")
    actions(bo, "first").get_by_role("button", name="Edit").click()
    expect(field(bo)).to_have_value("first")
    field(bo).fill("first, changed")
    bo.reload()
    expect(field(bo)).to_have_value("half a thought\nfirst, changed")
    field(bo).fill("half a thought")
    actions(bo, "first").get_by_role("button", name="Edit").click()
    field(bo).press("Escape")
    expect(field(bo)).to_have_value("half a thought")
    expect(bo.locator(".message .body")).to_have_text(["first"])


def test_edit_of_a_message_that_is_gone_becomes_the_draft(pair: tuple[Page, Page]) -> None:
    _, bo = pair
    say(bo, "gone soon")
    edit_last(bo)
    field(bo).fill("changed")
    entry(bo, "gone soon").get_by_role("button", name="Delete").click()
    agree(bo, "Delete")
    expect(entry(bo, "gone soon")).to_have_count(0)
    field(bo).press("Enter")
    expect(bo.get_by_text("The edit was not saved.")).to_be_visible()
    expect(field(bo)).to_have_value("changed")
    expect(bo.get_by_text("Editing a message")).to_be_hidden()


def test_reaction_is_added_and_removed_and_names_who_has_it(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Tea?")
    actions(aki, "Tea?").get_by_role("button", name="React with 👍").click()
    chip = entry(bo, "Tea?").get_by_role("button", name="👍 1: Aki")
    expect(chip).to_have_attribute("aria-pressed", "false")
    chip.click()
    expect(entry(bo, "Tea?").get_by_role("button", name="👍 2: You and Aki")).to_have_attribute("aria-pressed", "true")
    own = entry(aki, "Tea?").get_by_role("button", name="👍 2: You and Bo")
    own.focus()
    aki.keyboard.press("Enter")
    left = entry(aki, "Tea?").get_by_role("button", name="👍 1: Bo")
    expect(left).to_be_focused()
    bo.reload()
    expect(entry(bo, "Tea?").get_by_role("button", name="👍 1: You")).to_be_visible()


@pytest.mark.parametrize(("text", "shown"), [("🦄", "🦄"), (":tada:", ":tada:"), ("👩‍👩‍👧", "👩‍👩‍👧")])
def test_any_emoji_is_a_reaction(pair: tuple[Page, Page], text: str, shown: str) -> None:
    aki, bo = pair
    say(bo, "Tea?")
    group = actions(aki, "Tea?")
    group.get_by_role("button", name="Another reaction").click()
    group.get_by_label("An emoji").press_sequentially("no")
    group.get_by_label("An emoji").press("Enter")
    expect(group).to_be_visible()
    group.get_by_label("An emoji").fill(text)
    if group.is_visible():
        group.get_by_label("An emoji").press("Enter")
    expect(entry(bo, "Tea?").locator(".chip bdi")).to_have_text([shown])


def test_emoji_of_an_input_method_is_taken_when_it_is_chosen(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "hello")
    bo.get_by_role("button", name="React or reply").click()
    bo.get_by_role("button", name="Another reaction").click()
    input_method = bo.context.new_cdp_session(bo)
    for candidate in ("😂", "🙌"):
        input_method.send("Input.imeSetComposition", {"text": candidate, "selectionStart": 2, "selectionEnd": 2})
        expect(bo.get_by_label("An emoji")).to_have_value(candidate)
    input_method.send("Input.insertText", {"text": "🙌"})
    expect(aki.locator(".chip")).to_have_text("🙌 1")


def test_reply_quotes_the_message_and_leads_to_it(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Tea or coffee?\nI have both.")
    entry(aki, "Tea or coffee?").locator(".body").hover()
    aki.get_by_role("group", name="React or reply").get_by_role("button", name="Reply").click()
    expect(aki.get_by_text("Answering Bo: Tea or coffee?…")).to_be_visible()
    say(aki, "Tea, please")
    expect(aki.get_by_text("Answering")).to_be_hidden()
    quote = entry(bo, "Tea, please").get_by_role("button", name="Bo Tea or coffee?…")
    quote.click()
    expect(entry(bo, "Tea or coffee?")).to_be_focused()
    edit_last(bo)
    field(bo).fill("Tea or water?")
    field(bo).press("Enter")
    expect(entry(aki, "Tea, please").locator(".quote")).to_have_text("Bo Tea or water?")
    entry(bo, "Tea or water?").get_by_role("button", name="Delete").click()
    agree(bo, "Delete")
    for page in (aki, bo):
        expect(page.locator("p.quote")).to_have_text("A deleted message")


def test_reply_is_cancelled_with_escape_and_keeps_the_text(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Tea?")
    actions(aki, "Tea?").get_by_role("button", name="Reply").click()
    field(aki).fill("Yes")
    field(aki).press("Escape")
    expect(aki.get_by_text("Answering")).to_be_hidden()
    say(aki, "Yes")
    expect(entry(bo, "Yes").locator(".quote")).to_have_count(0)


def test_reactions_and_edits_do_not_move_what_is_read(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for number in range(15):
        say(bo, f"message {number}\n\n\n\n.")
    expect(entry(aki, "message 14")).to_be_visible()
    log = aki.get_by_role("log")
    log.evaluate("log => log.scrollTop = log.scrollHeight / 2")
    before = entry(aki, "message 9").bounding_box()
    actions(bo, "message 2").get_by_role("button", name="React with 🎉").click()
    expect(entry(aki, "message 2").locator(".chip")).to_have_count(1)
    after = entry(aki, "message 9").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    expect(log).to_be_visible()


@pytest.mark.parametrize("is_closed", [False, True])
def test_text_of_an_edit_is_kept_where_the_visit_ends(pair: tuple[Page, Page], *, is_closed: bool) -> None:
    aki, bo = pair
    say(bo, "first")
    edit_last(bo)
    field(bo).fill("first, changed")
    if is_closed:
        aki.get_by_role("button", name="Manage room").click()
        aki.get_by_role("button", name="Close this room").click()
        agree(aki, "Close the room")
        expect(bo.get_by_text("The owner has closed this room.")).to_be_visible()
    else:
        bo.get_by_role("link", name="All rooms").click()
        expect(bo.get_by_role("heading", name="Your rooms")).to_be_visible()
        bo.go_back()
    expect(field(bo)).to_have_value("first, changed")
    expect(bo.get_by_text("Editing a message")).to_be_hidden()


def test_empty_edit_is_not_saved_and_says_so(pair: tuple[Page, Page]) -> None:
    _, bo = pair
    say(bo, "first")
    edit_last(bo)
    field(bo).fill("  ")
    field(bo).press("Enter")
    expect(bo.get_by_text("An edit cannot be empty.")).to_be_visible()
    field(bo).press("Escape")
    expect(bo.get_by_text("An edit cannot be empty.")).to_be_hidden()
    expect(bo.locator(".message .body")).to_have_text(["first"])


def test_button_of_a_message_keeps_the_focus_when_it_is_edited(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Hello wrold")
    button = entry(aki, "Hello").get_by_role("button", name="React or reply")
    button.focus()
    edit_last(bo)
    field(bo).fill("Hello world")
    field(bo).press("Enter")
    expect_message(aki, "Hello world")
    expect(button).to_be_focused()


def test_actions_end_with_their_message_and_the_focus_stays_in_the_log(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "gone soon")
    expect_message(aki, "gone soon")
    group = actions(aki, "gone soon")
    expect(group.get_by_role("button", name="React with 👍")).to_be_focused()
    entry(bo, "gone soon").get_by_role("button", name="Delete").click()
    agree(bo, "Delete")
    expect(group).to_be_hidden()
    expect(aki.get_by_role("log")).to_be_focused()


def test_actions_stay_beside_their_message_when_others_arrive(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for number in range(12):
        say(bo, f"message {number}\n\n.")
    expect(entry(aki, "message 11")).to_be_visible()
    group = actions(aki, "message 11")
    distance = """() => {
        const text = [...document.querySelectorAll(".body")].find((body) => body.innerText.startsWith("message 11"));
        const group = document.querySelector(".message-actions");
        return group.getBoundingClientRect().top - text.getBoundingClientRect().top;
    }"""
    before = aki.evaluate(distance)
    for number in range(12, 15):
        say(bo, f"message {number}")
        expect(entry(aki, f"message {number}")).to_be_visible()
    expect(group).to_be_visible()
    expect_true(aki, f"(before) => Math.abs(({distance})() - before) < 2", arg=before)


def test_removed_reaction_passes_the_focus_on(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Tea?")
    for reaction in ("👍", "🎉"):
        actions(aki, "Tea?").get_by_role("button", name=f"React with {reaction}").click()
        expect(entry(aki, "Tea?").get_by_role("button", name=f"{reaction} 1: You")).to_be_visible()
    chips = entry(aki, "Tea?").locator(".chip")
    chips.last.focus()
    aki.keyboard.press("Enter")
    expect(chips).to_have_count(1)
    expect(chips).to_be_focused()
    aki.keyboard.press("Enter")
    expect(chips).to_have_count(0)
    expect(entry(aki, "Tea?").get_by_role("button", name="React or reply")).to_be_focused()


def test_reply_shows_what_its_message_has_become_meanwhile(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Tea or wter?")
    expect_message(aki, "Tea or wter?")
    actions(aki, "Tea or wter?").get_by_role("button", name="Reply").click()
    edit_last(bo)
    field(bo).fill("Tea or water?")
    field(bo).press("Enter")
    expect(aki.locator("#context-text")).to_have_text("Answering Bo: Tea or water?")
    entry(bo, "Tea or water?").get_by_role("button", name="Delete").click()
    agree(bo, "Delete")
    expect(aki.locator("#context-text")).to_have_text("Answering a message that is no longer there")
    say(aki, "Tea")
    expect(entry(bo, "Tea").locator("p.quote")).to_have_text("A deleted message")


def test_quote_of_a_code_block_is_its_first_line(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "```python\n\nprint('tea')\nprint('hot')\n```")
    expect(aki.locator("li.message pre")).to_be_visible()
    actions(aki, "print").get_by_role("button", name="Reply").click()
    expect(aki.locator("#context-text")).to_have_text("Answering Bo: print('tea')…")
    say(aki, "nice")
    expect(entry(bo, "nice").locator(".quote")).to_have_text("Bo print('tea')…")


def test_failed_reaction_is_told_of_where_older_messages_are_read(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for number in range(15):
        say(bo, f"message {number}\n\n\n\n.")
    expect(entry(aki, "message 14")).to_be_visible()
    aki.get_by_role("log").evaluate("log => log.scrollTop = 0")
    expect(aki.get_by_role("button", name="Jump to latest")).to_be_visible()
    aki.context.set_offline(True)
    expect(aki.locator("#connection-state")).to_have_text("Connection lost. Trying again…")
    actions(aki, "message 0").get_by_role("button", name="React with 👍").click()
    expect(aki.get_by_text("There is no connection.")).to_be_in_viewport()


def test_quote_leads_to_the_messages_of_somebody_who_is_ignored(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for text in ("first", "second"):
        say(bo, text)
    expect_message(aki, "second")
    actions(aki, "second").get_by_role("button", name="Reply").click()
    say(aki, "answer")
    expect(entry(aki, "answer").locator(".quote")).to_have_text("Bo second")
    open_person(aki, "Bo").get_by_role("button", name="Ignore").click()
    aki.get_by_role("button", name="Done").click()
    entry(aki, "answer").get_by_role("button", name="A message of somebody you ignore").click()
    expect(aki.locator("li.ignored").first).to_be_focused()


def test_tall_message_that_is_edited_stays_open_where_it_is_read(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "line\n" * 80 + "end")
    aki.get_by_role("button", name="Show all").click()
    log = aki.get_by_role("log")
    log.evaluate("log => log.scrollTop = 700")
    expect(aki.get_by_role("button", name="Jump to latest")).to_be_visible()
    edit_last(bo)
    field(bo).fill("line\n" * 80 + "END")
    field(bo).press("Enter")
    expect(aki.get_by_text("(edited)")).to_have_count(1)
    expect(aki.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")
    assert abs(log.evaluate("log => log.scrollTop") - 700) < 2
    aki.get_by_role("button", name="Show less").click()
    expect(aki.get_by_role("button", name="Show all")).to_be_in_viewport()


def test_dialogue_about_a_message_shows_nothing_of_it_when_it_is_deleted(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "gone soon")
    expect_message(aki, "gone soon")
    entry(aki, "gone soon").get_by_role("button", name="More about this message").click()
    dialog = aki.get_by_role("dialog")
    expect(dialog.get_by_text("gone soon")).to_be_visible()
    entry(bo, "gone soon").get_by_role("button", name="Delete").click()
    agree(bo, "Delete")
    expect(dialog.get_by_text("gone soon")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Report")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Ignore")).to_be_visible()


def test_closed_room_offers_no_reply_and_no_edit(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "first")
    expect_message(aki, "first")
    expect(actions(bo, "first").get_by_role("button", name="Edit")).to_be_visible()
    aki.get_by_role("button", name="Manage room").click()
    aki.get_by_role("button", name="Close this room").click()
    agree(aki, "Close the room")
    expect(bo.get_by_text("The owner has closed this room.")).to_be_visible()
    group = actions(bo, "first")
    expect(group.get_by_role("button", name="React with 👍")).to_be_visible()
    for name in ("Reply", "Edit"):
        expect(group.get_by_role("button", name=name, exact=True)).to_be_hidden()
