"""Every tab in a real browser: it shows something, complains about nothing and calls nobody outside."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.ui.conftest import SITE, App, PageOf, enter
from workbench.domain import JobState

TABS = ["Footage", "Label", "Datasets", "Tune", "Runs", "Review", "Drift"]


class Watched:
    """A page with what it complained about and whom it called."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("console", lambda message: self._note(message.type == "error", message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("request", lambda request: self._called(request.url, url))

    def _note(self, is_bad: bool, text: str) -> None:
        if is_bad:
            self.complaints.append(text)

    def _called(self, called: str, url: str) -> None:
        if not called.startswith((url, "data:", "blob:")):
            self.outside.append(called)


@pytest.fixture
def watched(new_window: Callable[[], Page], app: App) -> Watched:
    watched = Watched(new_window(), app.url)
    enter(watched.page, app.url, "ada")
    expect(watched.page.get_by_role("combobox", name="Camera")).to_have_value("north")
    return watched


def test_every_tab_shows_itself_without_complaint_and_without_calling_outside(watched: Watched) -> None:
    for tab in TABS:
        watched.page.get_by_role("tab", name=tab, exact=True).click()
        expect(watched.page.get_by_role("heading", name=tab, exact=True, level=2)).to_be_visible()
        assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
    assert watched.complaints == []
    assert watched.outside == []


def test_each_kind_of_recipe_has_its_own_form(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("tab", name="Tune", exact=True).click()
    loss, export = (page.get_by_role("button", name=re.compile(f"^{name} .$")) for name in ("Loss", "Export"))
    for recipe, is_search in (("search.yaml", True), ("demo.yaml", False), ("search.yaml", True)):
        page.get_by_role("combobox", name="Recipe", exact=True).click()
        page.get_by_role("option", name=recipe).click()
        expect(loss).to_be_visible(visible=is_search)
        expect(export).to_be_visible(visible=not is_search)
    loss.click()
    page.get_by_label("same_class_negatives").fill("0.5")
    page.get_by_label("same_class_negatives").blur()
    expect(page.get_by_text("Other than in search.yaml: loss.same_class_negatives=0.5")).to_be_visible()
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("search.yaml can be used as it is.")).to_be_visible()
    assert watched.complaints == []


def test_the_footage_tab_shows_the_stills_of_the_site(watched: Watched, app: App) -> None:
    image = watched.page.locator(".wb-frames img").first
    expect(image).to_be_visible()
    expect(image).to_have_js_property("naturalWidth", 64)
    newest = app.workspace.store.footage.frames(SITE)[-1]
    assert image.get_attribute("src") == f"/thumbnails/{newest.id}.jpg"


def test_a_reload_shows_the_same_tab_with_its_content(watched: Watched) -> None:
    watched.page.get_by_role("tab", name="Review", exact=True).click()
    expect(watched.page).to_have_url(re.compile("tab=review"))
    watched.page.reload()
    expect(watched.page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
    expect(watched.page.get_by_text("Nothing asks for promotion")).to_be_visible()
    expect(watched.page).to_have_url(re.compile("tab=review"))


def test_a_page_that_opens_starts_one_event_at_a_time(watched: Watched) -> None:
    page, held = watched.page, list[Route]()
    page.route("**/gradio_api/queue/join*", lambda route: held.append(route))
    with page.expect_request("**/gradio_api/queue/join*"):
        page.reload()
    page.wait_for_timeout(1000)
    assert len(held) == 1


def test_a_tab_shows_the_site_also_where_it_asks_before_the_header_is_filled(page_of: PageOf) -> None:
    (overview, *_) = page_of("ada").call("look_footage", [None])
    assert "stills" in str(overview)


def test_a_mistake_is_told_and_what_was_typed_stays(watched: Watched) -> None:
    name = watched.page.get_by_label("Camera name")
    name.fill("no/slash")
    watched.page.get_by_role("button", name="Add camera", exact=True).click()
    expect(watched.page.get_by_text("Expected a camera name")).to_be_visible()
    expect(name).to_be_visible()
    expect(name).to_have_value("no/slash")


def test_a_job_is_found_again_after_a_reload(watched: Watched, app: App) -> None:
    page = watched.page
    page.get_by_label("Video or folder on the server").fill("/no/such/video.mp4")
    page.get_by_role("button", name="Take stills", exact=True).click()
    expect(page.get_by_text("started by ada")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Expected footage at /no/such/video.mp4")).to_be_visible()
    expect(page.locator(".wb-job", has_text="Taking stills").locator(".wb-badge")).to_have_text("failed")
    job = app.workspace.store.jobs.all(SITE)[0]
    assert (job.kind, job.started_by, job.state) == ("ingest", "ada", JobState.FAILED)


def test_signing_out_needs_one_click(watched: Watched) -> None:
    watched.page.get_by_role("button", name="Sign out").click()
    expect(watched.page.get_by_label("Password")).to_be_visible()
