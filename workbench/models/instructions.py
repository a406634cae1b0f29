"""The wording of every instruction the workbench gives to a vision-language model.

Pre-training of the embedded base, tuning, evaluation, pre-labelling and serving all read the wording from here, so
that a model is asked in production exactly what it was asked in training.
"""

from collections.abc import Sequence

CAPTION_INSTRUCTION = "Describe this camera image in one sentence."


def class_text(class_name: str) -> str:
    """Return the words by which a model knows a class: ``person_at_table`` is asked for as ``person at table``."""
    return class_name.replace("_", " ").strip()


def class_instruction(class_names: Sequence[str]) -> str:
    """Return the question that asks for exactly one of ``class_names``, which are listed in the order given."""
    return f"Which class fits this image? Choose one: {', '.join(map(class_text, class_names))}."


def yes_no_instruction(question: str) -> str:
    """Return ``question`` with the request for a bare yes or no."""
    return f"{question} Answer yes or no."


def count_instruction(things: str) -> str:
    """Return the question for the number of ``things`` (a plural noun), to be answered in digits."""
    return f"How many {things} are in this image? Answer with a number."


def choice_instruction(question: str, options: Sequence[str]) -> str:
    """Return ``question`` with the request for one of ``options``; for yes and no the request for a bare one."""
    if tuple(options) == ("yes", "no"):
        return yes_no_instruction(question)
    return f"{question} Choose one: {', '.join(options)}."
