"""How far a judge can be trusted: unreadable answers, its love of order and of length, its agreement with people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import UsageError
from workbench.evaluation.judging import SCORES, Judgement, JudgeQuestion
from workbench.statistics.statistic import Floats, Integers

__all__ = ["JudgeAgreement", "JudgeReport", "agreement_with_people", "length_controlled_difference", "report_on_judge"]


@dataclass(frozen=True)
class JudgeReport:
    """``unparseable`` counts single answers out of ``asked``, ``unjudged`` those left without any verdict.

    ``order_shift`` is the mean of rising minus falling scores, ``order_changes`` the share of answers whose score
    depends on the order. ``length_correlation`` is Spearman's, of scores and words; None where one does not vary.
    """

    mean_score: float | None
    asked: int
    unparseable: int
    unjudged: int
    order_shift: float | None
    order_changes: float | None
    length_correlation: float | None


@dataclass(frozen=True)
class JudgeAgreement:
    """Cohen's kappa of judge and people over ``n`` answers; None where chance alone would agree, as with one score."""

    n: int
    kappa: float | None
    quadratic_kappa: float | None
    exact: float


def report_on_judge(questions: Sequence[JudgeQuestion], judgements: Sequence[Judgement]) -> JudgeReport:
    verdicts = [verdict for one in judgements for verdict in (one.rising, one.falling)]
    scored = [
        (one.score, len(question.response.split()))
        for question, one in zip(questions, judgements, strict=True)
        if one.score is not None
    ]
    both = [(one.rising.score, one.falling.score) for one in judgements if one.rising and one.falling]
    scores, lengths = np.array(scored, dtype=np.float64).reshape(-1, 2).T
    return JudgeReport(
        mean_score=float(scores.mean()) if scored else None,
        asked=len(verdicts),
        unparseable=verdicts.count(None),
        unjudged=len(judgements) - len(scored),
        order_shift=sum(a - b for a, b in both) / len(both) if both else None,
        order_changes=sum(a != b for a, b in both) / len(both) if both else None,
        length_correlation=_correlation(_ranks(scores), _ranks(lengths)),
    )


def length_controlled_difference(differences: Floats, extra_words: Floats) -> float | None:
    """Return the mean difference in score of two models at equal length: the intercept of a least-squares line.

    ``differences`` and ``extra_words`` (``[n_answers]``) are first minus second, in score and in words. None where one
    is always longer by the same: what equal lengths would have given cannot be told.
    """
    if not len(differences):
        raise UsageError(
            expected="answers of both models that were judged", found="none", remedy="check the judge's answers"
        )
    if not extra_words.any():
        return float(differences.mean())
    spread = extra_words - extra_words.mean()
    if not spread.any():
        return None
    slope = float(spread @ differences / (spread @ spread))
    return float(differences.mean() - slope * extra_words.mean())


def agreement_with_people(judge: Sequence[int], people: Sequence[int]) -> JudgeAgreement:
    """Return how far scores from 1 to 5 agree, plainly and by squared distance (Cohen 1960 and 1968)."""
    if not judge or len(judge) != len(people) or not {*judge, *people} <= set(SCORES):
        raise UsageError(
            expected="scores from 1 to 5 of the same answers by judge and people",
            found=f"{len(judge)} and {len(people)}",
            remedy="have people score some of the judged answers",
        )
    table = np.zeros((len(SCORES), len(SCORES)))
    np.add.at(table, (np.array(judge) - 1, np.array(people) - 1), 1)
    places = np.arange(len(SCORES))
    apart = (places[:, None] - places[None, :]) ** 2
    return JudgeAgreement(
        n=len(judge),
        kappa=_kappa(table, (apart > 0).astype(np.int64)),
        quadratic_kappa=_kappa(table, apart),
        exact=float(np.trace(table) / len(judge)),
    )


def _kappa(table: Floats, weights: Integers) -> float | None:
    by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    expected = float((weights * by_chance).sum())
    return 1 - float((weights * table).sum()) / expected if expected else None


def _ranks(values: Floats) -> Floats:
    """Return ranks of values, ties sharing their mean rank."""
    distinct, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = ((last - counts + 1 + last) / 2)[places] if len(distinct) else np.zeros(0)
    return ranks


def _correlation(a: Floats, b: Floats) -> float | None:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
