"""Label Studio's own page of a whole taxonomy: what a person answers there by hand and by key comes back."""

import base64
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.services import LabelStudioServer
from workbench.domain import CaptionGuide, LabelClass, Question, Site, Taxonomy
from workbench.labeling.server import ADMINISTRATOR
from workbench.labeling.studio import NewTask, Studio
from workbench.settings import Settings

TAXONOMY = Taxonomy(
    classes=(LabelClass("clear", "Nothing moves."), LabelClass("truck", "A truck <lifts> for $5.", "t")),
    caption_guide=CaptionGuide("One sentence for $5.", ("A truck lifts a load.",), ("truck",), 3, 20),
    questions=(Question("price", "How much is $image?", ("$5", "nothing")),),
    boxes=("person", "roll cage"),
)
CAPTION = 'A truck lifts "crates" & costs $5.'


@pytest.fixture
def task_url(label_studio: LabelStudioServer, labelled_site: Site) -> tuple[Studio, int, str]:
    """The address of a task with a grey picture, asked about in full."""
    buffer = BytesIO()
    Image.new("RGB", (480, 270), (120, 120, 120)).save(buffer, "JPEG")
    picture = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    studio = Studio(label_studio.url, label_studio.token)
    project_id = studio.ensure_project(labelled_site, TAXONOMY, None)
    (task_id,) = studio.add_tasks(project_id, [NewTask("f" * 64, picture, "pushed")])
    return studio, project_id, f"{studio.project_url(project_id)}/data?task={task_id}"


def test_what_a_person_answers_comes_back(
    label_studio: LabelStudioServer, task_url: tuple[Studio, int, str], new_window: Callable[[], Page]
) -> None:
    studio, project_id, url = task_url
    page = new_window()
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.goto(f"{label_studio.url}/user/login/")
    page.locator("input[name=email]").fill(ADMINISTRATOR)
    password = Settings.load(home=label_studio.home).labelstudio_password.get_secret_value()
    page.locator("input[name=password]").fill(password)
    page.locator("button[type=submit]").click()
    page.wait_for_url(lambda address: "/login" not in address)
    page.goto(url)
    for text in ("One sentence for $\N{WORD JOINER}5.", "3 to 20 words.", "✓ A truck lifts a load.", "✗ truck"):
        expect(page.get_by_text(text)).to_be_visible()
    expect(page.get_by_text("truck: A truck <lifts> for")).to_be_hidden()
    page.get_by_text("What the classes mean").click()
    expect(page.get_by_text("truck: A truck <lifts> for")).to_be_visible()
    picture = page.locator("canvas").first
    expect(picture).to_be_visible()

    for key in ("t", "2", "5"):
        page.keyboard.press(key)
    corner = picture.bounding_box()
    assert corner is not None
    page.mouse.move(corner["x"] + corner["width"] * 0.25, corner["y"] + corner["height"] * 0.25)
    page.mouse.down()
    page.mouse.move(corner["x"] + corner["width"] * 0.75, corner["y"] + corner["height"] * 0.75, steps=5)
    page.mouse.up()
    page.get_by_test_id("textarea-input").fill(CAPTION)
    submit = page.get_by_role("button", name="submit")
    submit.click()
    expect(submit).to_have_text("Update")

    (annotation,) = studio.tasks(project_id)["f" * 64].annotations
    assert (annotation.class_name, annotation.caption) == ("truck", CAPTION)
    assert annotation.replies == {"price": "$5"}
    (box,) = annotation.boxes
    assert box.label == "roll cage"
    assert box.xyxy == pytest.approx((0.25, 0.25, 0.75, 0.75), abs=0.05)
