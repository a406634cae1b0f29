"""How many labellers a task is handed to, and tasks that are handed out again.

Community Label Studio hands each labeller the first task that he has not answered and that fewer distinct people than
the task's ``overlap`` have. A project's own settings can only draw a cohort anew whenever tasks come, preferring those
that have answers; so every task is told its overlap here, and the project's ``maximum_annotations`` stays 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.labeling.connection import ONCE
from workbench.labeling.task_list import TaskList
from workbench.labeling.taxonomy import NOTE
from workbench.progress import Progress, silent

__all__ = ["EVERYBODY", "HandedOut", "HandingOut"]

EVERYBODY = 1_000
"""An overlap that no number of labellers reaches."""

_FIELDS = "id,data,overlap,annotators,total_annotations"


@dataclass(frozen=True)
class HandedOut:
    """A task with its ``overlap``, the number of people who answered it, and what a reviewer noted for them."""

    task_id: int
    overlap: int
    answered_by: int
    data: Mapping[str, Any]

    @property
    def note(self) -> str:
        return str(self.data.get(NOTE, ""))


class HandingOut(TaskList):
    def handed_out(self, project_id: int, task_id: int | None = None) -> Iterator[HandedOut]:
        """Yield the project's tasks, or the one of that number."""
        only = () if task_id is None else (("id", "equal", "Number", task_id),)
        for _, task in self._pages(project_id, only, _FIELDS):
            people = {str(person) for person in task.annotators or ()}
            answered_by = min(len(people), task.total_annotations or 0)
            yield HandedOut(task.id, task.overlap, answered_by, dict(task.data or {}))

    def hand_out(self, changes: Sequence[tuple[HandedOut, int, str]], progress: Progress = silent) -> None:
        """Give tasks another overlap and note; about 8 a second, as there is no call for many."""

        def change(item: tuple[HandedOut, int, str]) -> None:
            task, overlap, note = item
            data = {"data": _with_note(task.data, note)} if note != task.note else {}
            is_labeled = task.answered_by >= overlap
            self._client.tasks.update(
                str(task.task_id), overlap=overlap, is_labeled=is_labeled, **data, request_options=ONCE
            )

        self._in_parallel(change, changes, len(changes), "tasks handed out", progress)

    def hand_out_again(self, task_id: int, note: str, unwanted: Mapping[int, datetime]) -> None:
        """Show ``note`` with the task and delete the ``unwanted`` annotations, so that who gave them is asked again.

        They are named by number and by when they were changed last: what a labeller has changed since stays.
        """

        def again() -> None:
            task = self._client.tasks.get(str(task_id))
            self._client.tasks.update(str(task_id), data=_with_note(task.data, note), request_options=ONCE)
            for annotation in map(dict, task.annotations or ()):
                if unwanted.get(annotation["id"]) == datetime.fromisoformat(str(annotation["updated_at"])):
                    self._client.annotations.delete(annotation["id"], request_options=ONCE)

        self._patiently(again)


def _with_note(data: Mapping[str, Any], note: str) -> dict[str, Any]:
    kept = {name: value for name, value in data.items() if name != NOTE}
    return {**kept, NOTE: note} if note else kept
