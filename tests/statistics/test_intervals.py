"""Intervals: deterministic, honest at the edges, and covering the truth when frames of a clip are alike."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from workbench.statistics.clusters import clips_of, clusters_of
from workbench.statistics.intervals import interval_of, paired_difference
from workbench.statistics.statistic import mean_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def clustered_answers(rng: np.random.Generator, clips: int, frames: int, share: float, correlation: float):
    odds = (1 - correlation) / correlation
    by_clip = rng.beta(share * odds, (1 - share) * odds, clips)
    return (rng.random(clips * frames) < np.repeat(by_clip, frames)).astype(float)


@pytest.mark.parametrize(("clips", "share"), [(8, 0.5), (12, 0.85), (20, 0.95)])
def test_intervals_cover_the_truth_with_clustered_frames(clips: int, share: float) -> None:
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(clips), 10)
    covered = 0
    for seed in range(300):
        hits = clustered_answers(rng, clips, 10, share, 0.3)
        interval = interval_of(mean_of("accuracy", hits, is_share=True), clusters, seed=seed, resamples=300)
        covered += interval.low <= share <= interval.high
    assert 0.92 <= covered / 300 <= 1


@pytest.mark.parametrize("clips", [8, 20])
def test_intervals_of_scores_cover_the_truth_though_few_high_ones_carry_the_mean(clips: int) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(300):
        clusters = np.repeat(np.arange(clips), rng.integers(4, 25, clips))
        scores = rng.gamma(2, 1, clips)[clusters] * (1 + 0.5 * rng.standard_normal(len(clusters)))
        interval = interval_of(mean_of("cider", scores, upper=100), clusters, seed=seed, resamples=300)
        covered += interval.low <= 2 <= interval.high
    assert 0.92 <= covered / 300 <= 0.98


@pytest.mark.parametrize(("clips", "share"), [(6, 0.7), (12, 0.9), (20, 0.9)])
def test_differences_hold_0_though_each_model_has_clips_of_its_own_that_it_finds_hard(clips: int, share: float) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(300):
        clusters = np.repeat(np.arange(clips), rng.integers(4, 25, clips))
        levels = rng.beta(share * 7 / 3, (1 - share) * 7 / 3, (2, clips))
        hits = [(rng.random(len(clusters)) < level[clusters]).astype(float) for level in levels]
        models = [mean_of("accuracy", one, is_share=True) for one in hits]
        difference = paired_difference(*models, clusters, seed=seed, resamples=300)
        covered += difference.low <= 0 <= difference.high
    assert covered / 300 >= 0.92


def test_with_two_clips_stretches_of_time_stand_for_more_without_being_taken_for_independent() -> None:
    rng = np.random.default_rng(0)
    clips = np.repeat(np.arange(2), 18)
    clusters = clusters_of([str(clip) for clip in clips], [START + timedelta(seconds=row) for row in range(36)])
    covered = 0
    for seed in range(300):
        hits = clustered_answers(rng, 2, 18, 0.8, 0.3)
        interval = interval_of(mean_of("accuracy", hits, is_share=True), clusters, seed=seed, resamples=300)
        covered += interval.low <= 0.8 <= interval.high
    assert covered / 300 >= 0.9


@pytest.mark.parametrize("clips", [2, 3])
def test_with_few_clips_scores_are_as_uncertain_as_those_clips_differ(clips: int) -> None:
    rng = np.random.default_rng(0)
    names = [f"clip {row // 16}" for row in range(16 * clips)]
    clusters = clusters_of(names, [START + timedelta(seconds=row) for row in range(16 * clips)])
    covered = narrow = 0
    for seed in range(300):
        scores = rng.normal(3, 0.7, clips)[clusters[:, 0]] + 0.3 * rng.standard_normal(16 * clips)
        statistic = mean_of("cider", scores, upper=10)
        interval, by_stretch = (
            interval_of(statistic, of, seed=seed, resamples=300) for of in (clusters, clusters[:, 1])
        )
        covered += interval.low <= 3 <= interval.high
        narrow += by_stretch.low <= 3 <= by_stretch.high
    assert covered / 300 >= 0.93
    assert narrow / 300 < 0.93


def test_an_interval_that_ignores_clips_would_be_too_narrow() -> None:
    hits = np.repeat([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 20)
    statistic = mean_of("accuracy", hits, is_share=True)
    by_clip = interval_of(statistic, np.repeat(np.arange(10), 20))
    by_frame = interval_of(statistic, np.arange(200))
    assert by_clip.high - by_clip.low > 3 * (by_frame.high - by_frame.low)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_right_or_all_wrong_is_not_certain(value: float) -> None:
    statistic = mean_of("accuracy", np.full(60, value), is_share=True)
    interval = interval_of(statistic, np.repeat(np.arange(6), 10))
    assert interval.value == value
    assert 0.15 < interval.high - interval.low < 0.5
    assert min(abs(interval.low - value), abs(interval.high - value)) < 1e-9


def test_one_more_mistake_never_makes_the_interval_much_narrower() -> None:
    clusters = np.repeat(np.arange(12), 10)
    lows = []
    for mistakes in range(4):
        hits = np.ones(120)
        hits[:mistakes] = 0
        lows.append(interval_of(mean_of("accuracy", hits, is_share=True), clusters).low)
    assert all(later < earlier + 0.04 for earlier, later in pairwise(lows))


def test_the_same_seed_gives_the_same_bounds() -> None:
    scores = np.random.default_rng(1).random(80)
    clusters = np.repeat(np.arange(16), 5)
    statistic = mean_of("cider", scores, upper=10)
    assert interval_of(statistic, clusters, seed=3) == interval_of(statistic, clusters, seed=3)
    assert interval_of(statistic, clusters, seed=3) != interval_of(statistic, clusters, seed=4)


def test_one_cluster_bears_no_information() -> None:
    interval = interval_of(mean_of("cider", np.array([1.0, 2.0]), upper=10), np.zeros(2, dtype=np.int64))
    assert (interval.low, interval.value, interval.high) == (0, 1.5, 10)


def test_a_paired_difference_is_sharper_than_two_intervals() -> None:
    rng = np.random.default_rng(2)
    base = clustered_answers(rng, 20, 10, 0.5, 0.4)
    adapted = np.maximum(base, rng.random(200) < 0.3).astype(float)
    clusters = np.repeat(np.arange(20), 10)
    statistics = [mean_of("accuracy", hits, is_share=True) for hits in (adapted, base)]
    difference = paired_difference(*statistics, clusters)
    apart = [interval_of(statistic, clusters) for statistic in statistics]
    assert difference.low > 0
    assert difference.high - difference.low < 0.8 * sum((i.high - i.low) for i in apart) / np.sqrt(2)
    same = paired_difference(statistics[0], statistics[0], clusters)
    assert same.value == 0
    assert -0.05 < same.low <= 0 <= same.high < 0.05


def test_clusters_are_clips_or_stretches_of_time() -> None:
    many = [f"clip{row % 4}" for row in range(45)]
    times = [START + timedelta(seconds=row) for row in range(45)]
    assert clusters_of(many, times).tolist() == [[row % 4, row % 4] for row in range(45)]

    few = ["a"] * 60 + ["b"] * 20
    times = [START + timedelta(seconds=-row) for row in range(80)]
    clips, clusters = clusters_of(few, times).T
    assert clips.tolist() == clips_of(few).tolist()
    assert set(clusters[:60]).isdisjoint(clusters[60:])
    assert 5 <= len(set(clusters.tolist())) <= 6
    assert set(clips_of(few).tolist()) == {0, 1}
    assert clusters[0] == clusters[1] != clusters[59]
    assert np.all(np.diff(clusters[:60]) <= 0), "rows against time, stretches in the order of time"
