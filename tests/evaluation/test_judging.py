"""The judge by a rubric: what it is asked, what is read from its answers, and how far it can be trusted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from workbench.errors import ServiceError, UsageError
from workbench.evaluation.judge_report import agreement_with_people, length_controlled_difference, report_on_judge
from workbench.evaluation.judging import JudgeQuestion, Rubric, Verdict, judge_all, judge_prompt, read_verdict
from workbench.workflows.judging import read_rubric

RUBRIC = Rubric("Does it name what moves?", ("nothing", "little", "half", "nearly all", "all"))


def question(response: str = "a man", frame_id: str = "f") -> JudgeQuestion:
    return JudgeQuestion(frame_id, "Describe the frame.", response, "a man by a truck", RUBRIC)


def test_the_prompt_has_all_parts_in_the_form_that_the_judge_was_trained_on() -> None:
    prompt = judge_prompt(question())
    parts = [
        "###Task Description:",
        "###The instruction to evaluate:\nDescribe the frame.",
        "###Response to evaluate:\na man\n",
        "###Reference Answer (Score 5):\na man by a truck",
        "###Score Rubrics:\n[Does it name what moves?]\nScore 1: nothing",
        "Score 5: all",
        "###Feedback:",
    ]
    places = [prompt.index(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("Feedback: It is short. [RESULT] 3", Verdict(3, "It is short.")),
        ("It is fine [result]: 5.", Verdict(5, "It is fine")),
        ("Feedback: a [RESULT] (4)", Verdict(4, "a")),
        ("[RESULT] Score 2", Verdict(2, "")),
        ("Feedback: a [RESULT] 2 and again [RESULT] 2", Verdict(2, "a")),
        ("Feedback: a [RESULT] 2 or [RESULT] 4", None),
        ("Feedback: a [RESULT] 2 or [RESULT] none", None),
        ("Feedback: good, 4 out of 5", None),
        ("[RESULT] 6", None),
        ("[RESULT] 0", None),
        ("[RESULT] 45", None),
        ("[RESULT] 4.5", None),
        ("[RESULT] four", None),
        ("", None),
        (None, None),
    ],
)
def test_only_one_clear_score_is_a_verdict(answer: str | None, verdict: Verdict | None) -> None:
    assert read_verdict(answer) == verdict


def test_each_answer_is_judged_in_both_orders_and_nonsense_is_counted() -> None:
    said = {"a man": "[RESULT] 2", "a man and a truck": "[RESULT] 4", "a man and a truck and a dog": "it is good"}

    def judge(questions: Sequence[JudgeQuestion]) -> list[str | None]:
        assert all("Score 5: all\nScore 4" in judge_prompt(one) for one in questions if one.falling)
        return ["[RESULT] 5" if one.falling and one.response == "a man" else said[one.response] for one in questions]

    questions = [question(response) for response in said]
    judgements = judge_all(judge, questions)
    assert [one.score for one in judgements] == [3.5, 4, None]
    report = report_on_judge(questions, judgements)
    assert (report.asked, report.unparseable, report.unjudged) == (6, 2, 1)
    assert (report.mean_score, report.order_shift, report.order_changes) == (3.75, -1.5, 0.5)
    assert report.length_correlation == pytest.approx(1)


def test_a_judge_that_does_not_answer_at_all_gives_no_figure() -> None:
    def judge(questions: Sequence[JudgeQuestion]) -> list[str | None]:
        raise ServiceError(expected="an answer", found="none", remedy="start it")

    report = report_on_judge([question()] * 2, judge_all(judge, [question()] * 2))
    assert (report.asked, report.unparseable, report.unjudged) == (4, 4, 2)
    assert (report.mean_score, report.order_shift, report.length_correlation) == (None, None, None)


def test_love_of_length_is_told_as_spearmans_correlation() -> None:
    rng = np.random.default_rng(0)
    lengths, scores = rng.integers(1, 12, 30), rng.integers(1, 6, 30)
    questions = [question(" ".join(["word"] * length)) for length in lengths]
    judgements = judge_all(lambda asked: [f"[RESULT] {score}" for score in scores], questions)
    expected = spearmanr(scores, lengths).statistic
    assert report_on_judge(questions, judgements).length_correlation == pytest.approx(expected)


def test_a_lead_that_comes_from_length_alone_vanishes_at_equal_length() -> None:
    extra = np.array([0.0, 5.0, 10.0, 20.0])
    assert length_controlled_difference(extra * 0.1, extra) == pytest.approx(0)
    assert length_controlled_difference(extra * 0.1 + 0.5, extra) == pytest.approx(0.5)
    assert length_controlled_difference(np.array([1.0, 0.0]), np.zeros(2)) == 0.5
    assert length_controlled_difference(np.array([1.0, 0.0]), np.full(2, 3.0)) is None
    with pytest.raises(UsageError, match="answers of both models"):
        length_controlled_difference(np.zeros(0), np.zeros(0))


@pytest.mark.parametrize("seed", range(4))
def test_agreement_with_people_equals_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = rng.integers(1, 6, 40)
    judge = np.clip(people + rng.integers(-1, 2, 40), 1, 5)
    found = agreement_with_people(judge.tolist(), people.tolist())
    assert found.n == 40
    assert found.kappa == pytest.approx(cohen_kappa_score(judge, people))
    assert found.quadratic_kappa == pytest.approx(cohen_kappa_score(judge, people, weights="quadratic"))
    assert found.exact == pytest.approx(float((judge == people).mean()))


def test_agreement_that_chance_alone_would_give_is_none() -> None:
    found = agreement_with_people([3, 3], [3, 3])
    assert (found.kappa, found.quadratic_kappa, found.exact) == (None, None, 1)
    for judge, people in (([], []), ([1], [1, 2]), ([0], [1])):
        with pytest.raises(UsageError, match="scores from 1 to 5"):
            agreement_with_people(judge, people)


def test_a_rubric_describes_every_score() -> None:
    with pytest.raises(UsageError, match="4 descriptions"):
        Rubric("good?", ("a", "b", "c", "d", " "))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("criteria: good?\ndescriptions: abcde", "found something else"),
        ("criteria: good?\ndescriptions: [a, b, c, d]", "found 4 descriptions"),
        ("criteria: good?\ndescriptions: [a, b, c, d, 5]", "found 5 descriptions, or something that is no text"),
        ("criteria: null\ndescriptions: [a, b, c, d, e]", "or something that is no text"),
        ("- good", "found something else"),
        ("criteria: [", "while parsing"),
    ],
)
def test_a_rubric_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=sentence):
        read_rubric(path)
