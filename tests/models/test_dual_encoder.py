"""Embeddings have unit length and do not depend on how they were batched."""

from pathlib import Path

import numpy as np
import pytest
from PIL.Image import Image

from workbench.errors import ModelError
from workbench.models.dual_encoder import DualEncoder, encode_texts, load_dual_encoder


def test_embeddings_are_unit_rows(dual_encoder: DualEncoder, images: list[Image]) -> None:
    for rows in (dual_encoder.embed_images(images), dual_encoder.embed_texts(["free", "a forklift at the gate", ""])):
        assert rows.shape == (3, dual_encoder.width)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert dual_encoder.embed_images([]).shape == (0, dual_encoder.width)


def test_batches_do_not_matter(dual_encoder: DualEncoder, images: list[Image]) -> None:
    texts = ["free", "a much longer text than the first one", "a forklift"]
    alone = np.concatenate([dual_encoder.embed_texts([text]) for text in texts])
    np.testing.assert_allclose(dual_encoder.embed_texts(texts), alone, atol=1e-5)
    np.testing.assert_allclose(
        dual_encoder.embed_images(images), dual_encoder.embed_images(images, batch_size=1), atol=1e-5
    )


def test_long_text_is_cut_but_keeps_its_end_token(dual_encoder: DualEncoder) -> None:
    tokens = encode_texts(dual_encoder.processor, ["forklift " * 200], dual_encoder.text_tokens)["input_ids"]
    assert tokens.shape == (1, dual_encoder.text_tokens)
    assert tokens[0, -1] == dual_encoder.processor.tokenizer.eos_token_id


def test_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a CLIP model or a SigLIP model"):
        load_dual_encoder(tmp_path)
