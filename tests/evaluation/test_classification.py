"""Class figures against scikit-learn."""

import random

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_curve,
    precision_recall_fscore_support,
)

from workbench.errors import UsageError
from workbench.evaluation import confidence
from workbench.evaluation.classification import (
    balanced_accuracy,
    class_accuracy,
    confusion,
    macro_f1,
    per_class,
    weighted_f1,
)
from workbench.evaluation.confidence import abstention_curve, brier_score, calibration_error

NAMES = ("clear", "person", "truck", "never")


def answers(seed: int) -> tuple[list[str], list[str]]:
    rng = random.Random(seed)
    truth = [rng.choice(NAMES[:3]) for _ in range(50)]
    return truth, [name if rng.random() < 0.6 else rng.choice(NAMES[:2]) for name in truth]


@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_scikit_learn(seed: int) -> None:
    truth, predicted = answers(seed)
    assert class_accuracy(truth, predicted).value == pytest.approx(accuracy_score(truth, predicted))
    assert balanced_accuracy(truth, predicted).value == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert macro_f1(truth, predicted).value == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert weighted_f1(truth, predicted).value == pytest.approx(f1_score(truth, predicted, average="weighted"))
    np.testing.assert_array_equal(confusion(truth, predicted, NAMES), confusion_matrix(truth, predicted, labels=NAMES))
    known = precision_recall_fscore_support(truth, predicted, labels=NAMES, zero_division=0)
    mine = [(one.precision, one.recall, one.f1, one.frames) for one in per_class(truth, predicted, NAMES)]
    np.testing.assert_allclose(np.array(mine).T, np.array(known))


def test_class_names_that_do_not_occur_change_no_figure() -> None:
    truth, predicted = answers(1)
    for figure in (balanced_accuracy, macro_f1, weighted_f1):
        assert figure(truth, predicted, NAMES).value == pytest.approx(figure(truth, predicted).value)


def test_a_slice_counts_only_the_classes_in_it() -> None:
    truth, predicted = ["clear", "person", "truck"], ["clear", "person", "clear"]
    first_two = macro_f1(truth, predicted).of_rows(np.array([True, True, False]))
    assert first_two.value == 1


def test_a_class_never_seen_scores_0_and_is_counted_as_such() -> None:
    truth, predicted = answers(0)
    never = per_class(truth, predicted, NAMES)[3]
    assert (never.frames, never.recall, never.f1) == (0, 0, 0)
    assert confusion(truth, predicted, NAMES).sum() == 50


@pytest.mark.parametrize("distinct", [4, 1000], ids=["ties", "no ties"])
def test_precision_recall_curves_equal_scikit_learn(distinct: int) -> None:
    rng = np.random.default_rng(2)
    scores, is_class = rng.integers(0, distinct, 80) / distinct, rng.random(80) < 0.3
    curve = confidence.precision_recall_curve(scores, is_class)
    precision, recall, thresholds = precision_recall_curve(is_class, scores)
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1])
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1])
    np.testing.assert_allclose(curve.thresholds[::-1], thresholds)
    assert curve.average_precision == pytest.approx(average_precision_score(is_class, scores))


def test_a_class_that_no_frame_shows_has_no_average_precision() -> None:
    curve = confidence.precision_recall_curve(np.array([0.9, 0.1]), np.zeros(2, dtype=np.bool_))
    assert curve.average_precision is None
    assert curve.recall.tolist() == [0, 0]


def test_calibration_error_of_a_boaster_and_of_a_modest_model() -> None:
    hits = np.array([1.0, 0.0] * 50)
    assert calibration_error(np.full(100, 0.9), hits).value == pytest.approx(0.4)
    assert calibration_error(np.full(100, 0.5), hits).value == pytest.approx(0)


def test_calibration_error_does_not_depend_on_the_order_of_rows_that_are_as_sure() -> None:
    sure = np.concatenate([np.full(60, 0.5), np.full(40, 0.8)])
    hits = np.concatenate([np.ones(30), np.zeros(30), np.ones(32), np.zeros(8)])
    assert calibration_error(sure, hits).value == pytest.approx(0)
    assert calibration_error(sure, hits[::-1]).value == pytest.approx(calibration_error(sure[::-1], hits).value)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(100)
        assert calibration_error(sure[order], hits[order]).value == pytest.approx(0)


def test_calibration_bins_hold_as_many_rows_each() -> None:
    sure = np.concatenate([np.full(10, 0.99), np.linspace(0.5, 0.6, 90)])
    hits = np.concatenate([np.zeros(10), np.ones(90)])
    expected = sum(abs((part_sure - part_hits).sum()) for part_sure, part_hits in _bins(sure, hits)) / 100
    assert calibration_error(sure, hits).value == pytest.approx(expected)


def _bins(sure: np.ndarray, hits: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    order = np.argsort(sure, kind="stable")
    return list(zip(np.split(sure[order], 10), np.split(hits[order], 10), strict=True))


def test_brier_score_is_summed_over_the_classes() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]])
    score = brier_score(probabilities, ["clear", "clear"], NAMES[:3])
    assert score.value == pytest.approx(((0.3**2 + 0.2**2 + 0.1**2) + 2) / 2)
    assert brier_score(probabilities, ["person", "never"], NAMES[:3]).value == pytest.approx(
        (0.49 + 0.64 + 0.01 + 2) / 2
    )


def test_abstaining_first_where_it_is_wrong_is_the_best_order() -> None:
    best = abstention_curve(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 1.0, 1.0, 0.0]))
    assert best.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert best.risk.tolist() == [0, 0, 0, 0.25]
    assert (best.area, best.excess_area) == (pytest.approx(1 / 16), pytest.approx(0))
    worst = abstention_curve(np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert worst.area == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    alike = abstention_curve(np.full(4, 0.5), np.array([0.0, 1.0, 1.0, 1.0]))
    assert (alike.coverage.tolist(), alike.risk.tolist(), alike.area) == ([1], [0.25], 0.25)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: calibration_error(np.array([0.5, np.nan]), np.ones(2)), "1 that are no number"),
        (lambda: confidence.precision_recall_curve(np.array([np.inf]), np.ones(1, dtype=np.bool_)), "no number"),
        (lambda: brier_score(np.array([[0.5, 0.6]]), ["clear"], NAMES[:2]), "1 rows that do not"),
        (lambda: brier_score(np.array([[1.5, -0.5]]), ["clear"], NAMES[:2]), "1 rows that do not"),
        (lambda: abstention_curve(np.zeros(0), np.zeros(0)), "at least one answer"),
    ],
)
def test_probabilities_that_mean_nothing_are_refused(ask, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        ask()
