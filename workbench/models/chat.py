"""The chat contract: how a conversation about one image becomes tokens, the same in training and in production.

Training, evaluation, pre-labelling, serving and drift all encode through this file, and the contract that they used is
saved beside every adapter with its digest (``chat_contract.json``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from transformers import BatchFeature, ProcessorMixin

from workbench.errors import ModelError
from workbench.models.contract_file import digest_of, read_contract, write_contract
from workbench.models.family import family_of_processor

CONTRACT_FILE = "chat_contract.json"
IGNORED_LABEL = -100
MAX_NEW_TOKENS = 40
_VOLATILE_IMAGE_SETTINGS = frozenset({"image_processor_type", "processor_class", "_processor_class", "data_format"})


@dataclass(frozen=True)
class ChatContract:
    """Everything besides the weights that decides what a model is shown, and after how many tokens it is cut off.

    Two equal digests, two equal prompts.
    """

    chat_template: str
    system_prompt: str
    image_settings_json: str
    class_names: tuple[str, ...]
    max_new_tokens: int = MAX_NEW_TOKENS

    @classmethod
    def of(
        cls,
        processor: ProcessorMixin,
        *,
        class_names: Sequence[str] = (),
        system_prompt: str = "",
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> "ChatContract":
        """Return the contract of ``processor`` as it stands, for a model that knows ``class_names``."""
        chat_template = processor.chat_template or family_of_processor(processor).chat_template
        if not chat_template:
            raise ModelError(
                expected="a processor with a chat template",
                found=f"{type(processor).__name__} without one",
                remedy="name an instruction-tuned model in the recipe",
            )
        if astray := [sign for sign in signs_of(processor) if sign in system_prompt]:
            raise ModelError(
                expected="words alone in base.system_prompt",
                found=f"{min(astray)}, which means something to the model",
                remedy="leave it out",
            )
        settings = processor.image_processor.to_dict()
        kept = {key: settings[key] for key in sorted(settings) if key not in _VOLATILE_IMAGE_SETTINGS}
        return cls(chat_template, system_prompt, json.dumps(kept, sort_keys=True), tuple(class_names), max_new_tokens)

    @classmethod
    def load(cls, directory: Path) -> "ChatContract":
        """Read ``chat_contract.json`` of ``directory``; ModelError when it is absent or was altered."""
        return read_contract(
            directory / CONTRACT_FILE,
            cls._parsed,
            expected=f"a readable {CONTRACT_FILE} beside the weights",
            remedy="tune again, as the adapter cannot be asked what it was taught without it",
        )

    def save(self, directory: Path) -> Path:
        """Write ``chat_contract.json`` into ``directory`` and return its path."""
        return write_contract(directory / CONTRACT_FILE, self._content())

    @property
    def digest(self) -> str:
        """SHA-256 of the contract's content, in hexadecimal."""
        return digest_of(self._content())

    @property
    def image_settings(self) -> Mapping[str, Any]:
        return dict(json.loads(self.image_settings_json))

    def apply(self, processor: ProcessorMixin) -> None:
        """Make ``processor`` prepare conversations and images as this contract says."""
        processor.chat_template = self.chat_template
        for name, value in self.image_settings.items():
            setattr(processor.image_processor, name, value)

    @classmethod
    def _parsed(cls, stored: Mapping[str, Any]) -> "ChatContract":
        return cls(
            stored["chat_template"],
            stored["system_prompt"],
            json.dumps(stored["image_settings"], sort_keys=True),
            tuple(stored["class_names"]),
            stored.get("max_new_tokens", MAX_NEW_TOKENS),
        )

    def _content(self) -> dict[str, Any]:
        """Return what is stored; the usual room for an answer is left out, as releases before knew no other."""
        room = {} if self.max_new_tokens == MAX_NEW_TOKENS else {"max_new_tokens": self.max_new_tokens}
        return {
            "chat_template": self.chat_template,
            "system_prompt": self.system_prompt,
            "image_settings": self.image_settings,
            "class_names": list(self.class_names),
            **room,
        }


def signs_of(processor: ProcessorMixin) -> set[str]:
    """Return what a model takes for a sign of its own, such as ``<image>``, wherever it stands in a text."""
    return {*processor.tokenizer.all_special_tokens, getattr(processor, "image_token", None)} - {None}


def prompt_text(processor: ProcessorMixin, contract: ChatContract, instruction: str) -> str:
    """Return the conversation up to the point where the model answers, with one image placeholder."""
    return _render(processor, contract, _request(contract, instruction), add_generation_prompt=True)


def conversation_text(processor: ProcessorMixin, contract: ChatContract, instruction: str, answer: str) -> str:
    """Return the conversation with the answer, ending on the token with which the model is to stop."""
    before_answer = family_of_processor(processor).before_answer
    if before_answer is not None:
        prompt = prompt_text(processor, contract, instruction)
        return f"{prompt}{before_answer}{answer}{_end_of_answer(processor)}"
    reply = {"role": "assistant", "content": [{"type": "text", "text": answer}]}
    text = _render(processor, contract, [*_request(contract, instruction), reply], add_generation_prompt=False)
    return text.rstrip()


