"""Curves of the report as points of small drawings, 100 wide and 60 high: a template needs no arithmetic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.evaluation.beside import Beside
from workbench.evaluation.confidence import abstention_curve, precision_recall_curve
from workbench.evaluation.report import Assessment
from workbench.evaluation.robustness import robustness_curves

__all__ = ["Plot", "abstention_plot", "precision_recall_plots", "robustness_plots"]

_WIDTH, _HEIGHT = 100.0, 60.0


@dataclass(frozen=True)
class Plot:
    """``own`` and ``base`` are points of a polyline, the latter empty without a baseline; ``told`` is what they say."""

    title: str
    own: str
    base: str
    told: str


def robustness_plots(figures: Sequence[Beside]) -> list[Plot]:
    """Return one plot for each corruption: levels from 0 to 5 to the right, the share of right classes upwards."""
    plots = []
    for curve in robustness_curves(figures):
        levels = curve.levels
        own = [one.own.value for one in levels]
        base = [one.base.value for one in levels if one.base]
        told = f"{own[0]:.0%} as it is, {own[-1]:.0%} at level {len(levels) - 1}"
        plots.append(Plot(curve.corruption.replace("_", " "), _spread(own), _spread(base), told))
    return plots


def precision_recall_plots(own: Assessment, baseline: Assessment | None) -> list[Plot]:
    """Return one plot for each class that people saw: recall to the right, precision upwards."""
    plots = []
    for name in own.answers.class_names:
        drawn, average = _precision_recall(own, name)
        if average is None:
            continue
        of_base, average_of_base = _precision_recall(baseline, name) if baseline else ("", None)
        told = f"average precision {average:.2f}" + ("" if average_of_base is None else f", base {average_of_base:.2f}")
        plots.append(Plot(name.replace("_", " "), drawn, of_base, told))
    return plots


def abstention_plot(own: Assessment, baseline: Assessment | None) -> Plot:
    """Return how many answers are wrong (upwards) of those that are given where only the surest are (to the right)."""
    drawn, half = _abstention(own)
    of_base = _abstention(baseline)[0] if baseline else ""
    whole = 1 - own.report.metrics["class_accuracy"].value
    return Plot(
        "Answering only where it is sure", drawn, of_base, f"{whole:.0%} wrong of all, {half:.0%} of the surest half"
    )


def _precision_recall(assessment: Assessment, class_name: str) -> tuple[str, float | None]:
    answers = assessment.answers
    is_class = np.array([result.frame.class_name == class_name for result in assessment.frames])
    if class_name not in answers.class_names:
        return "", None
    scores = answers.probabilities[:, answers.class_names.index(class_name)]
    curve = precision_recall_curve(scores, is_class)
    return _points(zip(curve.recall, curve.precision, strict=True)), curve.average_precision


def _abstention(assessment: Assessment) -> tuple[str, float]:
    hits = np.array([float(result.is_right) for result in assessment.frames])
    curve = abstention_curve(assessment.answers.confidence, hits)
    half = int(np.argmax(curve.coverage >= 0.5))
    return _points(zip(curve.coverage, curve.risk, strict=True)), float(curve.risk[half])


def _spread(values: Sequence[float]) -> str:
    return _points((place / max(1, len(values) - 1), value) for place, value in enumerate(values))


def _points(pairs: Iterable[tuple[float, float]]) -> str:
    """Return the points of shares from 0 to 1."""
    return " ".join(f"{_WIDTH * x:.1f},{_HEIGHT * (1 - y):.1f}" for x, y in pairs)
