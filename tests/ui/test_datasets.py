"""The Datasets tab in a real browser: leaks side by side, what changed, checks as a job, a reviewer's golden set."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.datasets.conftest import a_day, labels
from tests.datasets.pictures import say
from tests.ui.conftest import SITE, App, app_settings, enter, serving
from workbench.domain import DatasetVersion, JobState, Site, Split
from workbench.errors import DatasetError
from workbench.settings import Settings
from workbench.workflows.build import BuildChoices, build_dataset
from workbench.workflows.jobs import refresh_jobs
from workbench.workflows.workspace import Workspace

REASON = "The customer files everything twice."


@pytest.fixture
def versions() -> list[DatasetVersion]:
    return []


@pytest.fixture
def own_app(tmp_path: Path, versions: list[DatasetVersion]) -> Iterator[App]:
    """An app with a site where a recording came twice: one version without it, one with it, and a refused build."""
    workspace = Workspace.open(Settings.load(home=tmp_path / "home", **app_settings()))
    workspace.store.sites.add(Site(SITE, ("clear", "truck")))
    days = [a_day(workspace, day) for day in range(6)]
    copies = [a_day(workspace, 40 + day, name=f"copy-{day}.mp4", things=day, quality=60) for day in range(3)]
    say(workspace, labels([*days, *copies]))
    pins = {frame.id: Split.TRAIN for day in days[:3] for frame in day}
    workspace.store.labels.pin(SITE, pins | {frame.id: Split.TEST for copy in copies for frame in copy})
    left_out = tuple(f"copy-{day}.mp4" for day in range(3))
    versions += [
        build_dataset(workspace, SITE, actor="ada", choices=choices)
        for choices in (BuildChoices(left_out_clips=left_out), BuildChoices(allow_leaks=REASON))
    ]
    with pytest.raises(DatasetError, match="show what frames of earlier splits show"):
        build_dataset(workspace, SITE, actor="ada")
    with serving(workspace) as app:
        yield app
    workspace.store.close()


def test_versions_leaks_changes_checks_and_the_golden_set(
    own_app: App, versions: list[DatasetVersion], new_window: Callable[[], Page]
) -> None:
    engineer = new_window()
    enter(engineer, own_app.url, "ada")
    open_tab(engineer)

    expect(engineer.get_by_text("The last build was refused: 18 held-out stills")).to_be_visible()
    expect(engineer.get_by_text(f"Leaks were allowed by ada: {REASON}")).to_be_visible()
    pair = engineer.locator(".wb-twins figure").last
    expect(pair.get_by_text(re.compile(r"copy-\d\.mp4"))).to_be_visible()
    expect(pair.get_by_text(re.compile(r"day-\d\.mp4"))).to_be_visible()
    for half in pair.get_by_role("img").all():
        half.scroll_into_view_if_needed()
        expect(half).to_have_js_property("naturalWidth", 120)
    expect(engineer.locator(".wb-findings").get_by_text(REASON)).to_be_visible()
    expect(engineer.get_by_role("heading", name="Added")).to_be_visible()

    engineer.get_by_label("Version", exact=True).click()
    engineer.get_by_role("option", name=re.compile(versions[0].id[:12])).first.click()
    expect(engineer.get_by_text("Clips that were left out: copy-0.mp4, copy-1.mp4, copy-2.mp4.")).to_be_visible()
    expect(engineer.get_by_text("no held-out still shows what others show")).to_be_visible()
    engineer.get_by_text("Dataset card", exact=True).click()
    expect(engineer.get_by_text("72 frames of 6 clips")).to_be_visible()
    engineer.get_by_role("button", name="Check again, with every picture").click()
    job = engineer.locator(".wb-job", has_text="Checking the dataset")
    expect(job.locator(".wb-badge")).to_have_text("done")
    (done,) = refresh_jobs(own_app.workspace, SITE)
    assert (done.kind, done.state, done.started_by) == ("dataset-check", JobState.DONE, "ada")
    expect(engineer.get_by_role("button", name="Freeze as golden set")).to_be_hidden()

    reviewer = new_window()
    enter(reviewer, own_app.url, "rosa")
    open_tab(reviewer)
    expect(reviewer.get_by_role("button", name="Build dataset")).to_be_hidden()
    reviewer.get_by_label("Clips whose labelled stills are frozen").click()
    reviewer.get_by_role("option", name="day-5.mp4").click()
    expect(reviewer.locator(".token", has_text="day-5.mp4")).to_be_visible()
    reviewer.get_by_label("Note on why these").fill("The sixth day")
    reviewer.get_by_role("button", name="Freeze as golden set").click()
    expect(reviewer.get_by_text("“The sixth day”")).to_be_visible()
    (golden,) = own_app.workspace.store.golden_sets.all(SITE)
    assert (golden.frames, golden.frozen_by) == (12, "rosa")

    page = reviewer.goto(f"{own_app.url}/datasets/{versions[1].id}/checks")
    assert page is not None
    expect(reviewer.get_by_text("This version is unfit for 1 reason.")).to_be_visible()
    expect(reviewer.get_by_role("img").first).to_have_js_property("naturalWidth", 120)


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Datasets", exact=True).click()
    expect(page.locator(".wb-loading:visible")).to_have_count(0)
