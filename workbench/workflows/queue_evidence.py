"""What speaks for each still, signal by signal: a rank among the others, and a sentence that says why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from workbench.domain import QueueRules, Signal
from workbench.labeling import reasons
from workbench.labeling.signals import (
    Floats,
    combined,
    divergence,
    newness,
    novelty,
    ranks,
    uncertainty,
)
from workbench.store import KeptOpinion
from workbench.workflows.queue_stills import Stills

__all__ = ["Evidence", "by_disagreement", "by_diversity", "by_drift", "by_search", "by_uncertainty", "scores_of"]

_FLAGGED = 0.5


@dataclass(frozen=True, eq=False)
class Evidence:
    """``ranks`` ``[stills]`` above 0 and below 1, and ``reason`` of the still in a row.

    Where a reason ``is_plain`` it says more than that others have less of it.
    """

    signal: Signal
    ranks: Floats
    reason: Callable[[int], str]
    is_plain: Callable[[int], bool] = lambda row: True

    def of(self, rows: Sequence[int]) -> "Evidence":
        chosen = list(rows)
        return Evidence(
            self.signal,
            self.ranks[chosen],
            lambda row: self.reason(chosen[row]),
            lambda row: self.is_plain(chosen[row]),
        )


def scores_of(evidence: Sequence[Evidence], rules: QueueRules, size: int) -> Floats:
    """Return how much speaks for each of ``size`` stills, 0 to 1; the same for all where nothing does."""
    if not evidence:
        return np.ones(size)
    return combined(
        {one.signal: one.ranks for one in evidence}, {one.signal: rules.weight(one.signal) for one in evidence}
    )


def by_diversity(stills: Stills, views: Floats, asked_views: Floats) -> Evidence:
    return Evidence(
        Signal.DIVERSITY,
        ranks(novelty(views, asked_views)),
        lambda row: reasons.looks_new(stills.frames[row].camera, anything_asked=len(asked_views) > 0),
    )


def by_drift(stills: Stills, asked: Stills, alarms: Mapping[str, datetime]) -> Evidence:
    """Rank stills of cameras that have drifted, of the time since, by how new they look; the others come last."""
    found = np.zeros(len(stills))
    for camera, since in alarms.items():
        flagged = [row for row, one in enumerate(stills.frames) if one.camera == camera and one.taken_at >= since]
        before = [row for row, one in enumerate(asked.frames) if one.camera == camera and one.taken_at < since]
        if flagged:
            now = stills.embeddings[flagged]
            found[flagged] = _FLAGGED + (1 - _FLAGGED) * ranks(newness(now, asked.embeddings[before], now))
    return Evidence(
        Signal.DRIFT,
        found,
        lambda row: reasons.drifted(stills.frames[row].camera, alarms[stills.frames[row].camera]),
        lambda row: bool(found[row] > 0),
    )


def by_search(text: str, similarities: Floats) -> Evidence:
    return Evidence(Signal.SEARCH, ranks(similarities), lambda row: reasons.matches(text))


def by_uncertainty(opinions: Sequence[KeptOpinion], probabilities: Floats, class_names: Sequence[str]) -> Evidence:
    """Rank stills by how unsure the model is of the class (calibrated ``[stills, classes]``) and of its caption."""
    likelihoods = np.array([one.caption_log_likelihood for one in opinions], np.float64)
    of_words, of_class = ranks(-likelihoods), uncertainty(probabilities)

    def is_about_words(row: int) -> bool:
        is_unsure = bool(of_words[row] > max(_FLAGGED, of_class[row])) and not reasons.does_waver(probabilities[row])
        return bool(opinions[row].caption) and is_unsure

    def reason(row: int) -> str:
        if is_about_words(row):
            return reasons.unsure_of_words(opinions[row].caption or "")
        return reasons.wavers(class_names, probabilities[row])

    def is_plain(row: int) -> bool:
        return is_about_words(row) or reasons.does_waver(probabilities[row])

    return Evidence(Signal.UNCERTAINTY, uncertainty(probabilities, likelihoods), reason, is_plain)


def by_disagreement(current: Floats, challenger: Floats, class_names: Sequence[str]) -> Evidence:
    return Evidence(
        Signal.DISAGREEMENT,
        ranks(divergence(current, challenger)),
        lambda row: reasons.disagrees(class_names, current[row], challenger[row]),
        lambda row: bool(current[row].argmax() != challenger[row].argmax()),
    )
