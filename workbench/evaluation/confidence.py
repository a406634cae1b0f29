"""What a model's probabilities are worth: calibration, Brier score, precision-recall curves, abstention."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import UsageError
from workbench.statistics.statistic import Bools, Floats, Statistic, mean_of

__all__ = [
    "AbstentionCurve",
    "PrecisionRecallCurve",
    "abstention_curve",
    "brier_score",
    "calibration_error",
    "precision_recall_curve",
]

_CALIBRATION_BINS = 10
_ROWS_PER_BIN = 5
_MOST_OFF = 1e-3


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Of one class: points from the highest threshold down, and the area under them, step by step (no interpolation).

    ``average_precision`` is None for a class that no frame shows: there is nothing to be found.
    """

    thresholds: Floats
    precision: Floats
    recall: Floats
    average_precision: float | None


@dataclass(frozen=True, eq=False)
class AbstentionCurve:
    """What happens when the model answers only where it is surest: ``coverage`` is the share that it answers.

    ``risk`` is the share of wrong ones among those. ``area`` is the mean risk over all coverages (AURC: Geifman and
    El-Yaniv, NIPS 2017), lower is better; ``excess_area`` is what is left of it beside an order that leaves every
    wrong answer to the end, given as many mistakes.
    """

    thresholds: Floats
    coverage: Floats
    risk: Floats
    area: float
    excess_area: float


def calibration_error(confidence: Floats, hits: Floats) -> Statistic:
    """Return the expected calibration error: the mean gap of confidence and accuracy over bins of equal mass.

    ``confidence`` (``[n_rows]``, the probability of the answer given) is cut into at most ten bins of at least five
    rows where there are as many; rows that are as sure share the bins they fall into, so that their order says
    nothing. Naeini et al., AAAI 2015, with the bins of Nguyen and O'Connor, EMNLP 2015.
    """
    _check_finite(confidence)
    n_rows = len(confidence)
    n_bins = max(1, min(_CALIBRATION_BINS, n_rows // _ROWS_PER_BIN))
    values, level = np.unique(confidence, return_inverse=True)
    in_bins = np.zeros((len(values), n_bins))
    np.add.at(in_bins, (np.sort(level), np.arange(n_rows) * n_bins // max(1, n_rows)), 1)
    shares = in_bins / in_bins.sum(axis=1, keepdims=True)
    rows = np.ones((n_rows, n_bins + 1))
    rows[:, :-1] = (confidence - hits)[:, np.newaxis] * shares[level]
    return Statistic("ece", rows, _calibration_error_of_sums)


def brier_score(probabilities: Floats, truth: Sequence[str], class_names: Sequence[str]) -> Statistic:
    """Return the mean squared distance of the probabilities ``[n_rows, n_classes]`` from the truth, in ``[0, 2]``.

    Summed over the classes, as Brier defined it (Monthly Weather Review, 1950): with two classes it is twice what some
    call by this name. A true class that the model does not know counts 1 more than its squared probabilities.
    """
    check_probabilities(probabilities)
    places = {name: place for place, name in enumerate(class_names)}
    target = np.zeros((len(truth), len(class_names) + 1))
    target[np.arange(len(truth)), [places.get(name, len(class_names)) for name in truth]] = 1
    squares = ((np.pad(probabilities, ((0, 0), (0, 1))) - target) ** 2).sum(axis=1)
    return mean_of("brier", squares, upper=2.0)


def precision_recall_curve(scores: Floats, is_class: Bools) -> PrecisionRecallCurve:
    """Return the curve of one class from its scores ``[n_rows]``; rows that score alike are taken together."""
    _check_finite(scores)
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], np.cumsum(is_class[order]).astype(np.float64)
    last = np.flatnonzero(np.diff(sorted_scores, append=-np.inf))
    found, total = hits[last], float(np.count_nonzero(is_class))
    precision = found / (last + 1)
    if not total:
        return PrecisionRecallCurve(sorted_scores[last], precision, np.zeros(len(last)), None)
    recall = found / total
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return PrecisionRecallCurve(sorted_scores[last], precision, recall, average)


def abstention_curve(confidence: Floats, hits: Floats) -> AbstentionCurve:
    """Return risk by coverage, from the surest answer on; answers that are as sure are given or withheld together."""
    _check_finite(confidence)
    if not len(confidence):
        raise UsageError(expected="at least one answer", found="none", remedy="measure on a split that has frames")
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(1 - hits[order])
    last = np.flatnonzero(np.diff(confidence[order], append=-np.inf))
    answered = last + 1
    risk, steps = wrong[last] / answered, np.diff(answered, prepend=0)
    area = float(np.sum(risk * steps) / len(confidence))
    mistakes = round(float(wrong[-1]))
    late = np.maximum(0, np.arange(1, len(confidence) + 1) - (len(confidence) - mistakes))
    best = float(np.mean(late / np.arange(1, len(confidence) + 1)))
    return AbstentionCurve(confidence[order][last], answered / len(confidence), risk, area, area - best)


def check_probabilities(probabilities: Floats) -> None:
    """Refuse what is no distribution: values that are no number, below 0, or that do not sum to 1."""
    _check_finite(probabilities)
    off = np.abs(probabilities.sum(axis=1) - 1) > _MOST_OFF
    wrong = int(np.count_nonzero(off | (probabilities < 0).any(axis=1)))
    if wrong:
        raise UsageError(
            expected="probabilities of the classes that sum to 1 in every row",
            found=f"{wrong} rows that do not",
            remedy="check the model's weights, or divide each row by its sum",
        )


def _check_finite(values: Floats) -> None:
    if not np.isfinite(values).all():
        raise UsageError(
            expected="a probability for every row",
            found=f"{int((~np.isfinite(values)).sum())} that are no number",
            remedy="check the model's weights: they may have diverged in training",
        )


def _calibration_error_of_sums(sums: Floats) -> Floats:
    error: Floats = np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1]
    return error
