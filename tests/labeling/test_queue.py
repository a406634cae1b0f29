"""What speaks for a still, which stills stand for the others, and why: pure functions, and a small simulation."""

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.active_learning import Rules, at_random, by_queue, divided, fitted, outcome, score, stills_of, thinned
from workbench.domain import USUAL_WEIGHTS, QueueRules, Signal, text_to_weights
from workbench.errors import UsageError
from workbench.labeling import reasons
from workbench.labeling.calibration import LEAST_ANSWERS, calibrated, fit_temperature
from workbench.labeling.queue import choose, evenly_limited
from workbench.labeling.signals import (
    Floats,
    class_doubt,
    class_entropy,
    combined,
    distances,
    divergence,
    newness,
    novelty,
    ranks,
    uncertainty,
    without_usual_view,
)
from workbench.scenes.demo_site import demo_stills, quiet_stills

NAMES = ("clear", "truck", "van")
SMALL_WH = (96, 54)


def unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def around(centre: list[float], count: int, seed: int, spread: float = 0.01) -> Floats:
    return unit(np.array(centre) + np.random.default_rng(seed).normal(0, spread, (count, len(centre))))


def test_signals_are_least_where_all_is_sure_and_largest_where_nothing_is() -> None:
    shares = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(class_entropy(shares), [0, np.log(2) / np.log(3), 1], atol=1e-9)
    np.testing.assert_allclose(class_doubt(shares), [0, 1, 1], atol=1e-9)
    np.testing.assert_allclose(divergence(shares, shares), 0, atol=1e-9)
    np.testing.assert_allclose(divergence(np.eye(3), np.eye(3)[[1, 2, 0]]), 1, atol=1e-9)
    np.testing.assert_allclose(ranks(np.array([5.0, 1.0, 5.0, 9.0])), [0.5, 0.125, 0.5, 0.875])


def test_an_unlikely_caption_makes_a_still_uncertain() -> None:
    same = np.full((3, 3), 1 / 3)
    found = uncertainty(same, np.array([-0.1, -3.0, -1.0]))
    assert found.argsort().tolist() == [0, 2, 1]
    assert uncertainty(same).tolist() == [0.5, 0.5, 0.5]


def test_what_a_camera_always_shows_does_not_count() -> None:
    happening = np.array([[0.3, 0.0], [0.0, 0.3], [0.3, 0.0], [0.0, 0.3]])
    usual = np.array([[5.0, 1.0], [5.0, 1.0], [-4.0, 2.0], [-4.0, 2.0]])
    views = without_usual_view(happening + usual, ["north", "north", "south", "south"])
    np.testing.assert_allclose(views[:2], views[2:], atol=1e-9)
    np.testing.assert_allclose(views[0], -views[1], atol=1e-9)


def test_newness_is_likeness_to_what_is_seen_since() -> None:
    before, since = around([1, 0, 0], 5, 0), around([0, 1, 0], 5, 1)
    assert newness(np.eye(3), before, since).argsort().tolist() == [0, 2, 1]
    assert newness(np.eye(3), before[:0], since).argmax() == 1


def test_a_model_that_is_too_sure_gets_a_temperature_above_one() -> None:
    said = np.arange(60) % 3
    right = np.full((60, 3), 0.005) + 0.985 * np.eye(3)[said]
    wrong = np.full((60, 3), 0.005) + 0.985 * np.eye(3)[(said + 1) % 3]
    too_sure = np.where((np.arange(60) % 2 == 0)[:, None], right, wrong)
    assert fit_temperature(too_sure, said) > 2
    assert fit_temperature(right, said) < 1
    assert fit_temperature(too_sure[: LEAST_ANSWERS - 1], said[: LEAST_ANSWERS - 1]) == 1
    np.testing.assert_allclose(calibrated(too_sure, 1.0), too_sure, atol=1e-9)
    assert calibrated(too_sure, 5.0).max() < too_sure.max()


def test_what_stands_for_many_comes_before_what_is_only_strange() -> None:
    many, few, strange = around([1, 0, 0], 30, 0), around([0, 1, 0], 8, 1), around([0, 0, 1], 1, 2)
    embeddings = np.concatenate([many, few, strange])
    chosen = choose(np.full(39, 0.5), embeddings, size=3, cameras=["north"] * 39)
    assert [0 if row < 30 else 1 if row < 38 else 2 for row in chosen] == [0, 1, 2]


