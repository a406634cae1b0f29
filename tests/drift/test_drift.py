"""Drift tests on simulated cameras whose neighbouring frames are alike."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from workbench.domain import DriftReport, Verdict
from workbench.drift import CameraWindows, Window, drift_reports, report
from workbench.drift.classes import class_drift
from workbench.drift.embeddings import embedding_drift
from workbench.drift.window import block_permutations, cut_blocks

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("clear", "person", "truck")
USUAL = (0.5, 0.3, 0.2)


@pytest.fixture(autouse=True)
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_PERMUTATIONS", 199)


def window(
    rng: np.random.Generator,
    *,
    clips: int = 6,
    frames: int = 30,
    memory: float = 0.8,
    shift: float = 0.0,
    shares: tuple[float, ...] = USUAL,
) -> Window:
    """Frames whose embeddings follow an autoregression within a clip, and whose class mostly stays."""
    embeddings, classes, clip_ids, times = [], [], [], []
    for clip in range(clips):
        state, name = rng.normal(size=16), rng.choice(3, p=shares)
        for second in range(frames):
            state = memory * state + np.sqrt(1 - memory**2) * rng.normal(size=16)
            name = rng.choice(3, p=shares) if rng.random() > memory else name
            embeddings.append(state + shift)
            classes.append(NAMES[name])
            clip_ids.append(f"clip{clip}")
            times.append(START + timedelta(seconds=second))
    return Window(np.array(embeddings), tuple(classes), tuple(clip_ids), tuple(times))


def check(reference: Window, current: Window) -> DriftReport:
    return drift_reports("yard", [CameraWindows("north", reference, current)])[0]


def test_no_drift_raises_few_alarms_though_frames_are_alike() -> None:
    """400 windows raised 16 alarms (4 %); of 60 windows at 5 % each, more than 7 alarms are a one-in-eighty chance."""
    reports = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        reports.append(check(window(rng), window(rng, clips=5)))
    assert sum(any(p < 0.05 for p in found.p_values.values()) for found in reports) <= 7
    assert sum(found.drifted for found in reports) <= 7
    assert all(found.verdict is not Verdict.NO_EVIDENCE for found in reports)


def test_shuffling_single_frames_would_raise_alarms_all_the_time() -> None:
    alarms = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pair = [window(rng, clips=2, memory=0.95), window(rng, clips=2, memory=0.95)]
        embeddings = np.concatenate([one.embeddings for one in pair])
        frames = np.arange(len(embeddings))
        p_value = embedding_drift(embeddings, frames, block_permutations(60, 60, 99, seed)).p_value
        alarms.append(p_value < 0.05)
    assert np.mean(alarms) > 0.5


def test_other_pictures_and_other_classes_are_found() -> None:
    rng = np.random.default_rng(0)
    pictures = check(window(rng), window(rng, shift=1.0))
    assert pictures.drifted
    assert pictures.p_values["embeddings"] < 0.05
    assert pictures.statistics["embeddings"] > 0.05
    classes = check(window(rng), window(rng, shares=(0.02, 0.03, 0.95)))
    assert classes.drifted
    assert classes.statistics["classes"] > 0.2
    assert 0 < classes.statistics["classes_jensen_shannon_bits"] < 1


def test_a_change_too_small_to_matter_is_not_called_drift() -> None:
    rng = np.random.default_rng(1)
    found = check(window(rng, clips=30, memory=0.0), window(rng, clips=30, memory=0.0, shift=0.12))
    assert found.p_values["embeddings"] < 0.05
    assert not found.drifted
    assert found.verdict is Verdict.PASS


def test_too_few_frames_are_no_evidence() -> None:
    rng = np.random.default_rng(2)
    for current in (window(rng, clips=1, frames=3), window(rng, clips=0)):
        found = check(window(rng), current)
        assert found.verdict is Verdict.NO_EVIDENCE
        assert not found.drifted
        assert not found.p_values


def test_the_result_does_not_depend_on_the_order_of_frames() -> None:
    rng = np.random.default_rng(3)
    reference, current = window(rng), window(rng, shift=0.5)
    order = rng.permutation(len(current))
    shuffled = Window(
        current.embeddings[order],
        tuple(current.classes[row] for row in order),
        tuple(current.clip_ids[row] for row in order),
        tuple(current.taken_at[row] for row in order),
    )
    assert check(reference, current) == check(reference, shuffled)


def test_blocks_are_longer_where_frames_stay_alike() -> None:
    rng = np.random.default_rng(4)
    quick, slow = (cut_blocks([window(rng, memory=memory)])[0].max() + 1 for memory in (0.0, 0.9))
    assert quick > 4 * slow
    assert slow == 6, "a block is a whole clip"


def test_windows_of_one_class_only_do_not_differ() -> None:
    blocks, permutations = np.repeat(np.arange(8), 4), block_permutations(4, 4, 99, 0)
    found = class_drift(["clear"] * 32, blocks, permutations)
    assert (found.p_value, found.population_stability_index, found.jensen_shannon_bits) == (1, 0, 0)
