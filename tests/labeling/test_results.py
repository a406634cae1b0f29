import math
from random import Random

import pytest

from workbench.domain import Answer, Box, Prediction
from workbench.labeling.renames import Rename, Renames
from workbench.labeling.results import (
    answer_to_result,
    labels_of_result,
    prediction_to_result,
    result_to_answer,
)

BOXES = (Box("person", (0.1, 0.2, 0.5, 0.75)), Box("roll cage", (0.0, 0.0, 1.0, 1.0)))


def box_answer(**value: float) -> Answer:
    """Return what a rectangle in an image of 200 by 100 pixels comes back as."""
    region = {
        "from_name": "boxes",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": 200,
        "original_height": 100,
        "value": {"rotation": 0, **value, "rectanglelabels": ["truck"]},
    }
    answer = result_to_answer([*answer_to_result(Answer("clear", "Nothing moves.")), region])
    assert answer is not None
    return answer


def test_an_answer_survives_the_way_there_and_back() -> None:
    said = Answer("person", 'A man said "stop" & left – 3 < 4.', {"hood": "yes", "price": "$5"}, BOXES)
    assert result_to_answer(answer_to_result(said)) == said


def test_any_box_survives_the_way_there_and_back() -> None:
    random = Random(4)
    for _ in range(2_000):
        (left, right), (top, bottom) = (sorted(random.sample(range(1_000_001), 2)) for _ in range(2))
        box = Box("truck", (left / 1e6, top / 1e6, right / 1e6, bottom / 1e6))
        answer = result_to_answer(answer_to_result(Answer("clear", "Nothing moves.", boxes=(box,))))
        assert answer is not None
        assert answer.boxes == (box,)


def test_a_turned_rectangle_becomes_the_box_around_it() -> None:
    (box,) = box_answer(x=50, y=50, width=10, height=20, rotation=90).boxes
    assert box.xyxy == pytest.approx((0.4, 0.5, 0.5, 0.7))
    random = Random(5)
    for _ in range(500):
        angle, width, height = random.uniform(0, 360), random.uniform(1, 20), random.uniform(1, 20)
        (box,) = box_answer(x=50, y=50, width=width, height=height, rotation=angle).boxes
        left, top, right, bottom = box.xyxy
        cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
        assert (right - left) * 200 == pytest.approx(2 * width * cos + height * sin, abs=1e-3)
        assert (bottom - top) * 100 == pytest.approx(2 * width * sin + height * cos, abs=1e-3)


def test_a_box_is_cut_at_the_edge_of_the_image() -> None:
    assert box_answer(x=-10, y=90, width=50, height=20).boxes == (Box("truck", (0.0, 0.9, 0.4, 1.0)),)


@pytest.mark.parametrize(
    "value", [{"x": 10, "y": 10, "width": 0, "height": 20}, {"x": 100, "y": 0, "width": 5, "height": 5}]
)
def test_a_rectangle_without_an_area_in_the_image_says_nothing(value: dict[str, float]) -> None:
    assert box_answer(**value) == Answer("clear", "Nothing moves.")


@pytest.mark.parametrize(
    "region",
    [
        {"from_name": "boxes", "type": "rectanglelabels", "value": {"rectanglelabels": ["truck"], "x": 1}},
        {"from_name": "boxes", "type": "rectanglelabels", "value": {"rectanglelabels": ["truck"], "width": "9"}},
        {"from_name": "hood", "type": "choices", "value": {"choices": 5}},
        {"from_name": "hood", "type": "choices", "value": {"choices": [None]}},
        {"from_name": "hood", "type": "choices", "value": None},
        {"from_name": "hood", "type": "choices", "value": ["yes"]},
        {"from_id": "a", "to_id": "b", "type": "relation"},
    ],
)
def test_a_region_that_no_interface_makes_says_nothing(region: dict[str, object]) -> None:
    result = [*answer_to_result(Answer("clear", "Nothing moves.")), region]
    assert result_to_answer(result) == Answer("clear", "Nothing moves.")
    assert Renames((Rename.parse("clear=empty"),)).result(result)[-1] == region


def test_a_rectangle_without_a_label_says_nothing() -> None:
    result = answer_to_result(Answer("clear", "Nothing moves.", boxes=BOXES))
    for region in result:
        region["value"].pop("rectanglelabels", None)
    assert result_to_answer(result) == Answer("clear", "Nothing moves.")


def test_boxes_are_told_apart_by_an_id_of_their_own() -> None:
    ids = [region["id"] for region in answer_to_result(Answer("clear", "Empty.", boxes=BOXES)) if "id" in region]
    assert len(set(ids)) == len(BOXES)


def test_a_prediction_has_the_form_of_an_annotation() -> None:
    prediction = Prediction("f" * 64, "clear", "Nothing moves.", "base@1", 0.7)
    assert prediction_to_result(prediction) == answer_to_result(Answer("clear", "Nothing moves."))


def test_a_text_that_label_studio_gives_without_its_list_is_understood() -> None:
    result = answer_to_result(Answer("clear", "Nothing moves."))
    result[1]["value"]["text"] = "Nothing moves."
    assert result_to_answer(result) == Answer("clear", "Nothing moves.")


def test_an_answer_without_class_or_caption_is_none() -> None:
    result = answer_to_result(Answer("clear", "Nothing moves.", {"hood": "yes"}))
    assert result_to_answer(result[:1]) is None
    assert result_to_answer(result[1:]) is None
    assert result_to_answer(answer_to_result(Answer("clear", "  "))) is None
    assert result_to_answer([]) is None


def test_an_answer_and_its_regions_get_the_same_new_words() -> None:
    renames = Renames(
        tuple(map(Rename.parse, ["person=worker", "box:person=worker", "question:hood=headgear", "hood:yes=worn"]))
    )
    said = Answer("person", "A person.", {"hood": "yes", "load": "yes"}, BOXES)
    worker = Answer(
        "worker", "A person.", {"headgear": "worn", "load": "yes"}, (Box("worker", BOXES[0].xyxy), BOXES[1])
    )
    assert renames.answer(said) == worker
    assert result_to_answer(renames.result(answer_to_result(said))) == worker
    assert renames.result(answer_to_result(worker)) == answer_to_result(worker)


def test_the_labels_of_an_answer_are_those_that_were_chosen() -> None:
    result = answer_to_result(Answer("clear", "Nothing moves.", {"hood": "yes"}, BOXES))
    assert labels_of_result(result) == {
        ("class", "clear"),
        ("hood", "yes"),
        ("boxes", "person"),
        ("boxes", "roll cage"),
    }
