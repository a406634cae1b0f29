"""Coefficients of published examples, intervals that hold the truth, and no evidence where there is none."""

import numpy as np
import pytest

from workbench.domain import Verdict
from workbench.labeling.agreement import (
    Ratings,
    agreement_about,
    agreement_between,
    agreement_of,
    agreement_of_all,
    strength_of,
)
from workbench.labeling.drawing import is_drawn
from workbench.labeling.gold import score_of
from workbench.statistics.statistic import Integers

KRIPPENDORFF = ("123321412   ", "1233224125 3", " 3332342251 ", "12332441251 ")
"""Four observers, twelve units, a blank where nothing was said: "Computing Krippendorff's Alpha-Reliability" (2011)."""

SMALL = [{"ann": "a", "ben": "a"}, {"ann": "a", "ben": "b"}, {"ann": "b", "ben": "b"}, {"ann": "c", "ben": "c"}]


def apart(ratings: list[Ratings]) -> Integers:
    """Return clusters of one frame each."""
    return np.arange(len(ratings))


def cross_table(counts: dict[tuple[str, str], int]) -> list[Ratings]:
    return [{"ann": first, "ben": second} for (first, second), n in counts.items() for _ in range(n)]


def test_alpha_of_krippendorffs_example_is_his() -> None:
    ratings = [
        {f"observer {number}": said[unit] for number, said in enumerate(KRIPPENDORFF) if said[unit] != " "}
        for unit in range(12)
    ]
    found = agreement_of_all(ratings, apart(ratings))
    assert found.frames == 11
    assert found.coefficient is not None
    assert found.coefficient.value == pytest.approx(0.743, abs=0.0005)
    assert found.coefficient.low < 0.743 < found.coefficient.high


def test_kappa_of_a_published_table_is_the_published_one() -> None:
    """Grant proposals read by two people: 20 and 15 equal, 5 and 10 not; kappa 0.4."""
    ratings = cross_table({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15})
    found = agreement_between("ann", "ben", ratings, apart(ratings))
    assert (found.frames, found.share and found.share.value) == (50, 0.7)
    assert found.coefficient is not None
    assert found.coefficient.value == pytest.approx(0.4)


def test_a_coefficient_is_what_its_share_has_beyond_chance() -> None:
    """Chance by hand: of eight answers 3 are a, 3 b and 2 c; (3·2 + 3·2 + 2·1) / (8·7) are equal by chance."""
    found = agreement_of_all(SMALL, apart(SMALL))
    assert found.share is not None
    assert found.coefficient is not None
    chance = 14 / 56
    for of_share, of_coefficient in (
        (found.share.value, found.coefficient.value),
        (found.share.low, found.coefficient.low),
    ):
        assert of_coefficient == pytest.approx(1 - (1 - of_share) / (1 - chance))


def test_one_class_and_one_labeller_are_measured_against_the_rest() -> None:
    ratings = [{**rating, "cy": "c"} for rating in SMALL]
    assert agreement_about("c", ratings, apart(ratings)).frames == 4
    of_c = agreement_about("c", SMALL, apart(SMALL))
    assert (of_c.frames, of_c.coefficient and of_c.coefficient.value) == (1, 1.0)
    ann, cy = (agreement_of(name, ratings, apart(ratings)) for name in ("ann", "cy"))
    assert ann.share is not None
    assert cy.share is not None
    assert (ann.share.value, cy.share.value) == (0.5, 0.25)


@pytest.mark.parametrize(
    "ratings",
    [
        [],
        [{"ann": "a"}, {"ben": "b"}],
        [{"ann": "a", "ben": "a"}],
        [{"ann": "a", "ben": "a"}] * 20,
    ],
    ids=["no answers", "nothing shared", "one frame", "one class only"],
)
def test_what_cannot_be_known_is_no_evidence_and_never_perfect(ratings: list[Ratings]) -> None:
    clusters = apart(ratings)
    for found in (
        agreement_of_all(ratings, clusters),
        agreement_about("a", ratings, clusters),
        agreement_of("ann", ratings, clusters),
        agreement_between("ann", "ben", ratings, clusters),
        agreement_between("ann", "nobody", ratings, clusters),
    ):
        assert found.coefficient is None


