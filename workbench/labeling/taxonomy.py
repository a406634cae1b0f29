"""A site's classes as the labelling interface of its Label Studio project, and back.

The interface asks for exactly one class (hotkeys 1 to 9) and one caption of each frame; neither may be left out.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from workbench.errors import LabelStudioError

__all__ = ["CAPTION", "CLASS", "IMAGE", "class_names_to_label_config", "label_config_to_class_names"]

IMAGE, CLASS, CAPTION = "image", "class", "caption"


def class_names_to_label_config(class_names: Sequence[str]) -> str:
    """Return the label configuration (XML) that asks for one of ``class_names`` and a caption."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name=IMAGE, value=f"${IMAGE}", zoom="true")
    _add_header(view, "What does the frame show?")
    choices = ElementTree.SubElement(
        view, "Choices", name=CLASS, toName=IMAGE, choice="single", required="true", showInline="true"
    )
    for number, class_name in enumerate(class_names, start=1):
        choice = ElementTree.SubElement(choices, "Choice", value=class_name)
        if number <= 9:
            choice.set("hotkey", str(number))
    _add_header(view, "Describe it in one sentence.")
    ElementTree.SubElement(
        view, "TextArea", name=CAPTION, toName=IMAGE, required="true", maxSubmissions="1", rows="3", editable="true"
    )
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")


def label_config_to_class_names(label_config: str) -> tuple[str, ...]:
    """Return the classes that a label configuration asks for; LabelStudioError when it asks something else."""
    try:
        view = ElementTree.fromstring(label_config)  # noqa: S314  the workbench's own Label Studio wrote it
    except ElementTree.ParseError as error:
        raise _not_ours(f"XML that cannot be read ({error})") from error
    controls = {control.get("name"): control for control in view.iter() if control.get("toName") == IMAGE}
    if CLASS not in controls or CAPTION not in controls:
        raise _not_ours("controls named " + (", ".join(sorted(str(name) for name in controls)) or "nothing"))
    return tuple(choice.get("value", "") for choice in controls[CLASS].iter("Choice"))


def _add_header(view: ElementTree.Element, text: str) -> None:
    ElementTree.SubElement(view, "Header", value=text, size="5")


def _not_ours(found: str) -> LabelStudioError:
    return LabelStudioError(
        expected=f"a labelling interface with the controls '{CLASS}' and '{CAPTION}'",
        found=found,
        remedy="restore the project's labelling interface, or delete the project and run `workbench label push` again",
    )
