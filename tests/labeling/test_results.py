from workbench.domain import Answer, Prediction
from workbench.labeling.results import answer_to_result, prediction_to_result, result_to_answer


def test_an_annotation_survives_the_way_there_and_back() -> None:
    said = Answer("person", 'A man said "stop" & left – 3 < 4.')
    assert result_to_answer(answer_to_result(said)) == said


def test_a_prediction_has_the_form_of_an_annotation() -> None:
    prediction = Prediction("f" * 64, "clear", "Nothing moves.", "base@1", 0.7)
    assert prediction_to_result(prediction) == answer_to_result(Answer("clear", "Nothing moves."))


def test_a_text_that_label_studio_gives_without_its_list_is_understood() -> None:
    result = answer_to_result(Answer("clear", "Nothing moves."))
    result[1]["value"]["text"] = "Nothing moves."
    assert result_to_answer(result) == Answer("clear", "Nothing moves.")


def test_an_answer_without_class_or_caption_is_none() -> None:
    result = answer_to_result(Answer("clear", "Nothing moves."))
    assert result_to_answer(result[:1]) is None
    assert result_to_answer(result[1:]) is None
    assert result_to_answer(answer_to_result(Answer("clear", "  "))) is None
    assert result_to_answer([]) is None
