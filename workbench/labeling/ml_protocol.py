"""What Label Studio asks an ML backend and how it wants to be answered, as JSON and back.

It asks ``GET health`` and ``POST setup`` before every ``POST predict``, with one and three seconds of patience, while a
labeller waits for the task. ``results`` have to be as many as the tasks that were sent; an empty list among them is no
suggestion, while a suggestion without regions would be kept as one and never be asked for again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.domain import Prediction
from workbench.errors import UsageError
from workbench.labeling.task_json import prediction_to_json

__all__ = ["AskedTask", "predictions_to_response", "request_to_tasks"]


@dataclass(frozen=True)
class AskedTask:
    """A task that a suggestion is wanted for, with the frame that its data name, if they do."""

    task_id: int
    frame_id: str


def request_to_tasks(request: object) -> list[AskedTask]:
    """Return the tasks of a request; UsageError when it is not one of Label Studio's."""
    tasks = request.get("tasks") if isinstance(request, Mapping) else None
    if not isinstance(tasks, list) or not all(isinstance(task, Mapping) for task in tasks):
        raise UsageError(expected="a list of tasks", found="something else", remedy="send what Label Studio sends")
    return [_task(task) for task in tasks]


def predictions_to_response(predictions: Sequence[Prediction | None]) -> dict[str, Any]:
    """Return the answer to a request for as many tasks; None is no suggestion."""
    return {"results": [[prediction_to_json(one)] if one else [] for one in predictions]}


def _task(task: Mapping[str, Any]) -> AskedTask:
    number, data = task.get("id"), task.get("data")
    frame_id = data.get("frame_id") if isinstance(data, Mapping) else None
    return AskedTask(number if isinstance(number, int) else 0, frame_id if isinstance(frame_id, str) else "")
