"""What the words of label files mean at a site."""

import pytest

from workbench.domain import Answer, Box, LabelClass, Question, Taxonomy
from workbench.labeling.file_answers import SaidOfFrame
from workbench.labeling.formats.file_label import FileLabel, PictureFile, PixelBox
from workbench.labeling.translation import Translator, Wordings

TAXONOMY = Taxonomy(
    classes=(LabelClass("clear"), LabelClass("reach_truck"), LabelClass("person")),
    questions=(Question("door_open", "Is the door open?"), Question("load", "What is carried?", ("Pallet", "crate"))),
    boxes=("person", "fork lift"),
)
WORDINGS = Wordings(
    caption="Describe this camera image in one sentence.",
    class_start="Which class fits this image? Choose one: ",
    class_texts={"clear": "clear", "reach truck": "reach_truck", "person": "person"},
    questions={"Is the door open? Answer yes or no.": "door_open"},
)
PICTURE = PictureFile("a.jpg")
SIZE_WH = (200, 100)
XYWH_PX = (20.0, 10.0, 40.0, 50.0)
XYXY = (0.1, 0.1, 0.3, 0.6)


def said(*labels: FileLabel, **renames: str) -> tuple[list[Answer], Translator]:
    translator, frame = Translator(TAXONOMY, renames, WORDINGS), SaidOfFrame()
    for label in labels:
        translator.add(label, SIZE_WH, frame)
    return frame.answers(), translator


def boxed(name: str, xywh_px: tuple[float, float, float, float] = XYWH_PX) -> FileLabel:
    return FileLabel(PICTURE, "annotation 7", boxes=(PixelBox(name, xywh_px),))


def asked(*pairs: tuple[str, str]) -> FileLabel:
    return FileLabel(PICTURE, "entry 1", asked=pairs)


def test_class_and_caption_from_one_place_are_an_answer_each() -> None:
    answers, _ = said(
        FileLabel(PICTURE, "line 2", "clear", "Nobody."),
        FileLabel(PICTURE, "line 3", "person", "A man."),
        FileLabel(PICTURE, "line 4", "person", "A man."),
    )
    assert answers == [Answer("clear", "Nobody."), Answer("person", "A man.")]


def test_class_and_captions_from_several_places_are_put_together() -> None:
    captions = [FileLabel(PICTURE, "annotation 1", caption=text) for text in ("One.", "Two.")]
    assert said(*captions)[0] == [Answer("", "One."), Answer("", "Two.")]
    answers, _ = said(*captions, FileLabel(PICTURE, "annotation 3", class_name="Reach Truck"))
    assert answers == [Answer("reach_truck", "One."), Answer("reach_truck", "Two.")]


def test_a_box_is_placed_and_tells_the_class() -> None:
    answers, _ = said(boxed("Person"), boxed("Person"))
    assert answers == [Answer("person", "", boxes=(Box("person", XYXY),))]
    answers, translator = said(boxed("reach-truck"))
    assert answers == [Answer("reach_truck", "")]
    assert translator.left_out == {"boxes of classes of which the site wants no boxes": 1}


def test_boxes_of_several_classes_leave_the_class_open_unless_it_is_said() -> None:
    answers, _ = said(boxed("person"), boxed("reach truck"))
    assert [answer.class_name for answer in answers] == [""]
    answers, _ = said(boxed("person"), boxed("reach truck"), FileLabel(PICTURE, "", class_name="clear"))
    assert [answer.class_name for answer in answers] == ["clear"]


def test_unknown_names_are_told_once_with_the_nearest() -> None:
    _, translator = said(boxed("persn"), boxed("dog"), boxed("dog"), boxed("dog"))
    assert translator.problems() == [
        "annotation 7: unknown class 'persn' (did you mean 'person'?)",
        "annotation 7: unknown class 'dog', 3 times",
    ]


def test_names_can_be_renamed_or_left_out() -> None:
    answers, translator = said(
        boxed("pedestrian"), boxed("dog"), boxed("cat"), pedestrian="person", dog="", **{"*": ""}
    )
    assert answers == [Answer("person", "", boxes=(Box("person", XYXY),))]
    assert translator.problems() == []
    assert translator.left_out == {"labels of names that are mapped to nothing": 2}


def test_a_new_name_that_the_site_does_not_have_is_told() -> None:
    assert said(boxed("dog"), dog="hound")[1].problems() == ["annotation 7: unknown class 'dog'"]


def test_boxes_outside_or_in_pictures_of_unknown_size_are_counted() -> None:
    translator, frame = Translator(TAXONOMY, {}, WORDINGS), SaidOfFrame()
    translator.add(boxed("person", (300, 0, 10, 10)), SIZE_WH, frame)
    translator.add(boxed("person"), None, frame)
    assert translator.left_out == {"boxes without an area in their pictures": 1, "boxes in pictures of unknown size": 1}
    assert frame.answers() == [Answer("person", "")]


def test_a_region_becomes_a_box_of_what_it_names_or_the_caption() -> None:
    regions = [
        PixelBox("Man beside the fork-lift.", XYWH_PX),
        PixelBox("a yard with one fork lift", (0, 0, 200, 95)),
        PixelBox("the person on a fork lift", XYWH_PX),
        PixelBox("a personal note", XYWH_PX),
        PixelBox("the forklift is red", XYWH_PX),
    ]
    answers, translator = said(FileLabel(PICTURE, "entry 1", regions=tuple(regions)), forklift="fork lift")
    assert answers == [Answer("", "a yard with one fork lift", boxes=(Box("fork lift", XYXY),))]
    assert sum(translator.left_out.values()) == 2


@pytest.mark.parametrize(
    "wording", ["Describe this camera image in one sentence.", "Give a short description.", "Write a caption for it!"]
)
def test_questions_for_a_description_give_the_caption(wording: str) -> None:
    assert said(asked((wording, "A yard.")))[0] == [Answer("", "A yard.")]


def test_the_workbenchs_own_conversations_give_the_whole_answer() -> None:
    answers, translator = said(
        asked(("Describe this camera image in one sentence.", "A yard.")),
        asked(("Which class fits this image? Choose one: clear, reach truck.", "reach truck")),
        asked(("Is the door open? Answer yes or no.", "Yes."), ("what is carried", "pallet")),
    )
    assert answers == [Answer("reach_truck", "A yard.", {"door_open": "yes", "load": "Pallet"})]
    assert translator.left_out == {}


def test_what_matches_no_question_is_counted() -> None:
    _, translator = said(
        asked(("What colour is the bus?", "Red."), ("Is the door open?", "Maybe."), ("Is the door open?", "yes")),
        asked(("Is the door open?", "No.")),
    )
    assert translator.left_out == {
        "questions that the site does not ask": 1,
        "answers to 'Is the door open?' that are none of yes, no": 1,
        "answers that contradict an earlier one": 1,
    }


def test_an_unknown_class_in_a_conversation_is_told() -> None:
    _, translator = said(asked(("Which class fits this image? Choose one: a, b.", "bicycle")))
    assert translator.problems() == ["entry 1: unknown class 'bicycle'"]
