"""Reviewing answers in a real browser: by keyboard and mouse, for reviewers alone; labellers see their own figures."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import SITE, App, SignIn, enter
from tests.ui.page import Page as OpenPage
from workbench.domain import Annotation, DecisionKind
from workbench.workflows.accounts import set_label_account
from workbench.workflows.answers import settled_answers
from workbench.workflows.sites import add_camera, add_site

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
ANSWERED = "yard-with-answers"
LIN, BEN = "lin.moreau@site.invalid", "<b>ben</b>@site.invalid"


@pytest.fixture(scope="module")
def app(app: App) -> App:
    """The shared app with another site, whose six stills two labellers answered, three times differently."""
    store = app.workspace.store
    add_site(app.workspace, ANSWERED, ["clear", "person", "truck"], actor="test")
    add_camera(app.workspace, ANSWERED, "north", actor="test")
    store.footage.add_clip(replace(store.footage.clips(SITE)[0], site=ANSWERED))
    frames = [replace(frame, site=ANSWERED) for frame in store.footage.frames(SITE)]
    store.footage.add_frames(frames)
    said = []
    for place, frame in enumerate(frames):
        for labeller in (LIN, BEN):
            class_name = "truck" if place % 2 and labeller == BEN else "person"
            number = len(said) + 1
            at = AT + timedelta(minutes=number)
            said.append(Annotation(frame.id, class_name, f"A {class_name} {place}.", labeller, at, number))
    store.labels.change_annotations(ANSWERED, said, ())
    set_label_account(app.workspace, "lin", LIN, actor="test")
    return app


def open_label_tab(window: Page, app: App, name: str) -> Page:
    enter(window, app.url, name)
    window.goto(f"{app.url}/?tab=label&site={ANSWERED}")
    expect(window.locator(".wb-loading:visible")).to_have_count(0)
    return window


def test_a_reviewer_accepts_by_key_fixes_and_passes_over(app: App, new_window: Callable[[], Page]) -> None:
    page = open_label_tab(new_window(), app, "rosa")
    case = page.locator(".wb-review-case")
    expect(page.locator(".wb-facts", has_text="labellers disagree")).to_contain_text("3")
    first = case.locator("img").get_attribute("src")

    page.keyboard.press("n")
    expect(case.locator("img")).not_to_have_attribute("src", str(first))
    second = str(case.locator("img").get_attribute("src"))
    page.keyboard.press("2")
    expect(page.get_by_text("Accepted: truck")).to_be_visible()
    expect(case.locator("img")).not_to_have_attribute("src", second)

    third = str(case.locator("img").get_attribute("src"))
    page.keyboard.press("f")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("A lorry at 2 o'clock.")
    page.get_by_role("radio", name="truck").check()
    page.get_by_role("button", name="Fix: this class and caption").click()
    expect(page.get_by_text("Fixed: truck, “A lorry at 2 o'clock.”")).to_be_visible()

    decisions = {f"/frames/{one.frame_id}.jpg": one for one in app.workspace.store.reviews.in_force(ANSWERED).values()}
    assert {decisions[second].kind, decisions[third].kind} == {DecisionKind.ACCEPTED, DecisionKind.FIXED}
    assert {one.reviewer for one in decisions.values()} == {"rosa"}
    settled = settled_answers(app.workspace.store, ANSWERED)[decisions[third].frame_id]
    assert (settled.answer.caption, settled.people[-1]) == ("A lorry at 2 o'clock.", "rosa")

    expect(case.locator("img")).to_have_attribute("src", str(first))
    page.get_by_role("button", name="Send back").click()
    expect(page.get_by_text("Expected a note that tells labellers")).to_be_visible()


def test_each_role_sees_what_is_its_own(app: App, new_window: Callable[[], Page], sign_in: SignIn) -> None:
    engineer = open_label_tab(new_window(), app, "ada")
    expect(engineer.get_by_text("Agreement on classes:")).to_be_visible()
    expect(engineer.get_by_role("button", name="Hand tasks out so")).to_be_visible()
    expect(engineer.get_by_role("button", name="Fix: this class and caption")).to_be_disabled()
    assert engineer.evaluate("document.documentElement.scrollWidth <= innerWidth")

    labeller = open_label_tab(new_window(), app, "lin")
    expect(labeller.get_by_text(f"You label as {LIN}.")).to_be_visible()
    for hidden in ("Review answers", "How far labellers agree", "Gold tasks"):
        expect(labeller.get_by_role("heading", name=hidden)).to_be_hidden()
    told = str(OpenPage(sign_in("lin")).load().call("look_label", [ANSWERED]))
    assert LIN in told
    assert "ben" not in told, "other people's figures do not even reach a labeller's browser"
