from xml.etree import ElementTree

import pytest

from workbench.errors import LabelStudioError
from workbench.labeling.taxonomy import class_names_to_label_config, label_config_to_class_names


def parsed(class_names: list[str]) -> ElementTree.Element:
    return ElementTree.fromstring(class_names_to_label_config(class_names))  # noqa: S314


def test_the_classes_survive_the_way_there_and_back() -> None:
    names = ("clear", "person-in-zone", "reach.truck", *(f"class-{number}" for number in range(9)))
    assert label_config_to_class_names(class_names_to_label_config(names)) == names


def test_class_and_caption_are_both_required_and_given_once() -> None:
    view = parsed(["a", "b"])
    choices, caption = view.find("Choices"), view.find("TextArea")
    assert choices is not None
    assert caption is not None
    assert choices.attrib.items() >= {"choice": "single", "required": "true"}.items()
    assert caption.attrib.items() >= {"maxSubmissions": "1", "required": "true"}.items()


def test_the_first_nine_classes_have_hotkeys() -> None:
    view = parsed([f"class-{number}" for number in range(11)])
    assert [choice.get("hotkey") for choice in view.iter("Choice")] == [*"123456789", None, None]


@pytest.mark.parametrize(
    "config",
    ["<View", "<View/>", '<View><Choices name="class" toName="image"/></View>', '<View><Image name="image"/></View>'],
)
def test_another_interface_is_refused(config: str) -> None:
    with pytest.raises(LabelStudioError, match="delete the project"):
        label_config_to_class_names(config)
