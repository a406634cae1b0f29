"""Reads the VQA challenge's layout: what people answered, under ``annotations``, and predictions as a list."""

from dataclasses import dataclass
from pathlib import Path

from workbench.evaluation.json_rows import Rows, check_same, keys_of, read_rows, refuse, text_of

__all__ = ["VqaPairs", "load_vqa_pairs"]

_ANSWERS = '{"annotations": [{"question_id", "answers": [{"answer"}, …]}, …]}'
_PREDICTIONS = '[{"question_id", "answer"}, …]'


@dataclass(frozen=True)
class VqaPairs:
    """One prediction per question, and what people answered to it."""

    predictions: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]


def load_vqa_pairs(answers: Path, predictions: Path) -> VqaPairs:
    """Return what two files say about the same questions; UsageError when a layout is wrong or they do not match."""
    rows = read_rows(answers, _ANSWERS, below="annotations")
    questions = keys_of(answers, rows, "question_id")
    given = tuple(_given(answers, row.get("answers")) for row in rows)
    said_rows = read_rows(predictions, _PREDICTIONS)
    said_questions = keys_of(predictions, said_rows, "question_id")
    check_same(predictions, said_questions, answers, questions, "question")
    texts = (text_of(predictions, row, "answer") for row in said_rows)
    said = dict(zip(said_questions, texts, strict=True))
    return VqaPairs(tuple(said[question] for question in questions), given)


def _given(path: Path, answers: object) -> tuple[str, ...]:
    if not isinstance(answers, list) or not answers or not all(isinstance(answer, dict) for answer in answers):
        refuse(path, f"at least one answer to every question, as {_ANSWERS},", "a question without", "correct that row")
    rows: Rows = answers
    return tuple(text_of(path, row, "answer") for row in rows)
