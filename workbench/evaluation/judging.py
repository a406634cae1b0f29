"""A judge that scores answers by a rubric from 1 to 5, in the form of Prometheus-Vision, and what keeps it honest.

Lee et al., "Prometheus-Vision: Vision-Language Model as a Judge for Fine-Grained Evaluation", Findings of ACL 2024:
instruction, response, reference answer, one criterion and a description of each score go in, ``Feedback: … [RESULT] n``
comes out. A judge is any callable; one that answers nonsense or not at all is counted, never guessed at.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from workbench.errors import ServiceError, UsageError

__all__ = [
    "CAPTION_RUBRIC",
    "SCORES",
    "Judge",
    "JudgeQuestion",
    "Judgement",
    "Rubric",
    "Verdict",
    "judge_all",
    "judge_prompt",
    "read_verdict",
]

SCORES = (1, 2, 3, 4, 5)
_TASK = """###Task Description:
You are given an image, an instruction, a response to evaluate, a reference answer that would get score 5, and a rubric.
1. Write feedback on the response, by the rubric alone. Its length is no merit.
2. Then give the whole number from 1 to 5 that the rubric describes.
3. Answer in this form: "Feedback: (your feedback) [RESULT] (a whole number from 1 to 5)"
4. Write nothing else."""
_RESULT = re.compile(r"\[RESULT\]\W*(?:score\W*)?([1-5])(?![\d.]*\d)", re.IGNORECASE)
_FEEDBACK = re.compile(r"^\W*feedback\s*:\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Rubric:
    """What is asked of an answer, and what each score from 1 to 5 means."""

    criteria: str
    descriptions: tuple[str, str, str, str, str]

    def __post_init__(self) -> None:
        described = sum(bool(text.strip()) for text in self.descriptions)
        if not self.criteria.strip() or not len(self.descriptions) == described == len(SCORES):
            raise UsageError(
                expected="a criterion and a description of each score from 1 to 5",
                found=f"{described} descriptions",
                remedy="describe what an answer of each score is like",
            )


CAPTION_RUBRIC = Rubric(
    "Does the caption tell what a person at the camera would need to know, as the reference does?",
    (
        "It speaks of another scene: who, what or where is wrong throughout.",
        "Something of the scene is right, but what matters is wrong or missing.",
        "What matters is there, with one clear mistake or omission.",
        "Right in all that matters; a detail is missing or vague.",
        "As right and as complete as the reference, in whatever words.",
    ),
)
"""What captions are judged by where nobody brings a rubric."""


@dataclass(frozen=True)
class JudgeQuestion:
    """One answer to be judged beside the frame; ``falling`` lists the scores from 5 down, which tells order bias."""

    frame_id: str
    instruction: str
    response: str
    reference: str
    rubric: Rubric
    falling: bool = False


@dataclass(frozen=True)
class Verdict:
    score: int
    feedback: str


@dataclass(frozen=True)
class Judgement:
    """What a judge said about one answer, asked with the scores in rising and in falling order.

    ``score`` is the mean of the two, or the one that could be read, or None.
    """

    rising: Verdict | None
    falling: Verdict | None

    @property
    def score(self) -> float | None:
        scores = [verdict.score for verdict in (self.rising, self.falling) if verdict is not None]
        return sum(scores) / len(scores) if scores else None


Judge = Callable[[Sequence[JudgeQuestion]], Sequence[str | None]]
"""Takes questions and returns a text for each; None where there was no answer. It sees the frame by its id."""


def judge_prompt(question: JudgeQuestion) -> str:
    """Return the text that goes to the judge with the frame's image."""
    descriptions = [f"Score {score}: {text}" for score, text in zip(SCORES, question.rubric.descriptions, strict=True)]
    if question.falling:
        descriptions.reverse()
    return "\n\n".join(
        (
            _TASK,
            f"###The instruction to evaluate:\n{question.instruction}",
            f"###Response to evaluate:\n{question.response}",
            f"###Reference Answer (Score 5):\n{question.reference}",
            f"###Score Rubrics:\n[{question.rubric.criteria}]\n" + "\n".join(descriptions),
            "###Feedback:",
        )
    )


def read_verdict(answer: str | None) -> Verdict | None:
    """Return what a judge's answer says; None without exactly one score from 1 to 5 behind ``[RESULT]``."""
    found = _RESULT.findall(answer or "")
    if answer is None or len(set(found)) != 1 or answer.upper().count("[RESULT]") != len(found):
        return None
    feedback = answer[: answer.upper().index("[RESULT]")].strip()
    return Verdict(int(found[0]), _FEEDBACK.sub("", feedback))


def judge_all(judge: Judge, questions: Sequence[JudgeQuestion]) -> tuple[Judgement, ...]:
    """Ask about every answer twice, with the rubric's scores in rising and in falling order.

    A judge that fails as a whole (ServiceError) gives no verdict on any of the answers that it was asked about.
    """
    rising = _verdicts(judge, [replace(question, falling=False) for question in questions])
    falling = _verdicts(judge, [replace(question, falling=True) for question in questions])
    return tuple(Judgement(*pair) for pair in zip(rising, falling, strict=True))


def _verdicts(judge: Judge, questions: Sequence[JudgeQuestion]) -> list[Verdict | None]:
    try:
        answers = judge(questions)
    except ServiceError:
        answers = [None] * len(questions)
    return [read_verdict(answer) for answer in answers]