def test_frames_that_stand_and_fall_together_are_no_evidence_apart_they_are() -> None:
    ratings = SMALL * 5
    assert agreement_of_all(ratings, np.zeros(20, dtype=np.int64)).share is None
    by_clip = agreement_of_all(ratings, np.arange(20) // 4)
    assert by_clip.share is not None


def test_perfect_agreement_on_few_frames_is_not_certain() -> None:
    ratings = cross_table({("a", "a"): 10, ("b", "b"): 10})
    found = agreement_of_all(ratings, apart(ratings))
    assert found.coefficient is not None
    assert found.coefficient.value == 1
    assert found.coefficient.low < 0.75


def test_intervals_hold_the_truth_also_for_near_perfect_labellers() -> None:
    """Two labellers who err in 2 % of the frames, more in some clips; a plain bootstrap holds it half the time."""
    truth = _simulated(np.random.default_rng(1), clips=1_500)
    assert truth.coefficient is not None
    held = [
        found.coefficient.low <= truth.coefficient.value <= found.coefficient.high
        for seed in range(60)
        if (found := _simulated(np.random.default_rng(seed), clips=12)).coefficient
    ]
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize(
    ("coefficient", "word"),
    [
        (-0.1, "poor"),
        (0.0, "slight"),
        (0.3, "fair"),
        (0.6, "moderate"),
        (0.61, "substantial"),
        (0.8, "substantial"),
        (0.81, "almost perfect"),
        (1.0, "almost perfect"),
    ],
)
def test_words_are_those_of_landis_and_koch(coefficient: float, word: str) -> None:
    assert strength_of(coefficient) == word


def test_a_larger_share_keeps_the_frames_of_a_smaller_one() -> None:
    frame_ids = [f"{number:064x}" for number in range(4_000)]
    fifth, third = ({one for one in frame_ids if is_drawn(one, "overlap", share)} for share in (0.2, 0.33))
    assert fifth < third
    assert 0.18 < len(fifth) / 4_000 < 0.22
    others = {one for one in frame_ids if is_drawn(one, "spot check", 0.2)}
    assert 0.15 < len(fifth & others) / len(fifth) < 0.25, "draws for two purposes are independent"


def test_a_labellers_score_says_what_was_taken_for_what() -> None:
    known, said = ["truck"] * 12 + ["person"] * 8, ["truck"] * 10 + ["person"] * 10
    found = score_of(known, said, np.arange(20), asked=0.8)
    assert (found.frames, found.right.value) == (20, 0.9)
    assert found.said == {"person": {"person": 8}, "truck": {"person": 2, "truck": 10}}
    assert found.mistakes == ("truck for person (2)",)
    assert found.verdict is Verdict.NO_EVIDENCE


@pytest.mark.parametrize(
    ("right", "of", "verdict"),
    [(20, 20, Verdict.PASS), (0, 2, Verdict.NO_EVIDENCE), (8, 20, Verdict.FAIL), (4, 5, Verdict.NO_EVIDENCE)],
)
def test_a_labeller_is_warned_about_only_with_enough_evidence(right: int, of: int, verdict: Verdict) -> None:
    said = ["a"] * right + ["b"] * (of - right)
    assert score_of(["a"] * of, said, np.arange(of), asked=0.8).verdict is verdict


def test_a_score_is_bounded_as_wilson_does_for_independent_frames() -> None:
    """Wilson, JASA 22 (1927), with Student's t for 9 degrees of freedom instead of the normal quantile."""
    found = score_of(["a"] * 10, ["a"] * 7 + ["b"] * 3, np.arange(10), asked=0.8).right
    t = 2.2622
    middle, half = (0.7 + t * t / 20) / (1 + t * t / 10), t * np.sqrt(0.021 + t * t / 400) / (1 + t * t / 10)
    assert (found.low, found.high) == (pytest.approx(middle - half, abs=0.02), pytest.approx(middle + half, abs=0.02))


def _simulated(rng: np.random.Generator, *, clips: int):
    clusters = np.repeat(np.arange(clips), 10)
    true = rng.choice(3, len(clusters), p=[0.6, 0.3, 0.1])
    wrong = rng.beta(0.02 * 7 / 3, 0.98 * 7 / 3, clips)[clusters]
    first, second = (
        np.where(rng.random(len(true)) < wrong, (true + rng.integers(1, 3, len(true))) % 3, true) for _ in range(2)
    )
    ratings = [{"ann": str(a), "ben": str(b)} for a, b in zip(first, second, strict=True)]
    return agreement_of_all(ratings, clusters)
