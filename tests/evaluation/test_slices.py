"""Slices hold the frames that they name, and their differences are tested together."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from workbench.domain import LabelledFrame
from workbench.evaluation.object_words import ObjectWords
from workbench.evaluation.slices import Learnt, figures_of, slices_of
from workbench.statistics.statistic import mean_of

CLIPS, FRAMES_PER_CLIP = 12, 6
NIGHT, DAY = 2, 14


def frame(clip: int, second: int) -> LabelledFrame:
    """Even clips are at night and dark, odd ones at noon and bright; in every third clip something moves."""
    is_dark, moves = clip % 2 == 0, clip % 3 == 0
    pixels = np.full((36, 64, 3), 20 if is_dark else 160, dtype=np.uint8)
    if moves:
        pixels[:, 10 * second : 10 * second + 10] += 80
    jpeg = io.BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG")
    return LabelledFrame(
        frame_id=f"{clip * FRAMES_PER_CLIP + second:064x}",
        camera="north" if clip < 6 else "south",
        clip_id=f"clip {clip}",
        taken_at=datetime(2026, 3, 1 + clip, NIGHT if is_dark else DAY, tzinfo=UTC) + timedelta(seconds=second),
        class_name="busy" if moves else "calm",
        caption="Two women walk past." if moves else "A woman's bicycle stands in a wardrobe.",
        image_jpeg=jpeg.getvalue(),
    )


@pytest.fixture(scope="module")
def frames() -> list[LabelledFrame]:
    return [frame(clip, second) for clip in range(CLIPS) for second in range(FRAMES_PER_CLIP)]


def test_every_kind_holds_the_frames_that_it_names(frames: list[LabelledFrame]) -> None:
    found = {one.name: one.chosen for one in slices_of(frames)}
    dark = np.array([one.taken_at.hour == NIGHT for one in frames])
    assert np.array_equal(found["light: dark"], dark)
    assert np.array_equal(found["light: bright"], ~dark)
    assert np.array_equal(found["time of day (UTC): night (0–6 h)"], dark)
    assert np.array_equal(found["camera: north"], np.arange(len(frames)) < len(frames) / 2)
    moving = np.array([one.class_name == "busy" for one in frames])
    first = np.arange(len(frames)) % FRAMES_PER_CLIP == 0
    assert np.array_equal(found["motion: something moves"], moving & ~first)
    assert np.array_equal(found["motion: nothing moves"], ~moving & ~first)
    assert np.array_equal(found["class: calm"], ~moving)


def test_a_person_is_in_view_where_the_caption_says_so(frames: list[LabelledFrame]) -> None:
    only_women = [one for one in frames if one.class_name == "busy"]
    without = [frame(1, second) for second in range(5)]
    for one in without:
        object.__setattr__(one, "caption", "A bicycle stands in a wardrobe.")
    found = {one.name: one.frames for one in slices_of([*only_women, *without])}
    assert found["people: in view"] == len(only_women)
    assert found["people: none in view"] == len(without)


def test_what_was_never_learnt_stands_apart(frames: list[LabelledFrame]) -> None:
    """A question who is in view divides known from new people; one that nobody was taught about divides nothing."""
    asked = [
        replace(one, replies={"who": f"driver {place % 3}", "badge": f"{place % 2}"})
        for place, one in enumerate(frames)
    ]
    words = ObjectWords.of({"bicycle": ("bicycle",), "person": ("woman",)})
    learnt = Learnt.of(words, ["Two women."], [{"who": "driver 0"}, {"who": "driver 1"}, {}])
    found = {one.name: one.chosen for one in slices_of(asked, learnt)}
    is_new = np.arange(len(frames)) % 3 == 2
    assert np.array_equal(found["who, met before: new"], is_new)
    assert np.array_equal(found["who, met before: known"], ~is_new)
    assert "badge, met before" not in {name.partition(":")[0] for name in found}
    has_bicycle = np.array(["bicycle" in one.caption for one in frames])
    assert np.array_equal(found["objects: some are new"], has_bicycle)


def test_a_group_is_held_against_all_others_of_its_question(frames: list[LabelledFrame]) -> None:
    """Two are too few for a slice of their own, yet they are not of the group; nor is who was not asked a rest."""
    replies = [{"gate": "open"}] * 30 + [{"gate": "shut"}] * 30 + [{"gate": "jammed"}] * 2 + [{}] * (len(frames) - 62)
    asked = [replace(one, replies=given) for one, given in zip(frames, replies, strict=True)]
    hits = np.concatenate([np.ones(30), np.ones(15), np.zeros(len(frames) - 45)])
    own = mean_of("accuracy", hits, is_share=True)
    told = {one.value: one.gap for one in figures_of(slices_of(asked), asked, own, None) if one.kind == "answer: gate"}
    assert told.keys() == {"open", "shut"}
    assert told["open"] is not None
    assert told["open"].value == pytest.approx(1 - 15 / 32)
    assert told["shut"] is not None
    assert told["shut"].value == pytest.approx(15 / 30 - 30 / 32)


def test_what_is_small_or_everything_is_no_slice(frames: list[LabelledFrame]) -> None:
    assert slices_of(frames[:4]) == []
    assert "camera" not in {one.kind for one in slices_of(frames[:12])}


def test_only_a_slice_that_differs_is_found_to_differ(frames: list[LabelledFrame]) -> None:
    """The model is better than the baseline by night, and as good by day; chance alone differs by clip."""
    rng = np.random.default_rng(0)
    dark = np.array([one.taken_at.hour == NIGHT for one in frames])
    baseline = rng.random(len(frames)) < 0.2
    own = np.where(dark, rng.random(len(frames)) < 0.95, rng.random(len(frames)) < 0.2)
    statistics = [mean_of("accuracy", said.astype(float), is_share=True) for said in (own, baseline)]
    slices = [one for one in slices_of(frames) if one.kind == "light"]
    told = {one.value: one for one in figures_of(slices, frames, *statistics)}
    assert told["dark"].frames == dark.sum()
    assert told["dark"].clips == CLIPS / 2
    assert told["dark"].metric.value == pytest.approx(own[dark].mean())
    assert told["dark"].p_value == pytest.approx(2 * 2 / 2**6), "the smallest of six clips, twice for two slices"
    assert told["bright"].p_value > 0.3
    assert figures_of(slices, frames, statistics[0], None)[0].p_value is None
