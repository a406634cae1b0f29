"""Have part of a site's frames answered by several labellers, and keep Label Studio in step with what is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.domain import Decision, DecisionKind, OverlapRule
from workbench.labeling.drawing import is_drawn
from workbench.labeling.handing_out import EVERYBODY
from workbench.progress import Progress, silent
from workbench.store import Store
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["HandedOutReport", "hand_out", "needs_handing_out", "note_of", "share_out"]


@dataclass(frozen=True)
class HandedOutReport:
    """Of ``tasks``, ``shared`` go to several labellers and ``gold`` to all; ``changed`` ones were not so before."""

    tasks: int
    shared: int
    gold: int
    changed: int


def share_out(
    workspace: Workspace, site: str, rule: OverlapRule, *, actor: str, progress: Progress = silent
) -> HandedOutReport:
    """Have the share of the site's frames that ``rule`` says answered by that many labellers, the rest by one.

    Which frames is drawn by their ids, so that it stays the same for tasks made later. The same call again, also after
    one that was cut off, changes what is not so yet.

    Raises:
        LabelStudioError: Label Studio does not answer; the rule is kept and holds from the next push on.
    """
    workspace.store.sites.get(site)
    if workspace.store.gold.overlap(site) != rule:
        with workspace.store.transaction():
            workspace.store.gold.set_overlap(site, rule)
            detail = {"share": rule.share, "labellers": rule.labellers}
            workspace.store.audit.append(actor=actor, action="label.overlap", subject=site, detail=detail)
    return hand_out(workspace, site, progress)


def hand_out(
    workspace: Workspace, site: str, progress: Progress = silent, *, only: str | None = None
) -> HandedOutReport:
    """Bring the tasks in Label Studio, or the one about frame ``only``, to what is wanted.

    That is who answers how much, and what reviewers note. Where nobody ever said how much overlaps, only gold tasks and
    notes are seen to.
    """
    wanted = _Wanted.of(workspace.store, site)
    project_id = workspace.store.labels.project(site)
    asked = workspace.store.labels.tasks(site, None if only is None else [only])
    if project_id is None or (only is not None and only not in asked):
        return HandedOutReport(0, 0, 0, 0)
    frame_of = {task.task_id: frame_id for frame_id, task in asked.items()}
    studio = open_studio(workspace)
    found = studio.handed_out(project_id, None if only is None else asked[only].task_id)
    tasks = {task.task_id: task for task in found if task.task_id in frame_of}
    overlaps = {number: wanted.overlap(frame_of[number], task.overlap) for number, task in tasks.items()}
    changes = [
        (task, overlaps[number], wanted.note(frame_of[number]))
        for number, task in tasks.items()
        if (task.overlap, task.note) != (overlaps[number], wanted.note(frame_of[number]))
    ]
    studio.hand_out(changes, progress)
    return HandedOutReport(
        tasks=len(tasks),
        shared=sum(1 < overlap < EVERYBODY for overlap in overlaps.values()),
        gold=sum(overlap == EVERYBODY for overlap in overlaps.values()),
        changed=len(changes),
    )


def needs_handing_out(store: Store, site: str) -> bool:
    """Tell whether tasks of ``site`` are to be anything but Label Studio's default: answered once, without a note."""
    return bool(_Wanted.of(store, site))


def note_of(decision: Decision) -> str:
    """Return what labellers read with a task that was sent back."""
    return f"Sent back by {decision.reviewer}: {decision.note}"


@dataclass(frozen=True)
class _Wanted:
    rule: OverlapRule | None
    gold: frozenset[str]
    notes: Mapping[str, str]

    @classmethod
    def of(cls, store: Store, site: str) -> "_Wanted":
        decisions = store.reviews.in_force(site)
        return cls(
            rule=store.gold.overlap(site),
            gold=frozenset(store.gold.all(site)),
            notes={
                frame_id: note_of(decision)
                for frame_id, decision in decisions.items()
                if decision.kind is DecisionKind.SENT_BACK
            },
        )

    def __bool__(self) -> bool:
        return bool(self.rule or self.gold or self.notes)

    def overlap(self, frame_id: str, now: int) -> int:
        if frame_id in self.gold:
            return EVERYBODY
        if self.rule is None:
            return 1 if now == EVERYBODY else now
        return self.rule.labellers if is_drawn(frame_id, "overlap", self.rule.share) else 1

    def note(self, frame_id: str) -> str:
        return self.notes.get(frame_id, "")
