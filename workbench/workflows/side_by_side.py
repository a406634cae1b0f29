"""Two models' answers beside each other, without their names: which one people prefer, and how sure that is."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.domain import Contest, Interval, Preference, utc_now
from workbench.errors import UsageError
from workbench.statistics.clusters import clusters_of
from workbench.statistics.intervals import interval_of
from workbench.statistics.statistic import mean_of
from workbench.workflows.measured import StoredAnswers, stored_answers, two_measured
from workbench.workflows.workspace import Workspace

__all__ = ["Pair", "Said", "Side", "Standing", "Table", "contest_between", "next_pair", "prefer", "standing"]

Side = Literal["left", "right", "neither"]


@dataclass(frozen=True)
class Said:
    class_name: str
    caption: str


@dataclass(frozen=True)
class Pair:
    """A frame with two answers, whose order only the workbench knows; ``left_over`` are left to judge, this one too."""

    frame_id: str
    left: Said
    right: Said
    judged: int
    left_over: int


@dataclass(frozen=True)
class Standing:
    """How often ``challenger`` was preferred where the two answer differently; a draw counts half.

    ``win_rate`` is None before anybody judged. Of ``frames``, ``alike`` have the same answer from both.
    """

    challenger: str
    win_rate: Interval | None
    wins: int
    draws: int
    losses: int
    people: int
    judged: int
    alike: int
    frames: int


def contest_between(workspace: Workspace, site: str, one: str, other: str, *, part: str = "test") -> "Table":
    """Set two models side by side, named as for ``two_measured``, which says what can be wrong with them."""
    first, second = two_measured(workspace, site, one, other, part=part)
    contest = Contest.of(site, first.set_id, part, first.model_version, second.model_version)
    answers = {model.model_version: _said(stored_answers(workspace, model)) for model in (first, second)}
    return Table(contest, challenger=first.model_version, answers=answers)


@dataclass(frozen=True)
class Table:
    """A contest with both models' answers by model version and frame id."""

    contest: Contest
    challenger: str
    answers: Mapping[str, Mapping[str, Said]]

    @property
    def frames(self) -> list[str]:
        first, second = (self.answers[model] for model in self.contest.models)
        return [frame_id for frame_id in first if frame_id in second]

    @property
    def differing(self) -> list[str]:
        first, second = (self.answers[model] for model in self.contest.models)
        return [frame_id for frame_id in self.frames if first[frame_id] != second[frame_id]]

    def sides(self, frame_id: str, person: str) -> tuple[str, str]:
        """Return whose answer stands left and right, for this person and frame."""
        first, second = self.contest.models
        return (first, second) if _drawn(self.contest, frame_id, person, "side") % 2 else (second, first)


def next_pair(workspace: Workspace, table: Table, person: str) -> Pair | None:
    """Return what ``person`` has yet to judge, in an order of their own; None when nothing is left."""
    judged = {one.frame_id for one in workspace.store.comparisons.of(table.contest) if one.person == person}
    known = workspace.store.footage.known(table.contest.site, table.differing)
    left = [frame_id for frame_id in table.differing if frame_id not in judged and frame_id in known]
    if not left:
        return None
    frame_id = min(left, key=lambda frame_id: _drawn(table.contest, frame_id, person, "order"))
    left_model, right_model = table.sides(frame_id, person)
    return Pair(
        frame_id,
        table.answers[left_model][frame_id],
        table.answers[right_model][frame_id],
        judged=len(judged),
        left_over=len(left),
    )


def prefer(workspace: Workspace, table: Table, frame_id: str, side: Side, *, actor: str) -> Preference:
    """Keep which side ``actor`` preferred; UsageError for a frame about which there is nothing to judge."""
    if frame_id not in table.differing:
        raise UsageError(
            expected="a frame about which the two models answer differently",
            found=frame_id[:12],
            remedy="take the next one",
        )
    left, right = table.sides(frame_id, actor)
    preference = Preference(frame_id, actor, {"left": left, "right": right, "neither": None}[side], utc_now())
    with workspace.store.transaction():
        workspace.store.comparisons.add(table.contest, preference)
        workspace.store.audit.append(
            actor=actor,
            action="compare.prefer",
            subject=frame_id,
            detail={
                "site": table.contest.site,
                "models": list(table.contest.models),
                "preferred": preference.preferred,
            },
        )
    return preference


def standing(workspace: Workspace, table: Table) -> Standing:
    """Return how the challenger stands; frames of one clip count as one observation in the interval."""
    said = workspace.store.comparisons.of(table.contest)
    points = {True: 1.0, False: 0.0}
    by_frame: dict[str, list[float]] = defaultdict(list)
    for one in said:
        by_frame[one.frame_id].append(0.5 if one.preferred is None else points[one.preferred == table.challenger])
    flat = [point for found in by_frame.values() for point in found]
    return Standing(
        challenger=table.challenger,
        win_rate=_win_rate(workspace, table.contest.site, by_frame),
        wins=flat.count(1.0),
        draws=flat.count(0.5),
        losses=flat.count(0.0),
        people=len({one.person for one in said}),
        judged=len(by_frame),
        alike=len(table.frames) - len(table.differing),
        frames=len(table.frames),
    )


def _win_rate(workspace: Workspace, site: str, by_frame: Mapping[str, Sequence[float]]) -> Interval | None:
    frames = workspace.store.footage.by_id(site, by_frame)
    judged = [frame_id for frame_id in by_frame if frame_id in frames]
    if not judged:
        return None
    scores = np.array([float(np.mean(by_frame[frame_id])) for frame_id in judged])
    clips = [frames[frame_id].clip_id for frame_id in judged]
    clusters = clusters_of(clips, [frames[frame_id].taken_at for frame_id in judged])
    return interval_of(mean_of("win_rate", scores, is_share=True), clusters)


def _said(stored: StoredAnswers) -> dict[str, Said]:
    answers = stored.answers
    said = map(Said, answers.classes, answers.captions)
    return dict(zip(stored.frame_ids, said, strict=True))


def _drawn(contest: Contest, frame_id: str, person: str, what: str) -> int:
    text = "\n".join((*contest.models, contest.set_id, contest.part, frame_id, person, what))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
