"""What a vision tower and its projector made of pictures: as tensors to keep, and as the model takes them back.

Families that keep pictures apart answer with a list, others with one tensor; Qwen3-VL also hands features to deeper
layers of its language model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

__all__ = ["joined_features", "kept_features"]

_FEATURES, _DEEPER = "features", "deeper"


def kept_features(seen: Any) -> dict[str, torch.Tensor]:
    """Return the features of one picture, ``[tokens, width]`` or ``[tiles, tokens, width]``, by name.

    ``seen`` is what ``get_image_features`` returned for it; features of deeper layers are ``[layers, tokens, width]``.
    """
    pooled, deeper = seen.pooler_output, getattr(seen, "deepstack_features", None)
    kept = {_FEATURES: pooled if isinstance(pooled, torch.Tensor) else torch.cat(list(pooled))}
    return {**kept, _DEEPER: torch.stack([torch.cat(list(layer)) for layer in deeper])} if deeper else kept


def joined_features(rows: Sequence[Mapping[str, torch.Tensor]]) -> BaseModelOutputWithPooling:
    """Return what ``get_image_features`` would have returned for the pictures of which ``rows`` are kept."""
    features = [row[_FEATURES] for row in rows]
    keeps_tiles = features[0].ndim == 3
    seen = BaseModelOutputWithPooling(pooler_output=torch.cat(features) if keeps_tiles else features)
    if _DEEPER in rows[0]:
        seen.deepstack_features = list(zip(*(row[_DEEPER] for row in rows), strict=True))
    return seen
