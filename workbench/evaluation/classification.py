"""How well classes were chosen: accuracy, F1, per-class figures, confusion matrix; defined as in scikit-learn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from workbench.statistics.statistic import Floats, Integers, Statistic, mean_of

__all__ = [
    "ClassScores",
    "balanced_accuracy",
    "class_accuracy",
    "confusion",
    "macro_f1",
    "per_class",
    "weighted_f1",
]

_OfMatrix = Callable[[Floats], Floats]


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


def balanced_accuracy(truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str] = ()) -> Statistic:
    """Return the mean recall of the classes that occur in the truth: a rare class counts as much as a common one."""
    return _of_confusion("balanced_accuracy", truth, predicted, class_names, _mean_recall)


def macro_f1(truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str] = ()) -> Statistic:
    """Return the mean F1 of the classes that occur, in truth or as an answer.

    ``class_names``, which need not occur, make the rows of two models' statistics mean the same.
    """
    return _of_confusion("macro_f1", truth, predicted, class_names, _mean_f1)


def weighted_f1(truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str] = ()) -> Statistic:
    """Return the mean F1, each class weighted by its frames in the truth."""
    return _of_confusion("weighted_f1", truth, predicted, class_names, _weighted_f1)


def confusion(truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str]) -> Integers:
    """Return ``[n_classes, n_classes]`` counts: rows are the true class, columns the answer; others are left out."""
    places = _places(class_names)
    matrix = np.zeros((len(places), len(places)), dtype=np.int64)
    for a, b in zip(truth, predicted, strict=True):
        if a in places and b in places:
            matrix[places[a], places[b]] += 1
    return matrix


def per_class(truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str]) -> tuple[ClassScores, ...]:
    """Return each class's figures in the order of ``class_names``; what was never there to be found scores 0."""
    everything = sorted({*truth, *predicted, *class_names})
    matrix = confusion(truth, predicted, everything).astype(np.float64)
    hits, said, there = np.diagonal(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    precision, recall, f1 = _ratio(hits, said), _ratio(hits, there), _ratio(2 * hits, said + there)
    places = _places(everything)
    return tuple(
        ClassScores(name, float(precision[at]), float(recall[at]), float(f1[at]), int(there[at]))
        for name in class_names
        for at in [places[name]]
    )


def _of_confusion(
    name: str, truth: Sequence[str], predicted: Sequence[str], class_names: Sequence[str], of_matrix: _OfMatrix
) -> Statistic:
    """Return a function of the confusion matrix; a row of the statistic is one cell of it."""
    places = _places(sorted({*truth, *predicted, *class_names}))
    cells = np.zeros((len(truth), len(places) ** 2))
    cell_of = [places[a] * len(places) + places[b] for a, b in zip(truth, predicted, strict=True)]
    cells[np.arange(len(truth)), cell_of] = 1
    return Statistic(name, cells, partial(_of_sums, n_classes=len(places), of_matrix=of_matrix), is_share=True)


def _of_sums(sums: Floats, *, n_classes: int, of_matrix: _OfMatrix) -> Floats:
    return of_matrix(sums.reshape(*sums.shape[:-1], n_classes, n_classes))


def _mean_recall(matrix: Floats) -> Floats:
    there = matrix.sum(axis=-1)
    recall = _ratio(np.diagonal(matrix, axis1=-2, axis2=-1), there)
    mean: Floats = recall.sum(axis=-1) / (there > 0).sum(axis=-1)
    return mean


def _mean_f1(matrix: Floats) -> Floats:
    mean: Floats = _f1(matrix).sum(axis=-1) / (_mentions(matrix) > 0).sum(axis=-1)
    return mean


def _weighted_f1(matrix: Floats) -> Floats:
    there = matrix.sum(axis=-1)
    mean: Floats = (_f1(matrix) * there).sum(axis=-1) / there.sum(axis=-1)
    return mean


def _f1(matrix: Floats) -> Floats:
    return _ratio(2 * np.diagonal(matrix, axis1=-2, axis2=-1), _mentions(matrix))


def _mentions(matrix: Floats) -> Floats:
    mentions: Floats = matrix.sum(axis=-1) + matrix.sum(axis=-2)
    return mentions


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.zeros_like(whole, dtype=np.float64), where=whole > 0)
    return ratio


def _places(class_names: Sequence[str]) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(class_names)}
