"""Making tasks, and adding to them what models, files and people said.

A method that says nothing else may be called twice with the same and is tried again where no answer comes.
"""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from uuid import uuid4

from workbench.domain import Answer, Prediction
from workbench.errors import LabelStudioError
from workbench.labeling.connection import ONCE, translated_errors
from workbench.labeling.results import answer_to_result
from workbench.labeling.task_json import NewTask, frame_to_data, new_task_to_json, prediction_to_json
from workbench.labeling.task_list import Filter, TaskList, only_tasks
from workbench.progress import Progress, silent

__all__ = ["Tasks"]

_UNANSWERED: tuple[Filter, ...] = (
    ("total_annotations", "equal", "Number", 0),
    ("cancelled_annotations", "equal", "Number", 0),
)
_AS_MADE: tuple[Filter, ...] = (("updated_by", "empty", "List", True),)


class Tasks(TaskList):
    def add_tasks(self, project_id: int, new: Sequence[NewTask]) -> list[int]:
        """Create all of ``new`` or none in one request and return their task ids in the same order.

        Raises UnansweredError when nobody can tell whether they were created; then compare before asking again.
        """
        with translated_errors(self.url):
            created = self._client.projects.import_tasks(
                project_id,
                request=[new_task_to_json(task) for task in new],
                return_task_ids=True,
                request_options=ONCE,
            )
        if len(created.task_ids or ()) != len(new):
            raise LabelStudioError(
                expected=f"{len(new)} tasks to be created in project {project_id}",
                found=f"{len(created.task_ids or ())}",
                remedy="run the command again: it creates what is missing",
            )
        return list(created.task_ids)

    def add_predictions(self, project_id: int, predictions: Mapping[int, Prediction]) -> None:
        """Add what a model said, by task id, to tasks that exist; raises as :meth:`add_tasks` does."""
        request = [{"task": task_id, **prediction_to_json(said)} for task_id, said in predictions.items()]
        with translated_errors(self.url):
            self._client.projects.import_predictions(project_id, request=request, request_options=ONCE)

    def add_suggestions(self, project_id: int, answers: Mapping[int, Answer], source: str) -> None:
        """Add what ``source`` says, by task id, for labellers to complete; raises as :meth:`add_tasks` does."""
        request = [
            {"task": task_id, "model_version": source, "result": answer_to_result(answer)}
            for task_id, answer in answers.items()
        ]
        with translated_errors(self.url):
            self._client.projects.import_predictions(project_id, request=request, request_options=ONCE)

    def accept_suggestions(self, project_id: int, task_ids: Collection[int], source: str) -> None:
        """Make answers, by the token's account, of what ``source`` suggests for these tasks, once each.

        A few hundred a second, where answers that are submitted one by one are about 15.
        """
        self._patiently(
            lambda: self._client.actions.create(
                id="predictions_to_annotations",
                project=project_id,
                selected_items={"all": False, "included": sorted(task_ids)},
                request_options={**ONCE, "additional_body_parameters": {"model_version": source}},
            )
        )

    def renew_image_urls(self, new_urls: Mapping[int, tuple[str, str]], progress: Progress = silent) -> None:
        """Give tasks, by id, their (frame id, image URL) anew; about 11 a second, as there is no call for many."""

        def renew(item: tuple[int, tuple[str, str]]) -> None:
            task_id, (frame_id, image_url) = item
            self._client.tasks.update(str(task_id), data=frame_to_data(frame_id, image_url), request_options=ONCE)

        self._in_parallel(renew, new_urls.items(), len(new_urls), "image URLs renewed", progress)

    def create_annotations(self, answers: Mapping[int, Answer], progress: Progress = silent) -> None:
        """Submit answers by task id, as the token's account, once each; about 15 a second.

        Called again, it submits them again. Answers that are known when a task is made go with :meth:`add_tasks`, a
        hundred times as fast.
        """
        keyed = [(task_id, answer, str(uuid4())) for task_id, answer in answers.items()]

        def submit(item: tuple[int, Answer, str]) -> None:
            task_id, answer, key = item
            self._unless_done(
                lambda: self._client.annotations.create(
                    task_id, result=answer_to_result(answer), unique_id=key, request_options=ONCE
                ),
                HTTPStatus.CONFLICT,
            )

        self._in_parallel(submit, keyed, len(keyed), "annotations submitted", progress)

    def remove_untouched(self, project_id: int, task_ids: Collection[int]) -> None:
        """Delete those of the tasks that nobody has answered, skipped or begun to answer by the time it is done.

        Answers that came with a task when it was made, and that nobody has touched since, keep it from nothing.
        """
        for untouched in (_UNANSWERED, _AS_MADE):
            self._remove(project_id, task_ids, untouched)

    def _remove(self, project_id: int, task_ids: Collection[int], only: Sequence[Filter]) -> None:
        self._patiently(
            lambda: self._client.actions.create(
                id="delete_tasks",
                project=project_id,
                filters=only_tasks([*only, ("draft_exists", "equal", "Boolean", False)]),
                selected_items={"all": False, "included": sorted(task_ids)},
                request_options=ONCE,
            )
        )
