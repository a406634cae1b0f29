"""How well classes were chosen: accuracy, macro-F1, per-class figures, the confusion matrix and calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from workbench.errors import UsageError
from workbench.statistics.statistic import Floats, Integers, Statistic, mean_of

__all__ = ["ClassScores", "calibration_error", "class_accuracy", "confusion", "macro_f1", "per_class"]

_CALIBRATION_BINS = 10
_ROWS_PER_BIN = 5


@dataclass(frozen=True)
class ClassScores:
    """Precision: the share of the frames called so that are; recall: the share of those that are that was found."""

    class_name: str
    precision: float
    recall: float
    f1: float
    frames: int


def class_accuracy(truth: Sequence[str], predicted: Sequence[str]) -> Statistic:
    hits = np.array([a == b for a, b in zip(truth, predicted, strict=True)], dtype=np.float64)
    return mean_of("class_accuracy", hits, is_share=True)


def macro_f1(truth: Sequence[str], predicted: Sequence[str]) -> Statistic:
    """Return the mean F1 of the classes that occur, in truth or as an answer: scikit-learn's ``f1_score`` (macro)."""
    names = sorted({*truth, *predicted})
    places = {name: place for place, name in enumerate(names)}
    cells = np.zeros((len(truth), len(names) ** 2))
    cell_of = [places[a] * len(names) + places[b] for a, b in zip(truth, predicted, strict=True)]
    cells[np.arange(len(truth)), cell_of] = 1
    return Statistic("macro_f1", cells, partial(_macro_f1_of_sums, n_classes=len(names)), is_share=True)


def confusion(truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str]) -> Integers:
    """Return ``[n_classes, n_classes]`` counts: rows are the true class, columns the answer."""
    return np.asarray(confusion_matrix(truth, predicted, labels=list(class_names)), dtype=np.int64)


def per_class(truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str]) -> tuple[ClassScores, ...]:
    """Return each class's figures in the order of ``class_names``; what was never there to be found scores 0."""
    columns = precision_recall_fscore_support(truth, predicted, labels=list(class_names), zero_division=0)
    return tuple(
        ClassScores(name, float(precision), float(recall), float(f1), int(frames))
        for name, precision, recall, f1, frames in zip(class_names, *columns, strict=True)
    )


def calibration_error(confidence: Floats, hits: Floats) -> Statistic:
    """Return the expected calibration error: the mean gap of confidence and accuracy over bins of equal mass.

    ``confidence`` (``[n_rows]``, the probability of the answer given) is cut into at most ten bins of at least five
    rows where there are as many. Naeini et al., AAAI 2015, with the bins of Nguyen and O'Connor, EMNLP 2015.
    """
    if not np.isfinite(confidence).all():
        raise UsageError(
            expected="a probability for every row",
            found=f"{int((~np.isfinite(confidence)).sum())} that are no number",
            remedy="check the model's weights: they may have diverged in training",
        )
    n_rows = len(confidence)
    n_bins = max(1, min(_CALIBRATION_BINS, n_rows // _ROWS_PER_BIN))
    bins = np.empty(n_rows, dtype=np.int64)
    bins[np.argsort(confidence, kind="stable")] = np.arange(n_rows) * n_bins // max(1, n_rows)
    rows = np.zeros((n_rows, n_bins + 1))
    rows[np.arange(n_rows), bins] = confidence - hits
    rows[:, -1] = 1
    return Statistic("ece", rows, _calibration_error_of_sums)


def _macro_f1_of_sums(sums: Floats, *, n_classes: int) -> Floats:
    matrix = sums.reshape(*sums.shape[:-1], n_classes, n_classes)
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    mentions = matrix.sum(axis=-1) + matrix.sum(axis=-2)
    occurs = mentions > 0
    f1 = np.divide(2 * hits, mentions, out=np.zeros_like(mentions), where=occurs)
    mean: Floats = f1.sum(axis=-1) / occurs.sum(axis=-1)
    return mean


def _calibration_error_of_sums(sums: Floats) -> Floats:
    error: Floats = np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1]
    return error
