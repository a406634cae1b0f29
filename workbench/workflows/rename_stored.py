"""What the store holds of people's and models' words follows a rename; what is frozen keeps the old words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from workbench.domain import Annotation, Answer, DecisionKind
from workbench.labeling.renames import Renames
from workbench.labeling.studio import StudioTask
from workbench.labeling.taxonomy import CLASS
from workbench.workflows.workspace import Workspace

__all__ = ["rename_stored"]

_Seen = tuple[int, datetime]
"""An annotation as somebody saw it: its number, and when it had been changed last."""


def rename_stored(workspace: Workspace, site: str, renames: Renames, answered: Iterable[StudioTask]) -> None:
    """Give answers, suggestions, known answers and decisions in force the new words.

    ``answered`` are the tasks as Label Studio has them, where renaming an answer changed its time: an answer that is
    the same but for its words takes that time over, so that whoever decided about it still has.
    """
    store = workspace.store
    now = {annotation.annotation_id: annotation for task in answered for annotation in task.annotations}
    moved = _moved(store.labels.annotations(site), now, renames)
    store.labels.change_annotations(site, list(moved.values()), ())
    suggestions = store.labels.predictions(site)
    renamed = [replace(one, class_name=renames.label(CLASS, one.class_name)[1]) for one in suggestions]
    store.labels.add_predictions(
        site, [new for new, old in zip(renamed, suggestions, strict=True) if new.class_name != old.class_name]
    )
    for gold in store.gold.all(site).values():
        if (answer := renames.answer(gold.answer)) != gold.answer:
            store.gold.put(site, replace(gold, answer=answer))
    _repeat_decisions(workspace, site, renames, moved)


def _moved(known: Iterable[Annotation], now: Mapping[int, Annotation], renames: Renames) -> dict[_Seen, Annotation]:
    """Return the annotations that change, by what they were."""
    moved: dict[_Seen, Annotation] = {}
    for annotation in known:
        answer = renames.answer(annotation.answer)
        there = now.get(annotation.annotation_id)
        same = there is not None and there.answer == answer
        updated_at = there.updated_at if there is not None and same else annotation.updated_at
        if answer != annotation.answer or updated_at != annotation.updated_at:
            moved[annotation.annotation_id, annotation.updated_at] = _saying(answer, annotation, updated_at)
    return moved


def _saying(answer: Answer, annotation: Annotation, updated_at: datetime) -> Annotation:
    return replace(
        annotation,
        class_name=answer.class_name,
        replies=answer.replies,
        boxes=answer.boxes,
        updated_at=updated_at,
    )


def _repeat_decisions(workspace: Workspace, site: str, renames: Renames, moved: Mapping[_Seen, Annotation]) -> None:
    """Add the decisions in force anew in the new words, as decisions are never changed; a frame sent back has none."""
    for decision in workspace.store.reviews.in_force(site).values():
        if decision.kind is DecisionKind.SENT_BACK or decision.answer is None:
            continue
        said = tuple(moved.get((one.annotation_id, one.updated_at), one) for one in decision.said)
        answer = renames.answer(decision.answer)
        if (said, answer) != (decision.said, decision.answer):
            workspace.store.reviews.add(site, replace(decision, said=said, answer=answer))
