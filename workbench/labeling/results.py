"""What people and models say about a frame, as Label Studio's ``result`` regions and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.domain import Prediction
from workbench.labeling.taxonomy import CAPTION, CLASS, IMAGE

__all__ = ["Result", "annotation_to_result", "prediction_to_result", "result_to_annotation"]

Result = list[dict[str, Any]]


def annotation_to_result(class_name: str, caption: str) -> Result:
    """Return the regions of one answer: a choice and a text."""
    return [
        {"from_name": CLASS, "to_name": IMAGE, "type": "choices", "value": {"choices": [class_name]}},
        {"from_name": CAPTION, "to_name": IMAGE, "type": "textarea", "value": {"text": [caption]}},
    ]


def result_to_annotation(result: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Return class and caption of an answer, or None when one of them was not given."""
    values = {region.get("from_name"): region.get("value", {}) for region in result}
    choices = values.get(CLASS, {}).get("choices", [])
    texts = values.get(CAPTION, {}).get("text", [])
    caption = " ".join([texts] if isinstance(texts, str) else texts).strip()
    return (choices[0], caption) if choices and caption else None


def prediction_to_result(prediction: Prediction) -> Result:
    return annotation_to_result(prediction.class_name, prediction.caption)
