"""A labelled frame as conversations: what a model is asked about it and what it is to answer."""

from collections.abc import Sequence

from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text

__all__ = ["Chat", "frame_to_chats"]

Chat = list[dict[str, object]]


def frame_to_chats(class_name: str, caption: str, class_names: Sequence[str]) -> list[Chat]:
    """Return a chat that asks for the caption (unless nobody wrote one) and a chat that asks for the class."""
    chats = [_chat(class_instruction(class_names), class_text(class_name))]
    return [_chat(CAPTION_INSTRUCTION, caption), *chats] if caption else chats


def _chat(instruction: str, answer: str) -> Chat:
    return [
        {"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": instruction}]},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
    ]
