from random import Random

import pytest

from workbench.domain import ClipPart, LabelClass, Stretch, Taxonomy
from workbench.errors import UsageError
from workbench.labeling.renames import Rename, Renames
from workbench.labeling.results import labels_of_result
from workbench.labeling.taxonomy import label_config_to_vocabulary
from workbench.labeling.timelines import result_to_stretches, stretches_to_result, taxonomy_to_timeline_config

STRETCHES = (Stretch("clear", 1, 4), Stretch("truck", 6, 6))


def test_stretches_survive_the_way_there_and_back() -> None:
    assert result_to_stretches(stretches_to_result(STRETCHES)) == STRETCHES
    random = Random(6)
    some = [
        Stretch(random.choice("ab"), first := random.randint(1, 90), first + random.randint(0, 90)) for _ in "x" * 99
    ]
    assert result_to_stretches(stretches_to_result(some)) == tuple(some)


@pytest.mark.parametrize("value", [{"start": 5}, {"start": 5, "end": None}, {"end": 5}, {"start": 5, "end": 5}])
def test_a_mark_of_one_frame_is_a_stretch_of_one(value: dict[str, int | None]) -> None:
    (region,) = stretches_to_result([Stretch("clear", 1, 2)])
    region["value"]["ranges"] = [value]
    assert result_to_stretches([region]) == (Stretch("clear", 5, 5),)


def test_a_stretch_backwards_or_without_a_class_is_understood() -> None:
    (region,) = stretches_to_result([Stretch("clear", 1, 2)])
    region["value"]["ranges"] = [{"start": 9, "end": 3}]
    assert result_to_stretches([region]) == (Stretch("clear", 3, 9),)
    del region["value"]["timelinelabels"]
    assert result_to_stretches([region]) == ()


def test_a_stretch_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="found 3 to 2"):
        Stretch("clear", 3, 2)


def test_stretches_use_the_classes_and_follow_their_renames() -> None:
    result = stretches_to_result(STRETCHES)
    assert labels_of_result(result) == {("class", "clear"), ("class", "truck")}
    renamed = Renames((Rename.parse("truck=lorry"),)).result(result)
    assert result_to_stretches(renamed) == (STRETCHES[0], Stretch("lorry", 6, 6))


def test_the_classes_of_the_timeline_are_offered() -> None:
    classes = (LabelClass("clear"), LabelClass("truck", "It lifts & $5.", "t"), LabelClass("person"))
    config = taxonomy_to_timeline_config(Taxonomy(classes, timeline=("clear", "truck")))
    assert label_config_to_vocabulary(config) == {("timeline", "clear"), ("timeline", "truck")}
    assert 'hotkey="t"' in config


def test_a_part_knows_its_stills_and_keeps_its_id() -> None:
    part = ClipPart("yard", "c" * 64, (0.0, 0.5, 2.0))
    assert part.offsets_of(Stretch("clear", 2, 9)) == (0.5, 2.0)
    assert part.id == ClipPart("yard", "c" * 64, (0.0, 0.5, 2.0)).id
    assert part.id != ClipPart("yard", "c" * 64, (0.0, 0.5)).id
