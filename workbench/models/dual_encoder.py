"""The dual encoder: images and texts in one space, for deduplication, active learning, drift and search."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL.Image import Image
from transformers import CLIPModel, CLIPProcessor

from workbench.errors import ModelError

Embeddings = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class DualEncoder:
    """A loaded CLIP model; embeddings have unit length, so that their dot product is the cosine similarity."""

    model: CLIPModel
    processor: CLIPProcessor

    @property
    def width(self) -> int:
        """Numbers in one embedding."""
        return int(self.model.config.projection_dim)

    def embed_images(self, images: Sequence[Image], *, batch_size: int = 64) -> Embeddings:
        """Return float32 ``[n_images, width]``, each row of unit length."""
        parts = [np.zeros((0, self.width), dtype=np.float32)]
        for start in range(0, len(images), batch_size):
            batch = self.processor(images=list(images[start : start + batch_size]), return_tensors="pt")
            with torch.inference_mode():
                parts.append(_unit_rows(self.model.get_image_features(**batch).pooler_output))
        return np.concatenate(parts)

    def embed_texts(self, texts: Sequence[str], *, batch_size: int = 64) -> Embeddings:
        """Return float32 ``[n_texts, width]``, each row of unit length; words past the model's length are dropped."""
        parts = [np.zeros((0, self.width), dtype=np.float32)]
        for start in range(0, len(texts), batch_size):
            batch = encode_texts(self.processor, texts[start : start + batch_size], self.text_tokens)
            with torch.inference_mode():
                parts.append(_unit_rows(self.model.get_text_features(**batch).pooler_output))
        return np.concatenate(parts)

    @property
    def text_tokens(self) -> int:
        """The longest text that the model reads, in tokens."""
        return int(self.model.config.text_config.max_position_embeddings)


def load_dual_encoder(path: str | Path) -> DualEncoder:
    """Load the CLIP model in directory ``path``; ModelError when it holds none."""
    try:
        model = CLIPModel.from_pretrained(str(path), use_safetensors=True).eval()
        processor = CLIPProcessor.from_pretrained(str(path), backend="pil")
    except (OSError, ValueError, KeyError, RuntimeError) as exc:
        raise ModelError(
            expected=f"a CLIP model in {path}",
            found=str(exc).strip().splitlines()[0].rstrip(".:"),
            remedy="name a directory that `workbench base build` made",
        ) from exc
    return DualEncoder(model, processor)


def encode_texts(processor: CLIPProcessor, texts: Sequence[str], text_tokens: int) -> dict[str, torch.Tensor]:
    """Tokenise ``texts`` with the end token by which CLIP pools a text, cut to ``text_tokens``."""
    tokenizer = processor.tokenizer
    rows = [[*tokenizer(text)["input_ids"][: text_tokens - 1], tokenizer.eos_token_id] for text in texts]
    padded = tokenizer.pad({"input_ids": rows}, padding=True, return_tensors="pt")
    return {"input_ids": padded["input_ids"], "attention_mask": padded["attention_mask"]}


def _unit_rows(vectors: torch.Tensor) -> Embeddings:
    unit: Embeddings = torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()
    return unit
