"""Three people close the loop from the page alone, with the real Label Studio; only the answers come by its API."""

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.services import LabelStudioServer
from tests.ui.conftest import PATIENCE_S, App, app_settings, enter, serving
from workbench.domain import Answer, Verdict
from workbench.labeling.studio import Studio
from workbench.settings import Settings, embedded_path
from workbench.workflows.workspace import Workspace

pytestmark = pytest.mark.timeout(1800)

SITE, CAMERA = "page-loop", "bay"
OVERRIDES = "training.max_steps=2\ntraining.eval_steps=2\ntraining.per_device_train_batch_size=2"
PATIENCE_WITH_WORK_S = 3 * PATIENCE_S


@pytest.fixture
def labelling_app(label_studio: LabelStudioServer, tmp_path: Path) -> Iterator[App]:
    """The app of an empty workspace that knows the tests' Label Studio."""
    known = {"labelstudio_url": label_studio.url, "labelstudio_token": label_studio.token}
    workspace = Workspace.open(Settings.load(home=tmp_path / "home", **app_settings(), **known))
    with serving(workspace) as app:
        yield app
    workspace.store.close()


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """The demo's clips of one camera."""
    folder = tmp_path / "footage"
    folder.mkdir()
    for clip in embedded_path("demo").glob(f"{CAMERA}_*.mp4"):
        shutil.copy(clip, folder)
    return folder


def test_three_people_close_the_loop_from_the_page(
    labelling_app: App, footage: Path, new_window: Callable[[], Page]
) -> None:
    store = labelling_app.workspace.store
    engineer, labeller, reviewer = new_window(), new_window(), new_window()
    enter(engineer, labelling_app.url, "ada")
    expect(engineer.get_by_text("No site yet")).to_be_visible()
    engineer.get_by_label("Site name").fill(SITE)
    engineer.get_by_label("Classes that its stills belong to").fill(
        ", ".join(sorted({row["class"] for row in _labels()}))
    )
    press(engineer, "Add site")
    expect(engineer.get_by_text("No camera yet")).to_be_visible()
    engineer.get_by_label("Camera name").fill(CAMERA)
    press(engineer, "Add camera")
    expect(engineer.get_by_role("combobox", name="Camera")).to_have_value(CAMERA)
    engineer.get_by_label("Video or folder on the server").fill(str(footage))
    engineer.get_by_label("Seconds between stills").fill("2")
    work(engineer, "Take stills", "Taking stills")

    look_at(engineer, "Label")
    engineer.get_by_label("Suggest an answer").uncheck()
    work(engineer, "Ask for labels", "Asking for labels")
    answered = answer_as_the_demo_does(labelling_app)

    enter(labeller, labelling_app.url, "lin")
    look_at(labeller, "Label")
    expect(labeller.get_by_role("link", name="Open the project in Label Studio")).to_be_visible()
    with labeller.expect_popup() as invitation:
        labeller.get_by_role("link", name="first time: make an account there").click()
    expect(invitation.value).to_have_url(re.compile(f"^{labelling_app.settings.labelstudio_url}/user/signup/"))
    work(labeller, "Fetch labels", "Fetching labels")
    assert len(store.labels.annotations(SITE)) == answered

    look_at(engineer, "Datasets")
    work(engineer, "Build dataset", "Building the dataset")
    look_at(engineer, "Tune")
    engineer.get_by_label("Overrides, one a line").fill(OVERRIDES)
    work(engineer, "Start tuning", "Tuning")
    look_at(engineer, "Runs")
    expect(engineer.get_by_role("combobox", name="Run")).to_have_value(re.compile("^demo"))
    work(engineer, "Evaluate", "Measuring")
    engineer.get_by_label("Note for the reviewer").fill("Two steps only, to see the way.")
    press(engineer, "Request promotion")
    expect(engineer.get_by_text("Version 1 waits for a reviewer")).to_be_visible()

    enter(reviewer, labelling_app.url, "rosa")
    look_at(reviewer, "Review")
    expect(reviewer.get_by_text("Two steps only, to see the way.").first).to_be_visible()
    reviewer.get_by_label("Reason to approve although a condition is not met").fill("This is a test.")
    press(reviewer, "Approve")
    expect(reviewer.get_by_text("Version 1 is the champion now.")).to_be_visible()
    expect(reviewer.get_by_role("button", name="Approve", exact=True)).to_be_disabled()
    assert store.promotions.champion(SITE) == 1

    look_at(reviewer, "Runs")
    press(reviewer, "Compare")
    expect(reviewer.get_by_text("Where this model is furthest behind")).to_be_visible()
    number, opened = open_what_is_confused(reviewer)
    assert number == opened > 0

    look_at(engineer, "Drift")
    work(engineer, "Check now", "Checking for drift")
    assert _verdicts(labelling_app) == {CAMERA: Verdict.PASS}, "stills of the same days"
    actors = {event.action: event.actor for event in store.audit.events()}
    assert (actors["promotion.request"], actors["promotion.approve"]) == ("ada", "rosa")
    assert actors["label.pull"] == "lin"


def look_at(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()
    expect(page.locator(".wb-loading:visible")).to_have_count(0)


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def work(page: Page, button: str, title: str) -> None:
    """Press ``button`` and wait until the job that it starts is done."""
    press(page, button)
    job = page.locator(".wb-job", has_text=title)
    state = job.locator(".wb-badge")
    expect(state).to_be_visible()
    expect(state).not_to_have_text("running", timeout=PATIENCE_WITH_WORK_S * 1000)
    assert state.inner_text() == "done", job.inner_text()


def open_what_is_confused(page: Page) -> tuple[int, int]:
    """Press the first number of the matrix; return it, and how many stills it opened."""
    cell = page.locator(".wb-cell").first
    cell.click()
    stills = page.locator(".wb-popover:popover-open img")
    expect(stills.first).to_be_visible()
    return int(cell.inner_text()), stills.count()


def answer_as_the_demo_does(app: App) -> int:
    """Answer in Label Studio whatever the demo's labels speak of; return how many stills that were."""
    settings, labels = app.settings, app.workspace.store.labels
    frames = {(frame.clip_name, frame.offset_s): frame.id for frame in app.workspace.store.footage.frames(SITE)}
    tasks = labels.tasks(SITE)
    answers = {
        tasks[frame_id].task_id: Answer(row["class"], row["caption"])
        for row in _labels()
        if (frame_id := frames.get((row["video"], float(row["time_s"]))))
    }
    Studio(settings.labelstudio_url, settings.labelstudio_token.get_secret_value()).create_annotations(answers)
    return len(answers)


def _labels() -> list[dict[str, str]]:
    with (embedded_path("demo") / "labels.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["video"].startswith(f"{CAMERA}_")]


def _verdicts(app: App) -> dict[str, str]:
    return {run.tags["camera"]: run.tags["verdict"] for run in app.workspace.tracker.runs(SITE, "drift")}
