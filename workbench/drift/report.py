"""From a reference and a current window of each camera to drift reports, corrected for the number of tests.

A camera counts as drifted when a test is significant after Holm's correction over all cameras and tests **and** its
effect is large enough to matter: with many frames everything is significant. Where there are too few independent
stretches for a test ever to become significant, the report holds no p-values: no evidence, which is not "no drift".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain import DriftReport
from workbench.drift.classes import class_drift
from workbench.drift.embeddings import embedding_drift
from workbench.drift.window import Window, block_permutations, cut_blocks, smallest_p
from workbench.statistics.permutation import holm

__all__ = ["EFFECT_THRESHOLDS", "SIGNIFICANCE", "CameraWindows", "drift_reports"]

SIGNIFICANCE = 0.05
EFFECT_THRESHOLDS = {"embeddings": 0.05, "classes": 0.2}
"""Coefficient of inhomogeneity and population stability index from which a change is called drift."""

_PERMUTATIONS = 4999
_MOST_FRAMES = 1500
_TESTS_PER_CAMERA = 2


@dataclass(frozen=True)
class CameraWindows:
    camera: str
    reference: Window
    current: Window


def drift_reports(site: str, cameras: Sequence[CameraWindows], *, seed: int = 0) -> list[DriftReport]:
    """Return one report per camera; p-values in it are corrected already. Deterministic in ``seed``."""
    n_tests = _TESTS_PER_CAMERA * sum(bool(len(windows.reference) and len(windows.current)) for windows in cameras)
    drafts = [_test(windows, n_tests, seed) for windows in cameras]
    raw = {
        (windows.camera, test): p_value
        for windows, (_, p_values) in zip(cameras, drafts, strict=True)
        for test, p_value in p_values.items()
    }
    corrected = holm(raw)
    reports = []
    for windows, (statistics, p_values) in zip(cameras, drafts, strict=True):
        final = {test: corrected[windows.camera, test] for test in p_values}
        times = windows.current.taken_at
        reports.append(
            DriftReport(
                site=site,
                camera=windows.camera,
                reference_rows=len(windows.reference),
                current_rows=len(windows.current),
                statistics=statistics,
                p_values=final,
                drifted=any(_matters(test, p_value, statistics) for test, p_value in final.items()),
                window=(min(times), max(times)) if times else None,
            )
        )
    return reports


def _test(windows: CameraWindows, n_tests: int, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return statistics and uncorrected p-values; both empty when the windows cannot bear evidence."""
    if not len(windows.reference) or not len(windows.current):
        return {}, {}
    pair = [window.in_order().thinned(_MOST_FRAMES) for window in (windows.reference, windows.current)]
    reference_blocks, current_blocks = cut_blocks(pair)
    n_reference, n_current = len(np.unique(reference_blocks)), len(np.unique(current_blocks))
    sizes = {"reference_blocks": float(n_reference), "current_blocks": float(n_current)}
    if min(n_reference, n_current) < 2 or smallest_p(n_reference, n_current) * n_tests > SIGNIFICANCE:
        return sizes, {}
    permutations = block_permutations(n_reference, n_current, _PERMUTATIONS, seed)
    blocks = np.concatenate([reference_blocks, current_blocks])
    pictures = embedding_drift(np.concatenate([window.embeddings for window in pair]), blocks, permutations)
    answers = class_drift([name for window in pair for name in window.classes], blocks, permutations)
    statistics = {
        "embeddings": pictures.effect,
        "classes": answers.population_stability_index,
        "classes_jensen_shannon_bits": answers.jensen_shannon_bits,
        **sizes,
    }
    return statistics, {"embeddings": pictures.p_value, "classes": answers.p_value}


def _matters(test: str, p_value: float, statistics: Mapping[str, float]) -> bool:
    return p_value < SIGNIFICANCE and statistics[test] >= EFFECT_THRESHOLDS[test]
