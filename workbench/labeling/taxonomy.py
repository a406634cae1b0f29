"""A site's taxonomy as the labelling interface of its Label Studio project.

The interface asks for exactly one class and one caption of each frame; neither may be left out. Questions and boxes
may. Definitions, the caption guide and its examples stand beside what they are about.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from workbench.domain import CaptionGuide, LabelClass, Question, Taxonomy
from workbench.labeling.hotkeys import assigned_hotkeys

__all__ = [
    "BOXES",
    "CAPTION",
    "CLASS",
    "IMAGE",
    "NOTE",
    "Vocabulary",
    "is_as_written",
    "label_config_to_vocabulary",
    "taxonomy_to_label_config",
    "taxonomy_to_vocabulary",
]

IMAGE, CLASS, CAPTION, BOXES = "image", "class", "caption", "boxes"
NOTE = "review_note"
"""Name of the value of a task that says why a reviewer sent it back; most tasks have none."""

_SEAL = "workbench"
"""Attribute with the digest of everything else, by which a change made by hand is told from one of the workbench."""

Label = tuple[str, str]
"""A class, an option or a label of boxes, after the name of the control that asks for it."""

Vocabulary = frozenset[Label]
"""Everything that can be answered by choosing."""

_VARIABLE = re.compile(r"\$(?=[\w\[\].{}])")
_WORD_JOINER = "\N{WORD JOINER}"
_SMALL = "font-size: 13px; font-weight: 400; line-height: 1.45; margin: 0 0 6px; white-space: pre-line"
_TITLE = "font-size: 15px; font-weight: 600; margin: 0 0 6px"
_NOTED = "font-size: 14px; font-weight: 600; margin: 0; white-space: pre-line"
_ASKED = "padding-bottom: 10px"
_ONE_TEXT = {
    "required": "true",
    "maxSubmissions": "1",
    "rows": "3",
    "editable": "true",
    "transcription": "true",
    "showSubmitButton": "false",
}
_PANEL_STYLE = """
.workbench-guide .ant-collapse, .workbench-guide .ant-collapse-content { background: none; color: inherit; border: 0 }
.workbench-guide .ant-collapse > .ant-collapse-item { border: 0 }
.workbench-guide .ant-collapse .ant-collapse-header { color: inherit; padding-left: 24px }
.workbench-guide .ant-collapse .ant-collapse-arrow { left: 0 }
"""


def taxonomy_to_label_config(taxonomy: Taxonomy) -> str:
    """Return the label configuration (XML) that asks for everything in ``taxonomy``."""
    view = Element("View", style="display: flex; flex-wrap: wrap; gap: 24px; align-items: flex-start")
    picture = SubElement(view, "View", style="flex: 4 1 480px; min-width: 0")
    SubElement(picture, "Header", value=f"${NOTE}", size="5", style=_NOTED)
    asked = SubElement(view, "View", style="flex: 1 1 270px; min-width: 0")
    hotkeys = iter(assigned_hotkeys(_chosen_hotkeys(taxonomy)))
    _add_classes(asked, taxonomy.classes, hotkeys)
    _add_caption(asked, taxonomy.caption_guide)
    for question in taxonomy.questions:
        _add_question(asked, question, hotkeys)
    if taxonomy.boxes:
        _add_boxes(picture, taxonomy.boxes, hotkeys)
    SubElement(picture, "Image", name=IMAGE, value=f"${IMAGE}", zoom="true")
    ElementTree.indent(view)
    view.set(_SEAL, _digest(view))
    return ElementTree.tostring(view, encoding="unicode")


def is_as_written(label_config: str) -> bool:
    """Tell whether nobody has changed a label configuration since the workbench, of whatever release, wrote it."""
    view = _parsed(label_config)
    return view is not None and view.get(_SEAL) == _digest(view)


def taxonomy_to_vocabulary(taxonomy: Taxonomy) -> Vocabulary:
    return frozenset(
        [
            *((CLASS, name) for name in taxonomy.class_names),
            *((question.name, option) for question in taxonomy.questions for option in question.options),
            *((BOXES, label) for label in taxonomy.boxes),
        ]
    )


def label_config_to_vocabulary(label_config: str) -> Vocabulary:
    """Return what can be answered in an interface, whoever wrote it; nothing in one that cannot be read."""
    view = _parsed(label_config)
    controls = [] if view is None else [control for control in view.iter() if control.get("toName")]
    return frozenset(
        (control.get("name", ""), label.get("alias", label.get("value", "")))
        for control in controls
        for label in control.iter()
        if label.tag in {"Choice", "Label"}
    )


def _chosen_hotkeys(taxonomy: Taxonomy) -> list[str]:
    others = [*(option for question in taxonomy.questions for option in question.options), *taxonomy.boxes]
    return [*(one.hotkey for one in taxonomy.classes), *("" for _ in others)]


def _add_classes(view: Element, classes: Sequence[LabelClass], hotkeys: Iterator[str]) -> None:
    part = SubElement(view, "View", style=_ASKED)
    _add_text(part, "What does the frame show?", _TITLE)
    choices = _add_choices(part, CLASS, required=True)
    for one in classes:
        _add_answer(choices, "Choice", one.name, next(hotkeys), hint=one.definition)
    defined = [one for one in classes if one.definition]
    if defined:
        _add_definitions(part, defined)


def _add_definitions(view: Element, classes: Sequence[LabelClass]) -> None:
    SubElement(view, "Style").text = _PANEL_STYLE
    guide = SubElement(view, "View", className="workbench-guide")
    panel = SubElement(SubElement(guide, "Collapse", accordion="false"), "Panel", value="What the classes mean")
    for one in classes:
        _add_text(SubElement(panel, "View"), f"{one.name}: {one.definition}", _SMALL)


def _add_caption(view: Element, guide: CaptionGuide) -> None:
    part = SubElement(view, "View", style=_ASKED)
    _add_text(part, "Describe it in one sentence.", _TITLE)
    rules = [text for text in (guide.text, _length(guide)) if text]
    if rules:
        _add_text(part, "\n".join(rules), _SMALL)
    SubElement(part, "TextArea", {"name": CAPTION, "toName": IMAGE, **_ONE_TEXT})
    for sign, examples in (("✓", guide.good), ("✗", guide.bad)):
        for example in examples:
            _add_text(part, f"{sign} {example}", _SMALL)


def _length(guide: CaptionGuide) -> str:
    least, most = guide.least_words, guide.most_words
    if least and most:
        return f"{least} to {most} words." if least != most else f"{least} words."
    return f"At least {least} words." if least else f"At most {most} words." if most else ""


def _add_question(view: Element, question: Question, hotkeys: Iterator[str]) -> None:
    part = SubElement(view, "View", style=_ASKED)
    _add_text(part, question.text, _TITLE)
    choices = _add_choices(part, question.name, required=False)
    for option in question.options:
        _add_answer(choices, "Choice", option, next(hotkeys))


def _add_boxes(view: Element, labels: Sequence[str], hotkeys: Iterator[str]) -> None:
    control = SubElement(view, "RectangleLabels", name=BOXES, toName=IMAGE)
    for label in labels:
        _add_answer(control, "Label", label, next(hotkeys))


def _add_choices(view: Element, name: str, *, required: bool) -> Element:
    choices = SubElement(view, "Choices", name=name, toName=IMAGE, choice="single", showInline="true")
    if required:
        choices.set("required", "true")
    return choices


def _add_answer(control: Element, tag: str, answer: str, hotkey: str, *, hint: str = "") -> None:
    element = SubElement(control, tag, value=_literal(answer))
    if element.get("value") != answer:
        element.set("alias", answer)
    if hotkey:
        element.set("hotkey", hotkey)
    if hint:
        element.set("hint", hint)


def _add_text(view: Element, text: str, style: str) -> None:
    SubElement(view, "Header", value=_literal(text), size="5", style=style)


def _literal(text: str) -> str:
    """Return ``text`` such that Label Studio shows a dollar sign in it as one, not as the name of a task's value."""
    return _VARIABLE.sub(f"${_WORD_JOINER}", text)


def _parsed(label_config: str) -> Element | None:
    try:
        return ElementTree.fromstring(label_config)  # noqa: S314  the workbench's own Label Studio keeps it
    except ElementTree.ParseError:
        return None


def _digest(view: Element) -> str:
    text = ElementTree.tostring(view, encoding="unicode")
    unsealed = ElementTree.canonicalize(text, strip_text=True, exclude_attrs=[_SEAL])
    return hashlib.sha256(unsealed.encode()).hexdigest()
