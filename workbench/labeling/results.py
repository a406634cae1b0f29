"""What people and models say about a frame, as Label Studio's ``result`` regions and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.domain import Answer, Prediction
from workbench.labeling.taxonomy import CAPTION, CLASS, IMAGE

__all__ = ["Result", "answer_to_result", "prediction_to_result", "result_to_answer"]

Result = list[dict[str, Any]]


def answer_to_result(answer: Answer) -> Result:
    """Return the regions of one answer: a choice and a text."""
    return [
        {"from_name": CLASS, "to_name": IMAGE, "type": "choices", "value": {"choices": [answer.class_name]}},
        {"from_name": CAPTION, "to_name": IMAGE, "type": "textarea", "value": {"text": [answer.caption]}},
    ]


def result_to_answer(result: Sequence[Mapping[str, Any]]) -> Answer | None:
    """Return the answer that these regions give, or None when they lack class or caption."""
    values = {region.get("from_name"): region.get("value", {}) for region in result}
    choices = values.get(CLASS, {}).get("choices", [])
    texts = values.get(CAPTION, {}).get("text", [])
    caption = " ".join([texts] if isinstance(texts, str) else texts).strip()
    return Answer(choices[0], caption) if choices and caption else None


def prediction_to_result(prediction: Prediction) -> Result:
    return answer_to_result(Answer(prediction.class_name, prediction.caption))
