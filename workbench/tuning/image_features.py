"""What a vision tower and its projector made of pictures: as tensors to keep, and as the model takes them back.

Families that keep pictures apart answer with a list, others with one tensor; Qwen3-VL also hands features to deeper
layers of its language model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

__all__ = ["joined_features", "kept_features", "seen_again"]

_FEATURES, _DEEPER = "features", "deeper"
_PLACES = {_FEATURES: 0, _DEEPER: 1}


def kept_features(seen: Any) -> dict[str, torch.Tensor]:
    """Return the features of one picture, ``[tokens, width]`` or ``[tiles, tokens, width]``, by name.

    ``seen`` is what ``get_image_features`` returned for it; features of deeper layers are ``[layers, tokens, width]``.
    """
    pooled, deeper = seen.pooler_output, getattr(seen, "deepstack_features", None)
    kept = {_FEATURES: pooled if isinstance(pooled, torch.Tensor) else torch.cat(list(pooled))}
    return {**kept, _DEEPER: torch.stack([torch.cat(list(layer)) for layer in deeper])} if deeper else kept


def joined_features(rows: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the features of several pictures, one behind the other."""
    return {name: torch.cat([row[name] for row in rows], dim=_PLACES[name]) for name in rows[0]}


def seen_again(joined: Mapping[str, torch.Tensor]) -> BaseModelOutputWithPooling:
    """Return what ``get_image_features`` would have returned for the pictures of which the features are ``joined``."""
    features = joined[_FEATURES]
    keeps_tiles = features.ndim == 3
    seen = BaseModelOutputWithPooling(pooler_output=features if keeps_tiles else [features])
    if _DEEPER in joined:
        seen.deepstack_features = [(layer,) for layer in joined[_DEEPER]]
    return seen
