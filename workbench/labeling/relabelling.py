"""Which labels the answers of a project use, and giving those answers other words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import takewhile
from typing import Any

from workbench.labeling.connection import ONCE
from workbench.labeling.renames import Renames
from workbench.labeling.results import labels_of_result
from workbench.labeling.task_list import TaskList
from workbench.labeling.uses import Uses
from workbench.progress import Progress, silent

__all__ = ["Relabelling"]

_ANSWERED = ("total_annotations", "greater", "Number", 0)
_UNANSWERED = ("total_annotations", "equal", "Number", 0)
_SUGGESTED = ("total_predictions", "greater", "Number", 0)
_DRAFTED = ("draft_exists", "equal", "Boolean", True)
_ANSWERS = "id,annotations.id,annotations.result,annotations.was_cancelled,annotations.updated_at"
_PASSES = 5
"""Readings of everything, at most: each finds what was answered in the old words during the one before."""

_Said = Mapping[str, Any]
"""An annotation, draft or prediction as the server has it."""


class Relabelling(TaskList):
    def uses(self, project_id: int, answer_is: str = "answer") -> Uses:
        """Return how often each label occurs in answers, by the name for them, and drafts; all of them are read."""
        uses = Uses()
        for answers in self._answers(project_id):
            for answer in answers:
                uses.count(answer_is, labels_of_result(answer["result"]))
        for draft in self._drafts(project_id):
            uses.count("draft", labels_of_result(draft["result"]))
        return uses

    def rename(self, project_id: int, renames: Renames, progress: Progress = silent) -> None:
        """Give answers, drafts and the suggestions to unanswered tasks the new words, one by one.

        Answers stay their labellers' and keep their order in time within a task. Those that are given in the old words
        meanwhile follow too, and being called again completes what was cut off.
        """
        for _ in range(_PASSES):
            said = [*self._answers(project_id), *([draft] for draft in self._drafts(project_id))]
            if not self._reword(said, renames, "answers renamed", progress):
                break
        suggestions = [[suggestion] for suggestion in self._suggestions(project_id)]
        self._reword(suggestions, renames, "suggestions renamed", progress)

    def recount(self, project_id: int) -> None:
        """Have the server count its labels anew: writes at the same time make it count wrong, and then it refuses."""
        self._ask("POST", f"api/projects/{project_id}/summary/reset/", {})

    def _reword(self, said: Iterable[Sequence[_Said]], renames: Renames, what: str, progress: Progress) -> bool:
        """Write anew what changes and tell whether anything did."""
        changing = [paths for group in said if (paths := _changing(group, renames))]
        self._in_parallel(partial(self._write, renames), changing, len(changing), what, progress)
        return bool(changing)

    def _write(self, renames: Renames, paths: Sequence[str]) -> None:
        """Give things, one after the other, the new words as they are by now; what is gone meanwhile is passed over."""

        def reword(path: str) -> None:
            result = self._request("GET", path)["result"] or []
            self._request("PATCH", path, {"result": renames.result(result)})

        for path in paths:
            self._unless_done(partial(reword, path), HTTPStatus.NOT_FOUND)

    def _answers(self, project_id: int) -> Iterator[list[_Said]]:
        """Yield each task's answers, oldest first."""
        for _, task in self._pages(project_id, [_ANSWERED], _ANSWERS):
            answers = [dict(answer, path="annotations") for answer in map(dict, task.annotations)]
            said = [answer for answer in answers if not answer["was_cancelled"]]
            yield sorted(said, key=lambda answer: str(answer["updated_at"]))

    def _drafts(self, project_id: int) -> Iterator[_Said]:
        for _, task in self._pages(project_id, [_DRAFTED], "id"):
            for draft in self._ask("GET", f"api/tasks/{task.id}/drafts"):
                yield dict(draft, path="drafts", result=draft["result"] or [])

    def _suggestions(self, project_id: int) -> Iterator[_Said]:
        for _, task in self._pages(project_id, [_UNANSWERED, _SUGGESTED], "id,predictions"):
            for prediction in task.predictions:
                yield dict(prediction, path="predictions")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the server's answer to a request that may be made twice, as :meth:`_request` does."""
        return self._patiently(lambda: self._request(method, path, body))

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the server's answer to a request that the SDK has no call for."""
        http = self._client._client_wrapper.httpx_client
        answer = http.request(path, method=method, json=body, request_options=ONCE).raise_for_status()
        return answer.json() if answer.content else None


def _changing(said: Sequence[_Said], renames: Renames) -> list[str]:
    """Return the paths of the first that changes and all after it: what was said later is to stay the later."""
    kept = takewhile(lambda one: renames.result(one["result"]) == one["result"], said)
    return [f"api/{one['path']}/{one['id']}/" for one in said[len(list(kept)) :]]
