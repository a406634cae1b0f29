"""Tasks as Label Studio's JSON and back, with what models and people said about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workbench.domain import Annotation, Answer, Prediction
from workbench.labeling.results import answer_to_result, prediction_to_result, result_to_answer

__all__ = [
    "NewTask",
    "StudioTask",
    "frame_to_data",
    "new_task_to_json",
    "prediction_to_json",
    "task_from_json",
    "versions_from_column",
]


@dataclass(frozen=True)
class NewTask:
    """A frame to ask about, with what a model guesses or people have said already."""

    frame_id: str
    image_url: str
    reason: str
    prediction: Prediction | None = None
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class StudioTask:
    """A task as the server has it; ``incomplete`` counts answers that lack class or caption.

    A task that somebody made by hand names no frame: its ``frame_id`` is empty.
    """

    frame_id: str
    task_id: int
    image_url: str
    model_versions: frozenset[str]
    annotations: tuple[Annotation, ...]
    incomplete: int

    @property
    def answers(self) -> int:
        return len(self.annotations) + self.incomplete

    def says_all_of(self, other: "StudioTask") -> bool:
        """Tell whether every answer to ``other`` stands here as well."""
        said = [annotation.answer for annotation in self.annotations]
        return other.incomplete == 0 and all(annotation.answer in said for annotation in other.annotations)

    def about(self, frame_id: str) -> "StudioTask":
        """Return the same task as one about ``frame_id``."""
        answers = tuple(replace(annotation, frame_id=frame_id) for annotation in self.annotations)
        return replace(self, frame_id=frame_id, annotations=answers)

    def with_answers_of(self, other: "StudioTask") -> "StudioTask":
        return replace(
            self, annotations=self.annotations + other.annotations, incomplete=self.incomplete + other.incomplete
        )


def frame_to_data(frame_id: str, image_url: str) -> dict[str, str]:
    return {"image": image_url, "frame_id": frame_id}


def prediction_to_json(prediction: Prediction) -> dict[str, Any]:
    return {
        "model_version": prediction.model_version,
        "score": prediction.score,
        "result": prediction_to_result(prediction),
    }


def new_task_to_json(task: NewTask) -> dict[str, Any]:
    """Return the task for an import; answers that a file brings are nobody's ground truth until people say so."""
    return {
        "data": frame_to_data(task.frame_id, task.image_url),
        "meta": {"frame_id": task.frame_id, "reason": task.reason},
        "predictions": [prediction_to_json(task.prediction)] if task.prediction else [],
        "annotations": [{"result": answer_to_result(answer), "ground_truth": False} for answer in task.answers],
    }


def task_from_json(task: Any, emails: Mapping[int, str]) -> StudioTask:
    """Return the task as listed by the server, its answers by the e-mail addresses of who gave them."""
    data = task.data or {}
    frame_id = str(data.get("frame_id") or "")
    answers = [dict(answer) for answer in task.annotations or () if not dict(answer)["was_cancelled"]]
    annotations = [_annotation(answer, frame_id, emails) for answer in answers]
    return StudioTask(
        frame_id=frame_id,
        task_id=task.id,
        image_url=str(data.get("image", "")),
        model_versions=versions_from_column(task.predictions_model_versions or ""),
        annotations=tuple(annotation for annotation in annotations if annotation),
        incomplete=annotations.count(None),
    )


def versions_from_column(names: str) -> frozenset[str]:
    """Return the model versions of the data manager's column, which joins them by commas."""
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def _annotation(answer: Mapping[str, Any], frame_id: str, emails: Mapping[int, str]) -> Annotation | None:
    said = result_to_answer(answer["result"])
    if said is None:
        return None
    user_id = answer["completed_by"]
    return Annotation(
        frame_id=frame_id,
        class_name=said.class_name,
        caption=said.caption,
        labeller=emails.get(user_id, f"former-user-{user_id}"),
        updated_at=datetime.fromisoformat(str(answer["updated_at"])),
        annotation_id=answer["id"],
        replies=said.replies,
        boxes=said.boxes,
    )
