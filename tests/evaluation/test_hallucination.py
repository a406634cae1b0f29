"""CHAIR and yes/no probes: what is said to be there and is not."""

from collections import Counter

import pytest

from workbench.errors import UsageError
from workbench.evaluation.chair import chair
from workbench.evaluation.object_words import ObjectWords
from workbench.evaluation.pope import Probe, ProbeKind, make_probes, read_yes_or_no, score_probes

WORDS = ObjectWords(
    {
        "man": "person",
        "worker": "person",
        "lorry": "truck",
        "fork lift": "forklift",
        "dog": "dog",
        "hot dog": "food",
        "box": "box",
        "shelf": "shelf",
        "fireman": "person",
    }
)
PRESENT = {
    "f1": {"person", "truck"},
    "f2": {"person", "truck", "cone"},
    "f3": {"person", "forklift"},
    "f4": {"cone"},
    "f5": set(),
    "f6": {"person", "truck", "box"},
}


@pytest.mark.parametrize(
    ("caption", "objects"),
    [
        ("Two men and a WOMAN walk.", ["person"]),
        ("The lorries pass trucks.", ["truck", "truck"]),
        ("Fork lifts near the forklift", ["forklift", "forklift"]),
        ("a man eats a hot dog beside his dog", ["person", "food", "dog"]),
        ("boxes on shelves", ["box", "shelf"]),
        ("firemen at work", ["person"]),
        ("the worker's people", ["person", "person"]),
        ("a truckload, bus and glass", []),
        ("", []),
    ],
)
def test_words_plurals_and_phrases_are_found(caption: str, objects: list[str]) -> None:
    assert WORDS.mentions(caption) == objects


@pytest.mark.parametrize("objects", [{}, {"": "person"}])
def test_objects_without_words_are_refused(objects: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="at least one object with a word for it"):
        ObjectWords(objects)


def test_chair_counts_captions_and_mentions() -> None:
    captions = ["a man beside a lorry", "two dogs and a dog", "an empty yard", "a worker"]
    scores = chair(captions, [{"person"}, {"person"}, set(), {"person"}], WORDS)
    assert {one.name: one.value for one in scores.statistics} == {"chair_s": 0.5, "chair_i": pytest.approx(3 / 5)}
    assert scores.hallucinated == (("truck",), ("dog", "dog"), (), ())
    assert scores.mentions == 5


def test_captions_without_any_object_are_not_a_division_by_nothing() -> None:
    scores = chair(["an empty yard"], [set()], WORDS)
    assert ([one.value for one in scores.statistics], scores.mentions) == ([0, 0], 0)


@pytest.mark.parametrize("kind", ProbeKind)
def test_probes_are_balanced_true_and_the_same_for_the_same_seed(kind: ProbeKind) -> None:
    probes = make_probes(PRESENT, kind, per_frame=2, seed=3)
    assert probes == make_probes(dict(reversed(PRESENT.items())), kind, per_frame=2, seed=3)
    assert Counter(probe.is_there for probe in probes)[True] == len(probes) / 2
    assert all(probe.is_there == (probe.object_name in PRESENT[probe.frame_id]) for probe in probes)
    assert len({(probe.frame_id, probe.object_name) for probe in probes}) == len(probes)
    assert "f5" not in {probe.frame_id for probe in probes}
    assert {probe.question for probe in probes} <= {
        f"Is there a {name} in the image?" for name in ("person", "truck", "cone", "forklift", "box")
    }


def test_popular_asks_for_what_is_common_and_adversarial_for_what_stands_beside() -> None:
    def absent(kind: ProbeKind, frame: str) -> list[str]:
        probes = make_probes(PRESENT, kind, per_frame=1)
        return [probe.object_name for probe in probes if probe.frame_id == frame and not probe.is_there]

    assert absent(ProbeKind.POPULAR, "f4") == ["person"]
    assert absent(ProbeKind.POPULAR, "f3") == ["truck"]
    present = {**PRESENT, "g1": {"cone", "box"}, "g2": {"cone", "box"}, "g3": {"cone", "box"}}
    probes = make_probes(present, ProbeKind.ADVERSARIAL, per_frame=1)
    assert [probe.object_name for probe in probes if probe.frame_id == "f4" and not probe.is_there] == ["box"]


def test_frames_that_can_give_no_probe_are_told() -> None:
    with pytest.raises(UsageError, match="1 objects in 2 frames"):
        make_probes({"a": {"person"}, "b": set()}, ProbeKind.RANDOM)


@pytest.mark.parametrize(
    ("answer", "yes"),
    [
        ("Yes.", True),
        ("no", False),
        ("Yes, there is no doubt", True),
        ("There is not a truck in the image.", False),
        ("There isn’t any.", False),
        ("I would say yes", True),
        ("maybe yes, maybe no", None),
        ("a truck", None),
        ("", None),
        ("Nothing but yesterday", None),
        ("I don’t know.", None),
        ("I cannot tell", None),
        ("I am not sure about that.", None),
        ("I can't say whether there is a truck", None),
        ("Yes and no", None),
        ("No, I cannot tell one from here", False),
        ("I cannot see a truck", False),
    ],
)
def test_answers_are_read_or_counted_as_unreadable(answer: str, yes: bool | None) -> None:
    assert read_yes_or_no(answer) is yes


def test_probes_are_scored_with_what_cannot_be_read_as_wrong() -> None:
    truths = [True, True, True, False, False, False]
    probes = [Probe(f"f{at}", "truck", "?", there, ProbeKind.RANDOM) for at, there in enumerate(truths)]
    scores = score_probes(probes, ["yes", "no", "truck", "no", "yes", "hm"])
    assert {one.name: one.value for one in scores.statistics} == {
        "pope_accuracy": pytest.approx(2 / 6),
        "pope_precision": 0.5,
        "pope_recall": pytest.approx(1 / 3),
        "pope_f1": pytest.approx(2 / 5),
        "pope_yes_ratio": pytest.approx(2 / 6),
    }
    assert scores.unparseable == 2
    never = score_probes(probes, ["no"] * 6)
    assert [one.value for one in never.statistics[1:]] == [0, 0, 0, 0]
