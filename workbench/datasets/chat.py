"""A labelled frame as conversations: what a model is asked about it and what it is to answer."""

from collections.abc import Sequence
from functools import lru_cache

from workbench.domain import Answer, Question
from workbench.models.instructions import CAPTION_INSTRUCTION, choice_instruction, class_instruction, class_text

__all__ = ["Chat", "answer_to_chats"]

Chat = list[dict[str, object]]


def answer_to_chats(answer: Answer, class_names: Sequence[str], questions: Sequence[Question] = ()) -> list[Chat]:
    """Return a chat that asks for the caption (unless nobody wrote one), one for the class, and one for each reply.

    Chats share their parts, which are not to be changed.
    """
    chats = [_class_chat(answer.class_name, tuple(class_names))]
    if answer.caption:
        chats.insert(0, _chat(CAPTION_INSTRUCTION, answer.caption))
    asked = [(question, answer.replies[question.name]) for question in questions if question.name in answer.replies]
    return chats + [_chat(choice_instruction(question.text, question.options), reply) for question, reply in asked]


@lru_cache
def _class_chat(class_name: str, class_names: tuple[str, ...]) -> Chat:
    return _chat(class_instruction(class_names), class_text(class_name))


def _chat(instruction: str, answer: str) -> Chat:
    return [_asked(instruction), {"role": "assistant", "content": [{"type": "text", "text": answer}]}]


@lru_cache
def _asked(instruction: str) -> dict[str, object]:
    return {"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": instruction}]}
