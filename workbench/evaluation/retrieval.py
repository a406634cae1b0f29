"""How often the right text is found for an image, and the right image for a text, by their similarities."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import UsageError
from workbench.models.ranking import RECALL_AT, first_ranks
from workbench.statistics.statistic import Floats, Integers, Statistic, mean_of

__all__ = ["ranks_of_right", "retrieval_statistics"]


def ranks_of_right(similarity: Floats, right: Sequence[Sequence[int]]) -> Integers:
    """Return per query (row of ``[n_queries, n_found]``) the rank, from 1, of the first of its ``right`` columns.

    A tie counts against the query, as in :func:`first_ranks`. UsageError when a similarity is no number or a query has
    no right column.
    """
    _check(similarity, right)
    is_right = np.zeros(similarity.shape, dtype=np.bool_)
    for query, columns in enumerate(right):
        is_right[query, list(columns)] = True
    return first_ranks(similarity, is_right)


def retrieval_statistics(ranks: Integers) -> tuple[Statistic, ...]:
    """Return recall at 1, 5 and 10 (the share of queries with something right that high) and the mean of 1 / rank."""
    hits = [mean_of(f"recall_at_{depth}", (ranks <= depth).astype(np.float64), is_share=True) for depth in RECALL_AT]
    return *hits, mean_of("mrr", 1 / ranks)


def _check(similarity: Floats, right: Sequence[Sequence[int]]) -> None:
    wrong = int(np.count_nonzero(~np.isfinite(similarity)))
    alone = sum(not columns for columns in right)
    if similarity.ndim != 2 or len(similarity) != len(right) or not len(right) or wrong or alone:
        raise UsageError(
            expected="a number for every query and everything that can be found, and something right for each query",
            found=f"an array of shape {similarity.shape} for {len(right)} queries, {wrong} of its values no finite "
            f"number, and {alone} queries without anything right",
            remedy="check what made the similarities",
        )