def test_what_was_asked_about_is_not_asked_again_and_scores_decide_between_equals() -> None:
    embeddings = np.concatenate([around([1, 0, 0], 10, 0), around([0, 1, 0], 10, 1), around([0, 0, 1], 10, 2)])
    scores = np.concatenate([np.full(20, 0.2), np.full(10, 0.9)])
    chosen = choose(scores, embeddings, size=2, cameras=["north"] * 30, known=around([1, 0, 0], 2, 9))
    assert [row // 10 for row in chosen] == [2, 1]


def test_no_camera_gives_more_than_its_limit() -> None:
    embeddings = around([1, 0.2, 0.1], 20, 3, spread=0.3)
    cameras = ["north"] * 15 + ["south"] * 5
    chosen = choose(np.ones(20), embeddings, size=10, cameras=cameras, limits={"north": 3, "south": 4})
    assert sorted(cameras[row] for row in chosen) == ["north"] * 3 + ["south"] * 4
    assert sorted(choose(np.ones(20), embeddings, size=50, cameras=cameras)) == list(range(20))


def test_the_quick_way_chooses_what_trying_every_still_each_time_chooses() -> None:
    random = np.random.default_rng(5)
    embeddings, scores = unit(random.normal(size=(40, 6))), random.random(40)
    known = unit(random.normal(size=(4, 6)))
    apart, nearest, slow = distances(embeddings, embeddings), novelty(embeddings, known), list[int]()
    for _ in range(12):
        gains = scores * (scores @ np.maximum(0.0, nearest[:, None] - apart))
        gains[slow] = -1
        slow.append(int(gains.argmax()))
        nearest = np.minimum(nearest, apart[slow[-1]])

    assert choose(scores, embeddings, size=12, cameras=["north"] * 40, known=known) == slow


def test_limits_are_even_but_for_those_that_have_less() -> None:
    assert evenly_limited({"a": 2, "b": 50, "c": 50}, 12) == {"a": 2, "b": 5, "c": 5}
    assert evenly_limited({"a": 1, "b": 1}, 10) == {"a": 1, "b": 1}
    assert evenly_limited({}, 10) == {}


def test_signals_count_by_their_weights() -> None:
    signals = {Signal.UNCERTAINTY: np.array([1.0, 0.0]), Signal.DRIFT: np.array([0.0, 1.0])}
    np.testing.assert_allclose(combined(signals, {Signal.UNCERTAINTY: 3.0, Signal.DRIFT: 1.0}), [0.75, 0.25])


def test_reasons_are_plain_sentences() -> None:
    wavering, sure = np.array([0.1, 0.46, 0.44]), np.array([0.001, 0.996, 0.003])
    assert reasons.wavers(NAMES, wavering) == "The model wavers between 'truck' (46 %) and 'van' (44 %)."
    assert reasons.wavers(NAMES, sure) == "The model is less sure than of most others: 'truck' (over 99 %)."
    assert (
        reasons.disagrees(NAMES, sure, wavering[::-1])
        == "The model in force says 'truck' (over 99 %), the challenger 'truck' (46 %)."
    )
    assert "(camera yard-north)" in reasons.looks_new("yard-north", anything_asked=True)
    assert "since 12 March 2026" in reasons.drifted("gate", datetime(2026, 3, 12, tzinfo=UTC))
    assert reasons.matches("forklift near the door") == "Matches “forklift near the door”."
    assert reasons.contradicts(NAMES, sure, said="van", by="lin") == (
        "Labelled 'van' by lin; the model says 'truck' (over 99 %)."
    )


def test_weights_are_named_in_a_text() -> None:
    assert text_to_weights("uncertainty=2, diversity") == {
        Signal.UNCERTAINTY: 2.0,
        Signal.DIVERSITY: USUAL_WEIGHTS[Signal.DIVERSITY],
    }
    assert QueueRules(weights=text_to_weights("drift=0,diversity"), search="fork").signals == {
        Signal.DIVERSITY,
        Signal.SEARCH,
    }
    for text in ("certainty", "drift=much"):
        with pytest.raises(UsageError, match=r"uncertainty, disagreement, diversity, drift"):
            text_to_weights(text)
    for wrong in ({"size": 0}, {"look_at": 0}, {"per_camera": 0}, {"weights": {}}, {"weights": {Signal.DRIFT: -1.0}}):
        with pytest.raises(UsageError):
            QueueRules(**wrong)  # type: ignore[arg-type]


def test_the_queue_needs_fewer_labels_than_random_picking() -> None:
    """A simulation as in ``benchmarks/active_learning.py``, on small pictures instead of a model's embeddings."""
    numbers = range(200, 204)
    pool, held_out = divided(
        list(demo_stills(numbers, size_wh=SMALL_WH)), list(quiet_stills(numbers, every_s=6, size_wh=SMALL_WH))
    )
    pixels = np.array([np.asarray(one.picture.reduce(6), np.float64).ravel() for one in (*pool, *held_out)])
    stills = stills_of(pool, held_out, pixels)
    target = 0.9 * score(fitted(stills, stills.pool), stills)
    rules = Rules(start=10, batch=10, weights=USUAL_WEIGHTS)

    by_chance, chosen = (outcome(stills, pick, rules, range(2), target) for pick in (at_random, by_queue))

    assert np.mean(chosen.labels) < np.mean(by_chance.labels)


def test_stills_of_nothing_are_thinned_evenly() -> None:
    names = ["bay_clear"] * 8 + ["", "picker_on_foot"]
    assert thinned(names, 1.0) == list(range(10))
    assert thinned(names, 0.6) == [0, 4, 7, 8, 9]
    assert thinned(names, 0.0) == [8, 9]
