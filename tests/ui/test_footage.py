"""The Footage tab in a real browser: an area is hidden by drawing it, and all stills can be leafed through."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.rtsp_server import RtspServer
from tests.ui.conftest import SITE, App, app_settings, enter, fill, serving
from workbench.domain import JobState
from workbench.settings import Settings
from workbench.workflows.jobs import refresh_jobs
from workbench.workflows.workspace import Workspace

LEFT_HALF = ((0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98))


@pytest.fixture
def camera() -> Iterator[RtspServer]:
    with RtspServer("ann", "s3cret") as server:
        yield server


@pytest.fixture
def own_app(tmp_path: Path) -> Iterator[App]:
    """An app whose stills this test may change."""
    workspace = Workspace.open(Settings.load(home=tmp_path / "home", **app_settings()))
    fill(workspace)
    with serving(workspace) as app:
        yield app
    workspace.store.close()


def test_an_area_that_is_drawn_is_hidden_in_every_still(own_app: App, new_window: Callable[[], Page]) -> None:
    page = new_window()
    enter(page, own_app.url, "ada")
    view = page.locator(".wb-mask-view")
    expect(view).to_be_visible()
    view.scroll_into_view_if_needed()
    expect(view.locator("img")).to_have_js_property("complete", True)
    for number, corner in enumerate((*LEFT_HALF, LEFT_HALF[0])):
        box = view.bounding_box()
        assert box is not None
        view.click(position={"x": corner[0] * box["width"], "y": corner[1] * box["height"]})
        expect(view.locator("i")).to_have_count(number + 1 if number < len(LEFT_HALF) else 0)
    expect(page.locator(".wb-mask-tools").get_by_text("1 hidden area", exact=True)).to_be_visible()

    page.get_by_role("button", name="Hide these areas").click()

    expect(page.locator(".wb-wall").get_by_text("1 hidden area")).to_be_visible()
    (job,) = refresh_jobs(own_app.workspace, SITE)
    assert (job.kind, job.state) == ("camera-hide", JobState.DONE)
    (mask,) = own_app.workspace.store.sites.cameras(SITE)[0].masks
    assert np.array(mask.outline_uv) == pytest.approx(np.array(LEFT_HALF), abs=0.01)
    for frame in own_app.workspace.store.footage.frames(SITE):
        pixel = Image.open(BytesIO(own_app.workspace.frame_files.read(frame.id))).getpixel((10, 20))
        assert isinstance(pixel, tuple)
        assert max(pixel) < 12


def test_a_camera_is_tried_added_recorded_and_stopped(
    own_app: App, new_window: Callable[[], Page], camera: RtspServer
) -> None:
    page = new_window()
    enter(page, own_app.url, "ada")
    page.get_by_label("Camera name").fill("yard-east")
    page.get_by_label("Address of its stream").fill("rtsp://127.0.0.1:9/none")
    page.get_by_role("button", name="Try the stream").click()
    expect(page.get_by_text("onnection refused")).to_be_visible()

    page.get_by_label("Address of its stream").fill(camera.url("/live", userinfo="ann:s3cret@"))
    page.get_by_role("button", name="Try the stream").click()
    expect(page.locator(".wb-probe").get_by_text("320 × 180, h264")).to_be_visible()
    page.get_by_role("button", name="Add camera").click()
    wall = page.locator(".wb-wall figure", has_text="yard-east")
    expect(wall.get_by_text("/live")).to_be_visible()
    expect(page.get_by_label("Stream of")).to_have_value("yard-east")

    page.get_by_role("button", name="Record", exact=True).click()
    expect(wall.get_by_text("live ·")).to_be_visible()
    expect(wall.get_by_role("img")).to_be_visible()
    page.get_by_role("button", name="Stop recording").click()
    expect(wall.get_by_text("Not recorded now.")).to_be_visible()

    taken = own_app.workspace.store.footage.counts_by_camera(SITE)["yard-east"]
    assert taken > 0
    expect(page.locator("table", has_text="yard-east").get_by_text("127.0.0.1").first).to_be_visible()
    assert "s3cret" not in page.content()
    (job,) = refresh_jobs(own_app.workspace, SITE)
    assert (job.kind, job.state) == ("camera-record", JobState.CANCELLED)
    assert "s3cret" not in repr(job)
