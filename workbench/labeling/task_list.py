"""Reading a project's tasks: all of them, or those that changed; and counts that tell whether something was missed.

A list is read in pages that each begin after the last task seen, so that tasks deleted meanwhile shift nothing. The
server makes one serializer for each task's annotations unless they are expanded, which reads five times as fast.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from workbench.errors import LabelStudioError
from workbench.labeling.connection import ONCE
from workbench.labeling.members import Members
from workbench.labeling.task_json import StudioTask, task_from_json
from workbench.progress import Progress, silent

__all__ = ["Filter", "TaskList", "by_frame", "only_tasks"]

_PAGE_TASKS = 1_000
_COLUMN_CHARACTERS = 500
_ANSWERS = ",".join(f"annotations.{field}" for field in ("id", "completed_by", "result", "was_cancelled", "updated_at"))
_EVERYTHING = f"id,data,predictions_model_versions,{_ANSWERS}"

Filter = tuple[str, str, str, Any]
"""Column, operator, type and value, in the words of the data manager."""


class TaskList(Members):
    def tasks(self, project_id: int, progress: Progress = silent) -> dict[str, StudioTask]:
        """Return the project's tasks by frame id; tasks that somebody made by hand have none and are left out."""
        return by_frame(self.every_task(project_id, progress))

    def every_task(self, project_id: int, progress: Progress = silent) -> list[StudioTask]:
        """Return all of the project's tasks, oldest first."""
        emails, is_cut_off = self.users(), False
        tasks: list[StudioTask] = []
        for task in self._listed(project_id, (), _EVERYTHING, progress):
            tasks.append(task_from_json(task, emails))
            is_cut_off = is_cut_off or len(task.predictions_model_versions or "") >= _COLUMN_CHARACTERS
        return self._with_every_version(project_id, tasks) if is_cut_off else tasks

    def answered(self, project_id: int, since: datetime | None = None, progress: Progress = silent) -> list[StudioTask]:
        """Return the tasks that have an answer, of those that changed at ``since`` or later, by the server's clock.

        Their model versions are not read.
        """
        filters = [("total_annotations", "greater", "Number", 0), *_changed(since)]
        emails = self.users()
        listed = self._listed(project_id, filters, f"id,data,{_ANSWERS}", progress)
        return [task_from_json(task, emails) for task in listed]

    def unanswered(self, project_id: int, since: datetime) -> set[int]:
        """Return the ids of tasks that somebody touched at ``since`` or later and that have no answer now.

        New tasks that nobody opened are not among them.
        """
        filters = [("total_annotations", "equal", "Number", 0), ("updated_by", "empty", "List", False)]
        return {task.id for _, task in self._pages(project_id, (*filters, *_changed(since)), "id")}

    def now(self, project_id: int) -> datetime | None:
        """Return what the server's clock says; where it does not tell, when the newest change of a task was."""
        _, server_now = self._count(project_id, "task_number")
        if server_now is not None:
            return server_now
        newest = self._list(project_id, {"ordering": ["-tasks:updated_at"]}, "id,updated_at", page_size=1).items
        return newest[0].updated_at if newest else None

    def count_answers(self, project_id: int) -> int:
        """Return how many answers were submitted, those that were skipped left out."""
        return self._count(project_id, "total_annotations_number")[0]

    def count_tasks(self, project_id: int) -> int:
        return self._count(project_id, "task_number")[0]

    def _count(self, project_id: int, what: str) -> tuple[int, datetime | None]:
        """Return one of the project's counts, and what the server's clock says."""
        counted = self._patiently(
            lambda: self._client.projects.with_raw_response.list_counts(
                ids=str(project_id), include=what, request_options=ONCE
            )
        )
        if not counted.data.results:
            raise LabelStudioError(
                expected=f"project {project_id} at {self.url}",
                found="none of that number",
                remedy="run `workbench label push`, which makes one",
            )
        return int(getattr(counted.data.results[0], what) or 0), _instant(counted.headers.get("date"))

    def _listed(self, project_id: int, filters: Sequence[Filter], include: str, progress: Progress) -> Iterator[Any]:
        for done, (total, task) in enumerate(self._pages(project_id, filters, include), start=1):
            yield task
            if done == total or done % _PAGE_TASKS == 0:
                progress(done, total, "tasks read")

    def _with_every_version(self, project_id: int, tasks: Sequence[StudioTask]) -> list[StudioTask]:
        """Return the tasks with the model versions that their predictions name, which takes five times as long."""
        guessed = self._pages(project_id, [("total_predictions", "greater", "Number", 0)], "id,predictions")
        versions = {
            task.id: frozenset(str(dict(prediction)["model_version"]) for prediction in task.predictions)
            for _, task in guessed
        }
        return [replace(task, model_versions=versions.get(task.task_id, frozenset())) for task in tasks]

    def _pages(self, project_id: int, filters: Sequence[Filter], include: str) -> Iterator[tuple[int, Any]]:
        """Yield how many tasks there are, and a task; one that comes while the list is read is read as well."""
        done = last_id = 0
        while True:
            rest = [*filters, ("id", "greater", "Number", last_id)]
            page = self._list(project_id, {"filters": only_tasks(rest)}, include, page_size=_PAGE_TASKS)
            total = done + int(page.response.total)
            for task in page.items:
                yield total, task
            done += len(page.items)
            if done >= total or not page.items:
                return
            last_id = page.items[-1].id

    def _list(self, project_id: int, query: dict[str, Any], include: str, *, page_size: int) -> Any:
        return self._patiently(
            lambda: self._client.tasks.list(
                project=project_id,
                page=1,
                page_size=page_size,
                fields="all",
                include=include,
                query=json.dumps(query),
                resolve_uri=False,
                request_options={**ONCE, "additional_query_parameters": {"expand": "annotations"}},
            )
        )


def by_frame(tasks: Iterable[StudioTask]) -> dict[str, StudioTask]:
    """Return the tasks by frame id; where a frame has two, the first counts, with the answers to both."""
    found: dict[str, StudioTask] = {}
    for task in tasks:
        if task.frame_id:
            first = found.get(task.frame_id)
            found[task.frame_id] = first.with_answers_of(task) if first else task
    return found


def only_tasks(filters: Collection[Filter]) -> dict[str, Any]:
    """Return the data manager's filter for tasks that meet all of ``filters``."""
    items = [
        {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
        for column, operator, kind, value in filters
    ]
    return {"conjunction": "and", "items": items}


def _changed(since: datetime | None) -> list[Filter]:
    if since is None:
        return []
    at = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return [("updated_at", "greater_or_equal", "Datetime", at)]


def _instant(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
