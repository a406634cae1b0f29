"""Retrieval against a brute force, with ties, and with several captions of one image."""

import numpy as np
import pytest

from workbench.errors import UsageError
from workbench.evaluation.retrieval import ranks_of_right, retrieval_statistics


def brute_force(similarity: np.ndarray, right: list[list[int]]) -> list[int]:
    ranks = []
    for row, columns in zip(similarity.tolist(), right, strict=True):
        order = sorted(range(len(row)), key=lambda column: (-row[column], column in columns))
        ranks.append(1 + next(place for place, column in enumerate(order) if column in columns))
    return ranks


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("distinct", [3, 1000], ids=["ties", "no ties"])
def test_ranks_equal_a_brute_force(seed: int, distinct: int) -> None:
    rng = np.random.default_rng(seed)
    similarity = rng.integers(0, distinct, (40, 60)) / distinct
    right = [sorted(rng.choice(60, rng.integers(1, 6), replace=False).tolist()) for _ in range(40)]
    assert ranks_of_right(similarity, right).tolist() == brute_force(similarity, right)


def test_recall_and_reciprocal_rank() -> None:
    figures = {one.name: one.value for one in retrieval_statistics(np.array([1, 2, 6, 20]))}
    assert figures == {
        "recall_at_1": 0.25,
        "recall_at_5": 0.5,
        "recall_at_10": 0.75,
        "mrr": pytest.approx((1 + 1 / 2 + 1 / 6 + 1 / 20) / 4),
    }


def test_a_model_that_finds_everything_alike_finds_nothing() -> None:
    assert ranks_of_right(np.ones((3, 50)), [[0], [1], [2]]).tolist() == [50, 50, 50]


@pytest.mark.parametrize(
    ("similarity", "right"),
    [
        (np.array([[np.nan, 1.0]]), [[0]]),
        (np.ones((2, 2)), [[0]]),
        (np.ones((1, 2)), [[]]),
        (np.ones((0, 2)), []),
        (np.ones(3), [[0]]),
    ],
)
def test_what_cannot_be_ranked_is_refused(similarity: np.ndarray, right: list[list[int]]) -> None:
    with pytest.raises(UsageError, match="a number for every query"):
        ranks_of_right(similarity, right)
