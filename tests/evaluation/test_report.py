"""The report and its page."""

import io
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from workbench.domain import LabelledFrame, Split
from workbench.errors import DatasetError
from workbench.evaluation import METRICS, Answers, Assessment, assess, compare, render_html

NAMES = ("bay_clear", "truck_waiting")
START = datetime(2026, 1, 1, tzinfo=UTC)
ATTACK = "<script>alert(1)</script> & a truck"


def frame(index: int) -> LabelledFrame:
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 48), (index * 5 % 255, 90, 90)).save(jpeg, "JPEG")
    return LabelledFrame(
        frame_id=f"{index:064x}",
        camera=("dock", "gate")[index % 2],
        clip_id=f"clip{index // 5}",
        taken_at=START + timedelta(seconds=index),
        class_name=NAMES[index % 3 == 0],
        caption=("The bay is clear.", "A truck waits at the bay.")[index % 3 == 0],
        image_jpeg=jpeg.getvalue(),
    )


ROWS = [frame(index) for index in range(40)]


def answers(version: str, wrong: set[int], caption: str | None = None) -> Answers:
    probabilities = np.full((len(ROWS), 2), 0.1)
    for place, row in enumerate(ROWS):
        right = NAMES.index(row.class_name)
        probabilities[place, 1 - right if place in wrong else right] = 0.9
    captions = tuple(caption or row.caption for row in ROWS)
    return Answers(version, NAMES, probabilities, captions)


def measured(version: str, wrong: set[int], caption: str | None = None) -> Assessment:
    return assess(ROWS, answers(version, wrong, caption), dataset_id="d" * 64, split=Split.TEST)


def test_the_report_holds_every_metric_whole_and_by_camera() -> None:
    report = measured("model", {0, 1, 2, 3}).report
    assert tuple(report.metrics) == METRICS
    assert report.metrics["class_accuracy"].value == pytest.approx(0.9)
    assert report.metrics["class_accuracy"].low < 0.9 < report.metrics["class_accuracy"].high
    assert {camera: tuple(metrics) for camera, metrics in report.by_camera.items()} == {
        "dock": METRICS,
        "gate": METRICS,
    }
    assert report.metrics["rouge_l"].value == 1


def test_the_clearest_mistakes_come_first() -> None:
    worst = measured("model", {7, 8}).worst_frames(3)
    assert {result.frame.frame_id for result in worst[:2]} == {ROWS[7].frame_id, ROWS[8].frame_id}
    assert worst[2].is_right


def test_a_class_that_the_model_cannot_answer_counts_as_wrong() -> None:
    odd = [*ROWS[:-1], LabelledFrame(**{**vars(ROWS[-1]), "class_name": "spill"})]
    assessment = assess(odd, answers("model", set()), dataset_id="d", split=Split.TEST)
    assert assessment.class_names == (*NAMES, "spill")
    assert assessment.report.metrics["class_accuracy"].value == pytest.approx(39 / 40)
    assert assessment.frames[-1].truth_probability == 0


def test_comparison_needs_the_same_frames() -> None:
    adapted, base = measured("adapted", {0}), measured("base", set(range(30)))
    difference = compare(adapted, base)["class_accuracy"]
    assert difference.value == pytest.approx(29 / 40)
    assert 0 < difference.low < difference.value < difference.high <= 1
    fewer = assess(
        ROWS[:-1],
        Answers("base", NAMES, answers("base", set()).probabilities[:-1], tuple(row.caption for row in ROWS[:-1])),
        dataset_id="d",
        split=Split.TEST,
    )
    with pytest.raises(DatasetError, match="same frames"):
        compare(adapted, fewer)


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(DatasetError, match="test split"):
        assess([], Answers("model", NAMES, np.zeros((0, 2)), ()), dataset_id="d", split=Split.TEST)


def test_the_page_tells_the_figures_and_escapes_captions() -> None:
    adapted, base = measured("adapted", {0, 1, 2, 3}, ATTACK), measured("base", set(range(30)))
    page = render_html(
        adapted, site="harbour", baseline=base, differences=compare(adapted, base), made_at="2026-01-02 10:00 UTC"
    )
    text = re.sub(r"\s+", " ", page)
    assert "This model chose the right class in 90 % of the frames" in text
    assert "The base model did in 25 %" in text
    assert "The adapted model is better: +65 points" in text
    assert "4 of 40 frames got a wrong class" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; a truck" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("data:image/jpeg;base64,") == 12


@pytest.mark.parametrize(("split", "told"), [(Split.TEST, "2 cameras, held out"), (Split.TRAIN, "has seen them")])
def test_the_page_tells_whether_the_frames_were_held_out(split: Split, told: str) -> None:
    seen = assess(ROWS, answers("adapted", {1}), dataset_id="d", split=split)
    page = re.sub(r"\s+", " ", render_html(seen, site="harbour", made_at="2026-01-02"))
    assert told in page


@pytest.mark.parametrize(("rows", "is_told"), [(15, True), (20, False)])
def test_the_page_tells_why_scores_of_few_clips_are_open(rows: int, is_told: bool) -> None:
    whole = answers("adapted", {1})
    some = Answers(whole.model_version, NAMES, whole.probabilities[:rows], whole.captions[:rows])
    seen = assess(ROWS[:rows], some, dataset_id="d", split=Split.TEST)
    assert ("measure on 4 clips or more" in render_html(seen, site="harbour", made_at="2026-01-02")) is is_told


def test_the_page_of_the_base_alone_makes_no_comparison() -> None:
    page = render_html(measured("base", {1}), site="harbour", made_at="2026-01-02")
    assert "base model did" not in page
    assert "Difference" not in page
