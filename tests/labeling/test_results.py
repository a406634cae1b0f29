from workbench.domain import Prediction
from workbench.labeling.results import annotation_to_result, prediction_to_result, result_to_annotation


def test_an_annotation_survives_the_way_there_and_back() -> None:
    said = ("person", 'A man said "stop" & left – 3 < 4.')
    assert result_to_annotation(annotation_to_result(*said)) == said


def test_a_prediction_has_the_form_of_an_annotation() -> None:
    prediction = Prediction("f" * 64, "clear", "Nothing moves.", "base@1", 0.7)
    assert prediction_to_result(prediction) == annotation_to_result("clear", "Nothing moves.")


def test_a_text_that_label_studio_gives_without_its_list_is_understood() -> None:
    result = annotation_to_result("clear", "Nothing moves.")
    result[1]["value"]["text"] = "Nothing moves."
    assert result_to_annotation(result) == ("clear", "Nothing moves.")


def test_an_answer_without_class_or_caption_is_none() -> None:
    result = annotation_to_result("clear", "Nothing moves.")
    assert result_to_annotation(result[:1]) is None
    assert result_to_annotation(result[1:]) is None
    assert result_to_annotation(annotation_to_result("clear", "  ")) is None
    assert result_to_annotation([]) is None
