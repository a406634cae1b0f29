"""A vision-language model with its processor and chat contract, asked through five methods.

Directories and hub names load alike. Class answers are chosen by likelihood among the names given, so that they are
always valid and carry a probability.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from PIL.Image import Image
from transformers import BatchFeature, PreTrainedModel, ProcessorMixin

from workbench.models.chat import CONTRACT_FILE, ChatContract, answer_tokens, encode_prompts
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text
from workbench.models.linear import quicken
from workbench.models.loading import attach_adapter, load_base, load_processor, version_of
from workbench.models.reading import picture_embeddings
from workbench.models.scoring import log_likelihoods

MAX_CACHED_ROWS = 256


@dataclass(frozen=True)
class Vlm:
    """A loaded model; ``version`` names its weights, such as ``base-vlm@1a2b3c4d+adapter@5e6f7a8b``."""

    model: PreTrainedModel
    processor: ProcessorMixin
    contract: ChatContract
    version: str

    def generate_captions(
        self, images: Sequence[Image], *, max_new_tokens: int | None = None, batch_size: int = 32
    ) -> list[str]:
        """Return one caption per image, decoded greedily, of as many tokens as the contract has room for."""
        instructions = [CAPTION_INSTRUCTION] * len(images)
        return self.answer(images, instructions, max_new_tokens=max_new_tokens, batch_size=batch_size)

    def answer(
        self,
        images: Sequence[Image],
        instructions: Sequence[str],
        *,
        max_new_tokens: int | None = None,
        batch_size: int = 32,
    ) -> list[str]:
        """Return the model's greedy answer to each instruction about the image at the same place.

        Instructions of like length are asked together, so that little is padded.
        """
        answers = [""] * len(images)
        room = max_new_tokens or self.contract.max_new_tokens
        by_length = sorted(range(len(images)), key=lambda place: len(instructions[place]))
        for rows in _batches(len(images), batch_size):
            places = by_length[rows]
            batch = self._prompts([images[place] for place in places], [instructions[place] for place in places])
            with torch.inference_mode():
                tokens = self.model.generate(**batch, max_new_tokens=room, do_sample=False)
            new_tokens = tokens[:, batch["input_ids"].shape[1] :]
            said = self.processor.batch_decode(new_tokens, skip_special_tokens=True)
            for place, answer in zip(places, said, strict=True):
                answers[place] = answer.strip()
        return answers

    def class_probabilities(
        self, images: Sequence[Image], class_names: Sequence[str], *, batch_size: int = 16
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return ``[n_images, n_classes]``: the softmax over the classes of the log-likelihood of each one's answer.

        An answer is the class's words and the end token. Every image and prompt is run once; the classes then share
        its key-value cache.
        """
        likelihoods = self.choice_log_likelihoods(
            images, class_instruction(class_names), [class_text(name) for name in class_names], batch_size=batch_size
        )
        return likelihoods.softmax(dim=1).numpy()

    def choice_log_likelihoods(
        self, images: Sequence[Image], instruction: str, choices: Sequence[str], *, batch_size: int = 16
    ) -> torch.Tensor:
        """Return float64 ``[n_images, n_choices]``: log p(choice and end token | image, instruction), in nats."""
        results = [torch.zeros(0, len(choices), dtype=torch.float64)]
        results += [likelihoods for likelihoods, _ in self._scored(images, instruction, choices, batch_size)]
        return torch.cat(results)

    def look(
        self, images: Sequence[Image], class_names: Sequence[str], *, batch_size: int = 16
    ) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float32]]]:
        """Return the class probabilities and, of the same pass, embeddings ``[n_images, width]`` of the pictures.

        An embedding is the mean of what the language model is given for an image: near ones look alike to this model.
        """
        asked = class_instruction(class_names), [class_text(name) for name in class_names]
        likelihoods = [torch.zeros(0, len(class_names), dtype=torch.float64)]
        embeddings = [torch.zeros(0, self.model.config.get_text_config().hidden_size)]
        for scores, seen in self._scored(images, *asked, batch_size, sees=True):
            likelihoods.append(scores)
            embeddings.append(seen)
        return torch.cat(likelihoods).softmax(dim=1).numpy(), torch.cat(embeddings).numpy()

    def _scored(
        self, images: Sequence[Image], instruction: str, choices: Sequence[str], batch_size: int, *, sees: bool = False
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield some images' log-likelihoods and, where it ``sees``, their embeddings."""
        answers = [answer_tokens(self.processor, self.contract, instruction, choice) for choice in choices]
        rows_at_once = max(1, min(batch_size, MAX_CACHED_ROWS // max(1, len(choices))))
        for rows in _batches(len(images), rows_at_once):
            batch = self._prompts(images[rows], [instruction] * len(images[rows]))
            with torch.inference_mode():
                prompt = self.model(**batch, use_cache=True, logits_to_keep=1, output_hidden_states=sees)
                seen = torch.zeros(len(images[rows]), 0)
                if sees:
                    seen = picture_embeddings(self.model, batch["input_ids"], prompt.hidden_states[0])
                scores = log_likelihoods(self.model, batch, prompt, answers)
            yield scores, seen

    @property
    def manner(self) -> str:
        """Digest of what else than the weights decides answers: the contract, the number type and quantization."""
        held = f"{self.model.dtype} {getattr(self.model.config, 'quantization_config', None)}"
        return hashlib.sha256(f"{replace(self.contract, class_names=()).digest} {held}".encode()).hexdigest()

    @contextmanager
    def without_adapter(self) -> Iterator["Vlm | None"]:
        """Yield the base that the adapter was tuned from, held and asked in the same way; None without an adapter.

        The adapter rests as long as the block runs, so this model must not be asked in it.
        """
        if not isinstance(self.model, PeftModel):
            yield None
            return
        with self.model.disable_adapter():
            yield replace(self, version=self.version.partition("+")[0])

    def _prompts(self, images: Sequence[Image], instructions: Sequence[str]) -> BatchFeature:
        self.model.eval()
        return encode_prompts(self.processor, self.contract, images, instructions).to(self.model.device)


def load_vlm(
    source: str | Path,
    *,
    adapter: Path | None = None,
    revision: str | None = None,
    dtype: str = "float32",
    quantization: str | None = None,
    image_settings: dict[str, Any] | None = None,
    contract: ChatContract | None = None,
) -> Vlm:
    """Load the model at ``source`` (a directory or a hub name), optionally with the adapter in ``adapter``.

    ``dtype`` is a torch dtype's name or ``auto``; ``quantization`` is None or ``nf4``; ``image_settings`` override the
    image processor's (the pixel budget). With an adapter its own ``chat_contract.json`` is used unless ``contract`` is
    given, and so is that of a merged model unless ``image_settings`` are. Runs on the first GPU if there is one. Raises
    ModelError when something cannot be loaded or does not fit.
    """
    if contract is None and adapter:
        contract = ChatContract.load(adapter)
    elif contract is None and image_settings is None and (Path(source) / CONTRACT_FILE).is_file():
        contract = ChatContract.load(Path(source))
    processor = load_processor(source, revision=revision)
    for name, value in (image_settings or {}).items():
        setattr(processor.image_processor, name, value)
    model = load_base(source, revision=revision, dtype=dtype, quantization=quantization)
    if model.device.type == "cpu":
        quicken(model)
    version = version_of(source, model, adapter)
    contract = contract or ChatContract.of(processor)
    contract.apply(processor)
    if adapter:
        model = attach_adapter(model, adapter)
    model.eval()
    return Vlm(model, processor, contract, version)


def _batches(total: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, total, size))