def answer_tokens(processor: ProcessorMixin, contract: ChatContract, instruction: str, answer: str) -> list[int]:
    """Return the tokens that the model is to say: the answer and the end of utterance.

    The prompt's tokens must be a prefix of the conversation's, and the conversation must end with the token by which
    the family ends an answer: a ModelError tells when a chat template breaks either.
    """
    end_id = processor.tokenizer.convert_tokens_to_ids(_end_of_answer(processor))
    if family_of_processor(processor).answers_apart:
        prompt, whole = [], _token_ids(processor, f"{answer}{_end_of_answer(processor)}")
    else:
        prompt = _token_ids(processor, prompt_text(processor, contract, instruction))
        whole = _token_ids(processor, conversation_text(processor, contract, instruction, answer))
    if not answer.strip() or whole[: len(prompt)] != prompt or whole[-1] != end_id:
        raise ModelError(
            expected=f"a chat template whose prompt begins the conversation and that ends in {end_id}",
            found=f"{whole[-4:]} at the end of {len(whole)} tokens for the answer {answer!r}",
            remedy="use the model's own chat template, and give an answer that is not empty",
        )
    return whole[len(prompt) :]


def tokens_after_image(processor: ProcessorMixin, contract: ChatContract, instruction: str) -> list[int]:
    """Return the tokens of a prompt behind the image's placeholder, which every processor keeps as they are."""
    prompt = _token_ids(processor, prompt_text(processor, contract, instruction))
    return prompt[prompt.index(processor.image_token_id) + 1 :]


def encode(
    processor: ProcessorMixin,
    contract: ChatContract,
    images: Sequence[Image],
    instructions: Sequence[str],
    answers: Sequence[str],
) -> BatchFeature:
    """Return a right-padded training batch whose ``labels`` keep the answers and their end token alone.

    ``labels`` is ``[batch, length]``, -100 on prompt, image and padding. Nothing is ever truncated: a cut would remove
    image placeholders.
    """
    if family_of_processor(processor).answers_apart:
        texts = [prompt_text(processor, contract, instruction) for instruction in instructions]
        batch = _process(processor, images, texts, padding_side="right", suffix=list(answers))
    else:
        texts = [
            conversation_text(processor, contract, instruction, answer)
            for instruction, answer in zip(instructions, answers, strict=True)
        ]
        batch = _process(processor, images, texts, padding_side="right")
    labels = torch.full_like(batch["input_ids"], IGNORED_LABEL)
    lengths = batch["attention_mask"].sum(dim=1).tolist()
    for row, (instruction, answer) in enumerate(zip(instructions, answers, strict=True)):
        tokens = torch.tensor(answer_tokens(processor, contract, instruction, answer))
        span = slice(lengths[row] - len(tokens), lengths[row])
        if not torch.equal(batch["input_ids"][row, span], tokens):
            raise ModelError(
                expected="the answer at the end of the encoded conversation",
                found=f"other tokens there for the answer {answer!r}",
                remedy="use the model's own processor and chat template",
            )
        labels[row, span] = tokens
    batch["labels"] = labels
    return batch


def encode_prompts(
    processor: ProcessorMixin, contract: ChatContract, images: Sequence[Image], instructions: Sequence[str]
) -> BatchFeature:
    """Return a left-padded batch of prompts, ready for generation."""
    texts = [prompt_text(processor, contract, instruction) for instruction in instructions]
    return _process(processor, images, texts, padding_side="left")


def _process(
    processor: ProcessorMixin, images: Sequence[Image], texts: Sequence[str], *, padding_side: str, **more: Any
) -> BatchFeature:
    batch = processor(
        images=[[image] for image in images],
        text=list(texts),
        padding=True,
        padding_side=padding_side,
        return_tensors="pt",
        add_special_tokens=_lacks_beginning(processor, texts[0]),
        **more,
    )
    batch.pop("labels", None)  # PaliGemma's own, which mask nothing in prompts
    return batch


def _request(contract: ChatContract, instruction: str) -> list[dict[str, Any]]:
    user = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": instruction}]}
    if not contract.system_prompt:
        return [user]
    return [{"role": "system", "content": [{"type": "text", "text": contract.system_prompt}]}, user]


def _render(
    processor: ProcessorMixin, contract: ChatContract, messages: list[dict[str, Any]], *, add_generation_prompt: bool
) -> str:
    return str(
        processor.apply_chat_template(
            messages,
            chat_template=contract.chat_template,
            add_generation_prompt=add_generation_prompt,
            tokenize=False,
        )
    )


def _end_of_answer(processor: ProcessorMixin) -> str:
    return family_of_processor(processor).end_of_answer or str(processor.tokenizer.eos_token)


def _token_ids(processor: ProcessorMixin, text: str) -> list[int]:
    return list(processor.tokenizer(text, add_special_tokens=_lacks_beginning(processor, text))["input_ids"])


def _lacks_beginning(processor: ProcessorMixin, text: str) -> bool:
    """Tell whether the tokenizer may add its beginning of sequence: a template's own must not be doubled."""
    beginning = processor.tokenizer.bos_token
    return not (beginning and text.startswith(beginning))
