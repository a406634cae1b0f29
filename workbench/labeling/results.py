"""What people and models say about a frame, as Label Studio's ``result`` regions and back."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.domain import Answer, Box, Prediction
from workbench.labeling.taxonomy import BOXES, CAPTION, CLASS, IMAGE, Label

__all__ = [
    "LABELLING",
    "MARKING",
    "Result",
    "answer_to_result",
    "class_of_result",
    "control_of",
    "labels_of_answer",
    "labels_of_result",
    "prediction_to_result",
    "result_to_answer",
]

Result = list[dict[str, Any]]
MARKING = "timelinelabels"
LABELLING = frozenset({"choices", "rectanglelabels", MARKING})
"""The types of regions whose value names labels, under the type's own name."""

Xyxy = tuple[float, float, float, float]

_DECIMALS = 6
"""Of a box's edges as parts of width and height: finer than a pixel, coarser than the noise of percentages."""


def answer_to_result(answer: Answer) -> Result:
    """Return the regions of one answer: choices, a text and rectangles; none for a class or caption left open."""
    return [
        *([_choice(CLASS, answer.class_name)] if answer.class_name else []),
        *([_text(CAPTION, answer.caption)] if answer.caption else []),
        *(_choice(question, reply) for question, reply in answer.replies.items()),
        *(_rectangle(box, number) for number, box in enumerate(answer.boxes, start=1)),
    ]


def result_to_answer(result: Sequence[Mapping[str, Any]]) -> Answer | None:
    """Return the answer that these regions give, or None when they lack class or caption.

    A rectangle without a label or without an area inside the image says nothing and is left out, and so does what the
    labelling interface would not make: Label Studio takes whatever a program submits.
    """
    chosen = {region.get("from_name", ""): choice for region in result if (choice := _first(region, "choices"))}
    class_name = chosen.pop(CLASS, None)
    captions = (_texts_of(region, "text") for region in result if region.get("from_name") == CAPTION)
    caption = " ".join(next(captions, [])).strip()
    return Answer(class_name, caption, chosen, tuple(_boxes(result))) if class_name and caption else None


def prediction_to_result(prediction: Prediction) -> Result:
    return answer_to_result(Answer(prediction.class_name, prediction.caption))


def labels_of_answer(answer: Answer) -> frozenset[Label]:
    return labels_of_result(answer_to_result(answer))


def labels_of_result(result: Sequence[Mapping[str, Any]]) -> frozenset[Label]:
    """Return the labels that occur in the regions of one answer."""
    return frozenset(
        (control_of(region), label)
        for region in result
        if (kind := region.get("type")) in LABELLING
        for label in _texts_of(region, kind)
    )


def class_of_result(result: Sequence[Mapping[str, Any]]) -> str:
    """Return the class that was chosen, empty where none was."""
    return next((_first(region, "choices") for region in result if region.get("from_name") == CLASS), "")


def control_of(region: Mapping[str, Any]) -> str:
    """Return to which control's vocabulary a region's labels belong: stretches of clips are marked with classes."""
    return CLASS if region.get("type") == MARKING else str(region.get("from_name"))


def _choice(control: str, choice: str) -> dict[str, Any]:
    return {"from_name": control, "to_name": IMAGE, "type": "choices", "value": {"choices": [choice]}}


def _text(control: str, text: str) -> dict[str, Any]:
    return {"from_name": control, "to_name": IMAGE, "type": "textarea", "value": {"text": [text]}}


def _value(region: Mapping[str, Any]) -> Mapping[str, Any]:
    value = region.get("value")
    return value if isinstance(value, Mapping) else {}


def _texts_of(region: Mapping[str, Any], kind: str) -> list[str]:
    """Return the texts under ``kind`` of a region's value; Label Studio gives a single caption without its list."""
    texts = _value(region).get(kind)
    listed = [texts] if isinstance(texts, str) else texts if isinstance(texts, list) else []
    return [text for text in listed if isinstance(text, str)]


def _first(region: Mapping[str, Any], kind: str) -> str:
    return next(iter(_texts_of(region, kind)), "")


def _rectangle(box: Box, number: int) -> dict[str, Any]:
    """Return the region of a box; regions without an id of their own would be taken for one."""
    left, top, right, bottom = box.xyxy
    edges = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    value = {name: round(100 * part, _DECIMALS) for name, part in edges.items()}
    return {
        "id": f"box-{number}",
        "from_name": BOXES,
        "to_name": IMAGE,
        "type": "rectanglelabels",
        "value": {**value, "rotation": 0, "rectanglelabels": [box.label]},
    }


def _boxes(result: Sequence[Mapping[str, Any]]) -> Iterator[Box]:
    for region in result:
        label = _first(region, "rectanglelabels")
        if label:
            size_wh = (_number(region, "original_width") or 1, _number(region, "original_height") or 1)
            left, top, right, bottom = _clamped(_bounds(_value(region), size_wh))
            if left < right and top < bottom:
                yield Box(label, (left, top, right, bottom))


def _number(values: Mapping[str, Any], name: str) -> float:
    number = values.get(name)
    return number if isinstance(number, int | float) else 0


def _bounds(value: Mapping[str, Any], size_wh: tuple[float, float]) -> Xyxy:
    """Return the edges, as parts of the image, of a rectangle in percent turned clockwise about its top left corner."""
    image_width, image_height = size_wh
    angle = math.radians(_number(value, "rotation"))
    width, height = _number(value, "width") * image_width, _number(value, "height") * image_height
    corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    xs = [_number(value, "x") + (x * math.cos(angle) - y * math.sin(angle)) / image_width for x, y in corners]
    ys = [_number(value, "y") + (x * math.sin(angle) + y * math.cos(angle)) / image_height for x, y in corners]
    return min(xs) / 100, min(ys) / 100, max(xs) / 100, max(ys) / 100


def _clamped(xyxy: Xyxy) -> Xyxy:
    left, top, right, bottom = (round(min(max(edge, 0.0), 1.0), _DECIMALS) for edge in xyxy)
    return left, top, right, bottom
