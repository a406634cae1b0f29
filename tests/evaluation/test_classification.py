"""Class figures against scikit-learn."""

import random

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from workbench.errors import UsageError
from workbench.evaluation.classification import calibration_error, class_accuracy, confusion, macro_f1, per_class

NAMES = ("clear", "person", "truck", "never")


def answers(seed: int) -> tuple[list[str], list[str]]:
    rng = random.Random(seed)
    truth = [rng.choice(NAMES[:3]) for _ in range(50)]
    return truth, [name if rng.random() < 0.6 else rng.choice(NAMES[:2]) for name in truth]


@pytest.mark.parametrize("seed", range(5))
def test_accuracy_and_macro_f1_equal_scikit_learn(seed: int) -> None:
    truth, predicted = answers(seed)
    assert class_accuracy(truth, predicted).value == pytest.approx(accuracy_score(truth, predicted))
    assert macro_f1(truth, predicted).value == pytest.approx(f1_score(truth, predicted, average="macro"))


def test_a_slice_counts_only_the_classes_in_it() -> None:
    truth, predicted = ["clear", "person", "truck"], ["clear", "person", "clear"]
    first_two = macro_f1(truth, predicted).of_rows(np.array([True, True, False]))
    assert first_two.value == 1


def test_a_class_never_seen_scores_0_and_is_counted_as_such() -> None:
    truth, predicted = answers(0)
    never = per_class(truth, predicted, NAMES)[3]
    assert (never.frames, never.recall, never.f1) == (0, 0, 0)
    assert confusion(truth, predicted, NAMES).sum() == 50


def test_calibration_error_of_a_boaster_and_of_a_modest_model() -> None:
    hits = np.array([1.0, 0.0] * 50)
    assert calibration_error(np.full(100, 0.9), hits).value == pytest.approx(0.4)
    assert calibration_error(np.full(100, 0.5), hits).value == pytest.approx(0)


def test_probabilities_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="1 that are no number"):
        calibration_error(np.array([0.5, np.nan]), np.ones(2))
