"""The dual encoder: images and texts in one space, for deduplication, active learning, drift and search.

A CLIP or a SigLIP model, and an adapter on it where a site has tuned one. They differ in how a text is pooled: CLIP at
its end token, SigLIP at the last place of a text that is always padded to the model's whole length.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from PIL.Image import Image
from transformers import (
    AutoConfig,
    CLIPModel,
    CLIPProcessor,
    PreTrainedModel,
    ProcessorMixin,
    SiglipModel,
    SiglipProcessor,
)

from workbench.errors import ModelError
from workbench.models.hub import needs_no_network
from workbench.models.instructions import class_text
from workbench.models.loading import attach_adapter, version_of
from workbench.models.search_contract import PLAIN_PROMPT, SearchContract

Embeddings = np.ndarray[Any, np.dtype[np.float32]]
_KINDS: dict[str, tuple[Any, Any]] = {"clip": (CLIPModel, CLIPProcessor), "siglip": (SiglipModel, SiglipProcessor)}


@dataclass(frozen=True)
class DualEncoder:
    """A loaded CLIP or SigLIP model; embeddings have unit length: their dot product is the cosine similarity."""

    model: PreTrainedModel | PeftModel
    processor: ProcessorMixin
    version: str = ""
    class_prompts: tuple[str, ...] = field(default=(PLAIN_PROMPT,))

    @cached_property
    def core(self) -> PreTrainedModel:
        """The model itself, with the layers of an adapter in it where there is one."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    @property
    def width(self) -> int:
        """Numbers in one embedding."""
        config = self.core.config
        shared = config.text_config.projection_size if self.pads_texts else config.projection_dim
        return int(shared)

    @property
    def text_tokens(self) -> int:
        """The longest text that the model reads, in tokens."""
        return int(self.core.config.text_config.max_position_embeddings)

    @property
    def pads_texts(self) -> bool:
        """Whether every text is padded to ``text_tokens`` and nothing of it masked, as SigLIP was trained."""
        return bool(self.core.config.model_type == "siglip")

    def embed_images(self, images: Sequence[Image], *, batch_size: int = 64) -> Embeddings:
        """Return float32 ``[n_images, width]``, each row of unit length."""
        parts = [np.zeros((0, self.width), dtype=np.float32)]
        for start in range(0, len(images), batch_size):
            with torch.inference_mode():
                pixels = self.pixels(images[start : start + batch_size]).to(self.core.device)
                parts.append(_unit_rows(self.project_images(self.pool_images(pixels))))
        return np.concatenate(parts)

    def embed_texts(self, texts: Sequence[str], *, batch_size: int = 64) -> Embeddings:
        """Return float32 ``[n_texts, width]``, each row of unit length; words past the model's length are dropped."""
        parts = [np.zeros((0, self.width), dtype=np.float32)]
        for start in range(0, len(texts), batch_size):
            with torch.inference_mode():
                tokens = self.tokens(texts[start : start + batch_size])
                parts.append(_unit_rows(self.project_texts(self.pool_texts(tokens))))
        return np.concatenate(parts)

    def embed_classes(self, class_names: Sequence[str]) -> Embeddings:
        """Return float32 ``[n_classes, width]``: of each class the mean direction of its prompts."""
        found = self.embed_texts(self.prompts(class_names))
        means = found.reshape(len(class_names), len(self.class_prompts), self.width).mean(axis=1)
        unit: Embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit

    def prompts(self, class_names: Sequence[str]) -> list[str]:
        """Return the sentences that stand for the classes, those of one class together."""
        return [prompt.format(class_text(name)) for name in class_names for prompt in self.class_prompts]

    def too_long(self, texts: Sequence[str]) -> list[str]:
        """Return the texts whose last words are dropped, as the model reads no more than ``text_tokens``."""
        return [text for text in texts if len(_ids(self.processor.tokenizer, text)) >= self.text_tokens]

    def pixels(self, images: Sequence[Image]) -> torch.Tensor:
        pixels: torch.Tensor = self.processor.image_processor(images=list(images), return_tensors="pt")["pixel_values"]
        return pixels

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return what the text tower takes."""
        encode = encode_whole_texts if self.pads_texts else encode_texts
        return {name: ids.to(self.core.device) for name, ids in encode(self.processor, texts, self.text_tokens).items()}

    def pool_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return ``[n_images, tower width]``: what the image tower says, before the projection."""
        pooled: torch.Tensor = self.core.vision_model(pixel_values=pixels).pooler_output
        return pooled

    def pool_texts(self, tokens: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return ``[n_texts, tower width]``: what the text tower says, before the projection."""
        pooled: torch.Tensor = self.core.text_model(**tokens).pooler_output
        return pooled

    def project_images(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return ``[n_images, width]``; SigLIP's towers end in the common space themselves."""
        projected: torch.Tensor = pooled if self.pads_texts else self.core.visual_projection(pooled)
        return projected

    def project_texts(self, pooled: torch.Tensor) -> torch.Tensor:
        projected: torch.Tensor = pooled if self.pads_texts else self.core.text_projection(pooled)
        return projected


def load_dual_encoder(
    path: str | Path, *, adapter: Path | None = None, revision: str | None = None, dtype: str = "float32"
) -> DualEncoder:
    """Load the CLIP or SigLIP model at ``path`` (a directory or a hub name), and ``adapter`` on it.

    ModelError when there is none, or when the adapter was tuned on another base or does not fit it whole.
    """
    try:
        model, processor = _load(path, revision, dtype)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as exc:
        raise ModelError(
            expected=f"a CLIP model or a SigLIP model in {path}",
            found=str(exc).strip().splitlines()[0].rstrip(".:"),
            remedy="name a directory that `workbench base build` made, or such a model of a hub",
        ) from exc
    version = version_of(path, model, None)
    if adapter is None:
        return DualEncoder(model, processor, version)
    contract = SearchContract.load(adapter)
    contract.require_fit(SearchContract.of(model, processor, base_version=version), adapter)
    adapted = attach_adapter(model, adapter).eval()
    contract.apply(adapted.get_base_model())
    return DualEncoder(adapted, processor, version_of(path, model, adapter), contract.class_prompts)


def encode_texts(processor: ProcessorMixin, texts: Sequence[str], text_tokens: int) -> dict[str, torch.Tensor]:
    """Tokenise ``texts`` with the end token by which CLIP pools a text, cut to ``text_tokens``."""
    tokenizer = processor.tokenizer
    rows = [[*_ids(tokenizer, text)[: text_tokens - 1], tokenizer.eos_token_id] for text in texts]
    padded = tokenizer.pad({"input_ids": rows}, padding=True, return_tensors="pt")
    return {"input_ids": padded["input_ids"], "attention_mask": padded["attention_mask"]}


def encode_whole_texts(processor: ProcessorMixin, texts: Sequence[str], text_tokens: int) -> dict[str, torch.Tensor]:
    """Tokenise ``texts`` padded or cut to exactly ``text_tokens``, as SigLIP was trained: it masks nothing."""
    encoded = processor.tokenizer(
        list(texts), padding="max_length", truncation=True, max_length=text_tokens, return_tensors="pt"
    )
    return {"input_ids": encoded["input_ids"]}


def _ids(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of ``text`` without an end token, which some tokenizers add themselves."""
    ids: list[int] = tokenizer(text)["input_ids"]
    return ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids


def _load(path: str | Path, revision: str | None, dtype: str) -> tuple[PreTrainedModel, ProcessorMixin]:
    where = {"revision": revision, "local_files_only": needs_no_network(path, revision=revision)}
    kind = AutoConfig.from_pretrained(str(path), **where).model_type
    if kind not in _KINDS:
        raise ValueError(f"a model of the kind {kind}")
    model_class, processor_class = _KINDS[kind]
    model = model_class.from_pretrained(str(path), dtype=dtype, use_safetensors=True, **where).eval()
    return model, processor_class.from_pretrained(str(path), backend="pil", **where)


def _unit_rows(vectors: torch.Tensor) -> Embeddings:
    unit: Embeddings = torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()
    return unit
