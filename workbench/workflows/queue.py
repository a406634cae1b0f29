"""Choose what people are asked about next, say why, and ask them."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.domain import LabelTask, QueueItem, QueuePlan, QueueRules, Signal, Site, utc_now
from workbench.errors import UsageError
from workbench.labeling.queue import choose, evenly_limited
from workbench.labeling.signals import Floats, without_usual_view
from workbench.progress import Progress, silent
from workbench.store import FrameState
from workbench.workflows import label
from workbench.workflows.drift_alarms import drift_alarms
from workbench.workflows.queue_evidence import Evidence, by_diversity, by_drift, by_search, scores_of
from workbench.workflows.queue_models import Judgement, QueueModels
from workbench.workflows.queue_stills import ASKED, UNASKED, Stills, stills_of, without_near_copies
from workbench.workflows.search import similarities
from workbench.workflows.workspace import Workspace

__all__ = ["AskReport", "ask_next", "plan_queue"]

_MOST_COMPARED = 4_000
"""Stills that are compared with each other at most: a choice takes the square of it in memory."""
_MATCHES_PER_STILL = 2
"""Of stills that match a text so many are chosen among for each that is asked about."""
_ASKS_MODELS = frozenset({Signal.UNCERTAINTY, Signal.DISAGREEMENT})


@dataclass(frozen=True)
class AskReport:
    """What was asked, in tasks ``created`` now; ``completed`` an earlier call that was cut off, if that was so."""

    plan: QueuePlan
    project_url: str
    created: int
    completed: bool


def plan_queue(
    workspace: Workspace, site: str, rules: QueueRules, *, actor: str, progress: Progress = silent
) -> QueuePlan:
    """Return what to ask about next, and remember it for those who look at it; nobody is asked.

    The same stills, answers, models and rules give the same plan. What models think of stills is kept.

    Raises:
        UsageError: There is nothing left to ask about, or nothing is known by which to choose.
        StorageError: A picture is gone.
    """
    plan = _Planner(workspace, workspace.store.sites.get(site), rules, progress).plan(actor)
    if workspace.store.queue.unfinished(site) is None:
        workspace.store.queue.put(plan, is_being_asked=False)
    return plan


def ask_next(
    workspace: Workspace,
    site: str,
    rules: QueueRules,
    *,
    actor: str,
    prelabel: bool = True,
    progress: Progress = silent,
) -> AskReport:
    """Choose as :func:`plan_queue` does and make the tasks in Label Studio, in that order, each with its reason.

    Label Studio hands out tasks in the order in which they were made. A call that was cut off is completed by the next
    one, which then chooses nothing itself unless its rules are others.
    """
    with workspace.turn("queue", site):
        cut_off = workspace.store.queue.unfinished(site)
        if cut_off is not None:
            report = replace(_ask(workspace, cut_off, actor, prelabel, progress), completed=True)
            if cut_off.rules == rules:
                return report
        plan = plan_queue(workspace, site, rules, actor=actor, progress=progress)
        workspace.store.queue.put(plan, is_being_asked=True)
        return _ask(workspace, plan, actor, prelabel, progress)


def _ask(workspace: Workspace, plan: QueuePlan, actor: str, prelabel: bool, progress: Progress) -> AskReport:
    store, site = workspace.store, plan.site
    known = store.footage.known(site, [item.frame_id for item in plan.items])
    reasons = {item.frame_id: item.reason for item in plan.items if item.frame_id in known}
    pushed = label.push(workspace, site, actor=actor, chosen=reasons, prelabel=prelabel, progress=progress)
    asked = store.labels.tasks(site)
    unexplained = [
        LabelTask(id_, asked[id_].task_id, asked[id_].project_id, reason)
        for id_, reason in reasons.items()
        if id_ in asked and asked[id_].reason != reason
    ]
    detail = {
        "stills": len(reasons),
        "created": pushed.created,
        "by": sorted(plan.rules.signals),
        "search": plan.rules.search,
    }
    with store.transaction():
        store.labels.add_tasks(site, unexplained)
        store.queue.settle(site)
        store.audit.append(actor=actor, action="queue.ask", subject=site, detail=detail)
    return AskReport(plan, pushed.project_url, pushed.created, completed=False)


class _Planner:
    def __init__(self, workspace: Workspace, site: Site, rules: QueueRules, progress: Progress) -> None:
        self._workspace, self._site, self._rules, self._progress = workspace, site, rules, progress
        self._models = QueueModels(workspace, site, rules, progress)
        self._notes: list[str] = []

    def plan(self, actor: str) -> QueuePlan:
        began_s = time.monotonic()
        waiting = self._workspace.store.footage.counts_by_state(self._site.name)[FrameState.IN_LABELLING]
        unasked, asked = self._stills(UNASKED), self._stills(ASKED)
        if not unasked:
            raise UsageError(
                expected=f"stills of {self._site.name} that nobody was asked about",
                found="none",
                remedy="take more from its footage with `workbench ingest`",
            )
        distinct = without_near_copies(unasked, asked)
        stills, evidence = self._matching(distinct, self._cheap_evidence(distinct, asked))
        if len(stills) and self._rules.signals & _ASKS_MODELS:
            stills, evidence = self._shortlist(stills, asked, evidence)
            judgement = self._models.judge(stills, asked)
        else:
            judgement = _unjudged(stills, asked)
        items = self._chosen(stills, evidence, judgement)
        return QueuePlan(
            site=self._site.name,
            made_by=actor,
            made_at=utc_now(),
            seconds=round(time.monotonic() - began_s, 1),
            rules=self._rules,
            model_version=judgement.model_version,
            items=items,
            look_again=judgement.look_again,
            unasked=unasked.found,
            compared=len(unasked),
            near_copies=len(unasked) - len(distinct),
            looked_at=judgement.looked_at,
            waiting=waiting,
            notes=(*self._notes, *self._models.notes),
        )

    def _stills(self, states: Sequence[FrameState]) -> Stills:
        return stills_of(self._workspace, self._site.name, states, most=_MOST_COMPARED, progress=self._progress)

    def _cheap_evidence(self, stills: Stills, asked: Stills) -> list[Evidence]:
        """Return what speaks for stills without a model's look at them, but how new they look."""
        evidence: list[Evidence] = []
        if Signal.DRIFT in self._rules.signals:
            if alarms := drift_alarms(self._workspace, self._site.name):
                evidence.append(by_drift(stills, asked, alarms))
            else:
                self._notes.append("No camera had drifted when it was checked last: drift is left out.")
        if Signal.SEARCH in self._rules.signals:
            text = self._rules.search
            near = similarities(self._workspace, self._site.name, text, stills.ids, self._progress)
            evidence.append(by_search(text, near.astype(np.float64)))
        return evidence

    def _matching(self, stills: Stills, evidence: Sequence[Evidence]) -> tuple[Stills, list[Evidence]]:
        """Leave those stills that match the text best, of which there are some to choose among."""
        search = next((one for one in evidence if one.signal is Signal.SEARCH), None)
        most = _MATCHES_PER_STILL * self._rules.size
        if search is None or len(stills) <= most:
            return stills, list(evidence)
        return _only(stills, evidence, sorted(np.argsort(-search.ranks, kind="stable")[:most].tolist()))

    def _shortlist(self, stills: Stills, asked: Stills, evidence: Sequence[Evidence]) -> tuple[Stills, list[Evidence]]:
        """Leave as many stills as the model may look at: those that stand best for all, as many of each camera."""
        if len(stills) <= self._rules.look_at:
            return stills, list(evidence)
        views, asked_views = _views(_unjudged(stills, asked), stills.cameras)
        rows = choose(
            scores_of(evidence, self._rules, len(stills)),
            views,
            size=self._rules.look_at,
            cameras=stills.cameras,
            limits=evenly_limited(Counter(stills.cameras), self._rules.look_at),
            known=asked_views,
        )
        return _only(stills, evidence, sorted(rows))

    def _chosen(self, stills: Stills, cheap: Sequence[Evidence], judgement: Judgement) -> tuple[QueueItem, ...]:
        rules = self._rules
        if not len(stills):
            self._notes.append("All stills show what somebody was asked about already.")
            return ()
        views, asked_views = _views(judgement, stills.cameras)
        evidence = [*cheap, *judgement.evidence]
        if Signal.DIVERSITY in rules.signals or not evidence:
            evidence.append(by_diversity(stills, views, asked_views))
        scores = scores_of(evidence, rules, len(stills))
        limits = None if rules.per_camera is None else dict.fromkeys(stills.cameras, rules.per_camera)
        rows = choose(scores, views, size=rules.size, cameras=stills.cameras, limits=limits, known=asked_views)
        return tuple(self._item(stills, evidence, float(scores[row]), row) for row in rows)

    def _item(self, stills: Stills, evidence: Sequence[Evidence], score: float, row: int) -> QueueItem:
        plain = [one for one in evidence if one.is_plain(row)]
        strongest = max(plain or evidence, key=lambda one: self._rules.weight(one.signal) * one.ranks[row])
        frame = stills.frames[row]
        return QueueItem(frame.id, frame.camera, round(score, 4), strongest.signal, strongest.reason(row))


def _unjudged(stills: Stills, asked: Stills) -> Judgement:
    """Return what is known of stills that no model has looked at: how they look to the dual encoder."""
    return Judgement("", stills.embeddings, asked.embeddings, tuple(asked.cameras), (), (), 0)


def _only(stills: Stills, evidence: Sequence[Evidence], rows: Sequence[int]) -> tuple[Stills, list[Evidence]]:
    return stills.of(rows), [one.of(rows) for one in evidence]


def _views(judgement: Judgement, cameras: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the embeddings of the stills and of those asked about, without what all of a camera's have in common."""
    asked = judgement.asked_embeddings.reshape(-1, judgement.embeddings.shape[1])
    together = np.concatenate([judgement.embeddings, asked])
    views = without_usual_view(together, [*cameras, *judgement.asked_cameras])
    return views[: len(cameras)], views[len(cameras) :]
