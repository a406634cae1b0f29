"""Paired tests by cluster: exact where they can be, honest with few clusters, and Holm over slices."""

from itertools import product

import numpy as np
import pytest

from workbench.evaluation.classification import macro_f1
from workbench.statistics.permutation import holm, paired_p_value
from workbench.statistics.statistic import Statistic, mean_of


def hits(rng: np.random.Generator, by_clip: np.ndarray, clusters: np.ndarray) -> Statistic:
    return mean_of("accuracy", (rng.random(len(clusters)) < by_clip[clusters]).astype(float), is_share=True)


@pytest.mark.parametrize("clips", [6, 8, 20])
def test_equal_models_are_seldom_told_apart_though_frames_of_a_clip_are_alike(clips: int) -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for seed in range(400):
        clusters = np.repeat(np.arange(clips), rng.integers(3, 25, clips))
        models = [hits(rng, rng.beta(1.4, 0.6, clips), clusters) for _ in range(2)]
        wrong += paired_p_value(*models, clusters, seed=seed, permutations=400) <= 0.05
    assert wrong / 400 <= 0.06


def test_a_test_that_ignores_clips_would_tell_them_apart_often() -> None:
    rng = np.random.default_rng(0)
    clusters, wrong = np.repeat(np.arange(10), 20), 0
    for seed in range(100):
        models = [hits(rng, rng.beta(1.4, 0.6, 10), clusters) for _ in range(2)]
        wrong += paired_p_value(*models, np.arange(200), seed=seed, permutations=200) <= 0.05
    assert wrong / 100 > 0.3


def test_a_better_model_is_found() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), 15)
    base = rng.beta(1.4, 0.6, 12)
    better = [hits(rng, np.minimum(1, base + shift), clusters) for shift in (0.25, 0.0)]
    assert paired_p_value(*better, clusters) < 0.01


def test_few_clusters_are_tried_in_every_way() -> None:
    scores = np.random.default_rng(2).random((2, 5))
    found = paired_p_value(*(mean_of("score", row) for row in scores), np.arange(5))
    gaps = scores[0] - scores[1]
    sums = [abs(sum(sign * gap for sign, gap in zip(signs, gaps, strict=True))) for signs in product((1, -1), repeat=5)]
    assert found == np.mean(np.array(sums) >= abs(gaps.sum()) - 1e-12)


def test_five_clips_can_never_be_evidence() -> None:
    clusters = np.repeat(np.arange(5), 10)
    assert paired_p_value(mean_of("a", np.ones(50)), mean_of("a", np.zeros(50)), clusters) == 2 / 32


def test_a_model_beside_itself_and_one_clip_alone_give_no_evidence() -> None:
    same = mean_of("a", np.random.default_rng(3).random(60))
    assert paired_p_value(same, same, np.repeat(np.arange(20), 3)) == 1
    assert paired_p_value(mean_of("a", np.ones(9)), mean_of("a", np.zeros(9)), np.zeros(9, dtype=np.int64)) == 1


def test_metrics_that_are_no_means_are_tested_too() -> None:
    rng, names = np.random.default_rng(4), ("clear", "person", "truck")
    truth = rng.choice(names, 120).tolist()
    good = [name if rng.random() < 0.9 else "clear" for name in truth]
    poor = [name if rng.random() < 0.4 else "clear" for name in truth]
    clusters = np.repeat(np.arange(12), 10)
    models = [macro_f1(truth, said, names) for said in (good, poor)]
    assert paired_p_value(*models, clusters) < 0.01


def test_holm_raises_the_smallest_most_and_keeps_their_order() -> None:
    assert holm({"day": 0.01, "night": 0.04, "rain": 0.03}) == {
        "day": pytest.approx(0.03),
        "night": pytest.approx(0.06),
        "rain": pytest.approx(0.06),
    }
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1, "b": 1}
    assert holm({}) == {}
