"""Where answers came from: the suggestion that a labeller's page began with, as Label Studio remembers it.

An annotation names its ``parent_prediction`` when the page made it from one. It does not where the labeller came back
to a draft, began with an empty page, or a program submitted the answer.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workbench.labeling.task_json import versions_from_column
from workbench.labeling.task_list import TaskList
from workbench.progress import Progress, silent

__all__ = ["Guess", "Origin", "Origins"]

_TASKS_AT_ONCE = 500
_FIELDS = ("id", "completed_by", "was_cancelled", "created_at", "updated_at", "draft_created_at", "lead_time")
_INCLUDE = ",".join(
    ("id", "predictions_model_versions", *(f"annotations.{field}" for field in (*_FIELDS, "parent_prediction")))
)


@dataclass(frozen=True)
class Guess:
    """A prediction as the server has it."""

    prediction_id: int
    model_version: str
    made_at: datetime


@dataclass(frozen=True)
class Origin:
    """An answer or a skip by the account ``user_id``, which began work on it at ``began_at`` by the server's clock.

    ``parent`` is the version of the suggestion that the page began with, empty where the server does not know one;
    then ``guesses`` are what the task had by the time that this was read.
    """

    annotation_id: int
    task_id: int
    user_id: int
    is_skip: bool
    began_at: datetime
    updated_at: datetime
    parent: str
    guesses: tuple[Guess, ...] = ()


class Origins(TaskList):
    def origins(
        self, project_id: int, task_ids: Collection[int], programs: Collection[int] = (), progress: Progress = silent
    ) -> list[Origin]:
        """Return where the answers to these tasks came from; tasks that nothing was suggested for have none.

        Of what the accounts ``programs`` submitted without a suggestion, guesses are not read.
        """
        wanted, found = sorted(task_ids), list[Origin]()
        for start in range(0, len(wanted), _TASKS_AT_ONCE):
            tasks = self._chosen(project_id, wanted[start : start + _TASKS_AT_ONCE], _INCLUDE)
            found += self._with_guesses(project_id, tasks, programs)
            progress(min(start + _TASKS_AT_ONCE, len(wanted)), len(wanted), "tasks with suggestions read")
        return found

    def skips(self, project_id: int, programs: Collection[int] = ()) -> list[Origin]:
        """Return where the skips of tasks that something was suggested for came from."""
        filters = [("cancelled_annotations", "greater", "Number", 0), ("total_predictions", "greater", "Number", 0)]
        tasks = [task for _, task in self._pages(project_id, filters, _INCLUDE)]
        return [origin for origin in self._with_guesses(project_id, tasks, programs) if origin.is_skip]

    def _with_guesses(self, project_id: int, tasks: Sequence[Any], programs: Collection[int]) -> list[Origin]:
        """Read predictions, which takes long, only where it is not clear without which of them an answer began with."""
        unclear = [task.id for task in tasks if not _is_clear(task, programs)]
        guesses = dict[int, tuple[Guess, ...]]()
        for start in range(0, len(unclear), _TASKS_AT_ONCE):
            some = self._chosen(project_id, unclear[start : start + _TASKS_AT_ONCE], "id,predictions")
            guesses |= {task.id: tuple(_guesses(task)) for task in some}
        return [origin for task in tasks if _versions(task) for origin in _origins(task, guesses)]

    def _chosen(self, project_id: int, task_ids: Sequence[int], include: str) -> list[Any]:
        query = {"selectedItems": {"all": False, "included": list(task_ids)}}
        return list(self._list(project_id, query, include, page_size=_TASKS_AT_ONCE).items)


def _is_clear(task: Any, programs: Collection[int]) -> bool:
    answers = [dict(answer) for answer in task.annotations or ()]
    by_people = [answer for answer in answers if answer["parent_prediction"] or answer["completed_by"] not in programs]
    all_named = all(answer["parent_prediction"] for answer in by_people)
    return not _versions(task) or not by_people or (all_named and len(_versions(task)) == 1)


def _versions(task: Any) -> frozenset[str]:
    return versions_from_column(task.predictions_model_versions or "")


def _origins(task: Any, guesses: Mapping[int, tuple[Guess, ...]]) -> Iterator[Origin]:
    known = guesses.get(task.id, ())
    for answer in map(dict, task.annotations or ()):
        parent = answer["parent_prediction"]
        by_id = {guess.prediction_id: guess.model_version for guess in known}
        yield Origin(
            annotation_id=answer["id"],
            task_id=task.id,
            user_id=answer["completed_by"],
            is_skip=bool(answer["was_cancelled"]),
            began_at=_began_at(answer),
            updated_at=_instant(answer["updated_at"]),
            parent=(by_id.get(parent, "") if known else min(_versions(task))) if parent else "",
            guesses=known,
        )


def _began_at(answer: Mapping[str, Any]) -> datetime:
    """Return when the labeller opened the page, or at the latest when he began to change something on it."""
    submitted_at = _instant(answer["created_at"])
    drafted_at = _instant(answer["draft_created_at"] or submitted_at)
    return min(drafted_at, submitted_at - timedelta(seconds=answer["lead_time"] or 0))


def _guesses(task: Any) -> Iterator[Guess]:
    for prediction in map(dict, task.predictions or ()):
        yield Guess(prediction["id"], str(prediction["model_version"]), _instant(prediction["created_at"]))


def _instant(value: object) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
