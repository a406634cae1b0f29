"""The VQA challenge's accuracy, row by row; the expected values are what its evaluation program gives."""

import pytest

from workbench.evaluation.vqa import normalise_answer, vqa_accuracy, vqa_row


@pytest.mark.parametrize(("matching", "percent"), [(0, 0), (1, 30), (2, 60), (3, 90), (4, 100), (10, 100)])
def test_people_who_agree(matching: int, percent: float) -> None:
    answers = ["yes"] * matching + ["no"] * (10 - matching)
    assert 100 * vqa_row("yes", answers) == pytest.approx(percent)


@pytest.mark.parametrize(
    ("answer", "normalised"),
    [
        ("A red Truck.", "red truck"),
        ("two", "2"),
        ("none", "0"),
        ("eleven", "eleven"),
        ("dont", "don't"),
        ("couldnt've", "couldn't've"),
        ("couldn'tve", "couldn't've"),
        ("somebody'd", "somebodyd"),
        ("Im", "im"),
        ("hes", "he's"),
        ("t-shirt", "t shirt"),
        ("t - shirt", "t shirt"),
        ("red/blue", "red blue"),
        ("1,000", "1000"),
        ("1,000 t-shirts", "1000 tshirts"),
        ("a,b", "b"),
        ("3.5", "3.5"),
        ("p.m.", "pm"),
        (".5", ".5"),
        ("5.", "5"),
        ("10:30", "10:30"),
        ("what's up?", "what's up"),
        ("the the an", ""),
        ("(left) [right]", "left right"),
        ("." * 40, "." * 8),
    ],
)
def test_answers_are_normalised_as_by_the_challenge(answer: str, normalised: str) -> None:
    assert normalise_answer(answer) == normalised


def test_where_all_people_agree_nothing_is_normalised() -> None:
    assert vqa_row("Two", ["two"] * 10) == 0
    assert vqa_row(" two\n", ["two"] * 10) == 1
    assert vqa_row("Two", ["two"] * 9 + ["3"]) == 1


def test_answers_without_ids_still_leave_one_person_out_at_a_time() -> None:
    assert vqa_row("yes", ["yes"] * 10) == 1
    assert vqa_row("yes", ["yes"]) == 0


def test_the_accuracy_is_the_mean_over_questions() -> None:
    statistic = vqa_accuracy(["yes", "no"], [["yes"] * 2 + ["no"] * 8, ["yes"] * 10])
    assert statistic.value == pytest.approx(0.3)
