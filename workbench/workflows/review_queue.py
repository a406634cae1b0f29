"""Which frames wait for a reviewer, why, and what there is to see about them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workbench.domain import Annotation, Decision, Frame, Prediction, User
from workbench.errors import NotFoundError
from workbench.labeling.drawing import is_drawn, place_of
from workbench.store import BriefAnswer, BriefGuess, Store
from workbench.workflows.answers import by_frame, counting_answers, is_by

__all__ = ["Case", "Reason", "ReviewQueue", "Seen", "case_about", "decided_cases", "review_queue"]

_SPOT_CHECKS = 0.05
_SPOT_CHECK = "spot check"

Seen = Mapping[int, datetime]
"""What a reviewer saw: when each answer had been changed last, by annotation id."""


class Reason(StrEnum):
    """Why a frame waits for a reviewer, most urgent first."""

    DISAGREEMENT = "labellers disagree"
    ANSWERED_AGAIN = "answered again after it was sent back"
    CHANGED = "an answer changed since it was decided"
    MODEL = "the model sees another class"
    SPOT_CHECK = "drawn for a spot check"


@dataclass(frozen=True)
class Case:
    """A frame with what labellers ``said`` that counts, a model's guess, and the decision in force, if any."""

    frame: Frame
    said: tuple[Annotation, ...]
    guess: Prediction | None
    decision: Decision | None
    reason: Reason | None

    @property
    def seen(self) -> Seen:
        return {annotation.annotation_id: annotation.updated_at for annotation in self.said}

    @property
    def has_changed(self) -> bool:
        """Whether labellers gave, changed or withdrew an answer after the decision in force."""
        if self.decision is None:
            return False
        withdrawn = self.decision.seen.keys() - self.seen.keys() if self.decision.answer else set()
        return bool(withdrawn) or not all(map(self.decision.knew, self.said))


@dataclass(frozen=True)
class ReviewQueue:
    """How many frames wait for which reason, and the first of them."""

    waiting: Mapping[Reason, int]
    cases: tuple[Case, ...]


def review_queue(
    store: Store,
    site: str,
    *,
    limit: int,
    reviewer: User | None = None,
    skipped: Collection[str] = (),
) -> ReviewQueue:
    """Return at most ``limit`` of the frames that wait for a decision, most urgent first, but the ``skipped`` ones.

    Disagreements come first, then answers given again or changed after a decision, then those that a model contradicts
    (the surest guess first), then a share of the rest, drawn by the frames' ids. Gold tasks need no decision, and
    frames that ``reviewer`` answered himself are not for him to decide about.
    """
    everything = _Everything.of(store, site)
    own = {name for name in everything.labellers if reviewer is not None and is_by(store, reviewer, name)}
    waiting = [
        (reason, frame_id)
        for frame_id, said in everything.said.items()
        if (reason := everything.reason(frame_id)) and own.isdisjoint(one.labeller for one in said)
    ]
    asked = sorted((pair for pair in waiting if pair[1] not in skipped), key=everything.urgency)
    return ReviewQueue(
        waiting=Counter(reason for reason, _ in waiting),
        cases=tuple(everything.case(frame_id) for _, frame_id in asked[:limit]),
    )


def decided_cases(store: Store, site: str, *, limit: int) -> tuple[list[Case], int]:
    """Return at most ``limit`` of the frames that were decided about, the newest decision first, and how many are."""
    everything = _Everything.of(store, site)
    newest = sorted(everything.decisions.values(), key=lambda decision: decision.at, reverse=True)
    return [everything.case(decision.frame_id) for decision in newest[:limit]], len(newest)


def case_about(store: Store, site: str, frame_id: str) -> Case:
    """Return what there is to decide about a frame; NotFoundError when no answer to it counts."""
    everything = _Everything.of(store, site, frame_id)
    if frame_id not in everything.said:
        raise NotFoundError(
            expected=f"a frame of site {site} that somebody answered",
            found=f"{frame_id[:12]} without an answer that counts",
            remedy="fetch answers with `workbench label pull`, or name another frame",
        )
    return everything.case(frame_id)


@dataclass(frozen=True)
class _Everything:
    """What was said, guessed and decided about the frames of a site but the gold tasks, by frame id."""

    store: Store
    site: str
    said: Mapping[str, Sequence[BriefAnswer]]
    guesses: Mapping[str, BriefGuess]
    decisions: Mapping[str, Decision]
    whole: Mapping[int, Annotation] = field(repr=False)
    """The answers to frames that were decided about, whole."""

    @classmethod
    def of(cls, store: Store, site: str, frame_id: str | None = None) -> "_Everything":
        """Return what there is about all frames, or about one."""
        gold = store.gold.all(site)
        said = by_frame(one for one in counting_answers(store, site, frame_id) if one.frame_id not in gold)
        decided = store.reviews.in_force(site, frame_id)
        decisions = {about: decision for about, decision in decided.items() if about not in gold}
        numbers = {one.annotation_id for about in decisions for one in said.get(about, ())}
        whole = {one.annotation_id: one for one in store.labels.annotations(site, numbers)}
        return cls(store, site, said, _guesses(store, site, frame_id), decisions, whole)

    @property
    def labellers(self) -> set[str]:
        return {one.labeller for said in self.said.values() for one in said}

    def reason(self, frame_id: str) -> Reason | None:
        said, decision = self.said[frame_id], self.decisions.get(frame_id)
        if decision is not None:
            return self._reason_to_decide_again(decision, said)
        classes = {one.class_name for one in said}
        if len(classes) > 1:
            return Reason.DISAGREEMENT
        if frame_id in self.guesses and self.guesses[frame_id].class_name not in classes:
            return Reason.MODEL
        return Reason.SPOT_CHECK if is_drawn(frame_id, _SPOT_CHECK, _SPOT_CHECKS) else None

    def urgency(self, waiting: tuple[Reason, str]) -> tuple[int, float]:
        reason, frame_id = waiting
        surest_first = -self.guesses[frame_id].score if reason is Reason.MODEL else 0.0
        return list(Reason).index(reason), surest_first or place_of(frame_id, _SPOT_CHECK)

    def case(self, frame_id: str) -> Case:
        numbers = [one.annotation_id for one in self.said.get(frame_id, ())]
        whole = {one.annotation_id: one for one in self.store.labels.annotations(self.site, numbers)}
        guess = self.guesses.get(frame_id)
        made = self.store.suggestions.made(self.site, guess.model_version, [frame_id]) if guess else {}
        return Case(
            frame=self.store.footage.get(self.site, frame_id),
            said=tuple(whole[number] for number in numbers if number in whole),
            guess=made.get(frame_id),
            decision=self.decisions.get(frame_id),
            reason=self.reason(frame_id) if numbers else None,
        )

    def _reason_to_decide_again(self, decision: Decision, said: Sequence[BriefAnswer]) -> Reason | None:
        if decision.answer is None:
            return Reason.ANSWERED_AGAIN
        since = {one.class_name for one in said if not decision.knew(self.whole[one.annotation_id])}
        return Reason.CHANGED if since - {decision.answer.class_name} else None


def _guesses(store: Store, site: str, frame_id: str | None) -> dict[str, BriefGuess]:
    """Return a guess about each frame: an adapter's before a base's, and of several the surest."""
    guesses = store.reviews.brief_guesses(site, frame_id)
    ordered = sorted(guesses, key=lambda one: ("+adapter@" in one.model_version, one.score))
    return {guess.frame_id: guess for guess in ordered}
