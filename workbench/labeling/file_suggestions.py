"""Answers that were left open somewhere, put before labellers as Label Studio's predictions."""

from collections.abc import Collection, Mapping

from workbench.domain import Answer
from workbench.labeling.connection import ONCE, Connection, translated_errors
from workbench.labeling.results import answer_to_result

__all__ = ["FileSuggestions"]


class FileSuggestions(Connection):
    def add_suggestions(self, project_id: int, answers: Mapping[int, Answer], source: str) -> None:
        """Add what ``source`` says, by task id, for labellers to complete.

        Raises UnansweredError when nobody can tell whether they were added; then compare before asking again.
        """
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
