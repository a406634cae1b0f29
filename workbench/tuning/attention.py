"""Attention on the CPU as training needs it: one step of autograd, from projected states to what ``o_proj`` takes.

PyTorch's fused kernel does not use the matrix units there, and transformers' plain one turns heads and weighs scores in
float32 even where products are calculated in bfloat16: half of its time goes into copies between the two.
"""

from typing import Any

import torch

__all__ = ["Rotation", "attended", "turned"]

Rotation = tuple[torch.Tensor, torch.Tensor]
"""Cosine and sine ``[rows, places, head_width]`` of the angles that a place's heads are turned by, as Llama does."""


def attended(
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    query_rotation: Rotation,
    key_rotation: Rotation,
    mask: torch.Tensor,
    head_width: int,
) -> torch.Tensor:
    """Return what ``queries`` ``[rows, places, heads * head_width]`` find, of the same shape.

    ``keys`` and ``values`` are ``[rows, length, key_heads * head_width]``; neighbouring heads share a key head where
    there are fewer. ``mask`` is added to the scores, ``[rows, 1, places, length]``. Sums of shares are in float32,
    products in autocast's type, or that of the values.
    """
    calculated_in = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else values.dtype
    queries, keys, values = (states.to(calculated_in) for states in (queries, keys, values))
    given = (queries, keys, values, *query_rotation, *key_rotation, mask, head_width)
    found: torch.Tensor = _Attention.apply(*given)  # type: ignore[no-untyped-call]
    return found


def turned(states: torch.Tensor, rotation: Rotation, head_width: int) -> torch.Tensor:
    """Return ``[rows, heads, places, head_width]`` of ``states`` ``[rows, places, heads * head_width]``."""
    heads, half = states.view(*states.shape[:2], -1, head_width), head_width // 2
    cos, sin = (one[:, :, None] for one in rotation)
    found = heads * cos
    found[..., :half].addcmul_(heads[..., half:].to(found.dtype), sin[..., :half], value=-1)
    found[..., half:].addcmul_(heads[..., :half].to(found.dtype), sin[..., half:])
    by_head: torch.Tensor = found.transpose(1, 2).to(states.dtype)
    return by_head


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        queries: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        query_cos: torch.Tensor,
        query_sin: torch.Tensor,
        key_cos: torch.Tensor,
        key_sin: torch.Tensor,
        mask: torch.Tensor,
        head_width: int,
    ) -> torch.Tensor:
        rows, places, length = mask.shape[0], *mask.shape[2:]
        groups = rows * keys.shape[2] // head_width
        by_group = (
            turned(queries, (query_cos, query_sin), head_width).reshape(groups, -1, head_width),
            turned(keys, (key_cos, key_sin), head_width).reshape(groups, -1, head_width),
            _heads(values, head_width).reshape(groups, -1, head_width),
        )
        scores = torch.bmm(by_group[0], by_group[1].mT).view(rows, -1, places, length)
        shares = torch.add(mask.float(), scores, alpha=head_width**-0.5).softmax(-1).to(values.dtype)
        shares = shares.view(groups, -1, length)
        ctx.save_for_backward(*by_group, shares, query_cos, query_sin, key_cos, key_sin)
        return _flat(torch.bmm(shares, by_group[2]), rows, places)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        queries, keys, values, shares, query_cos, query_sin, key_cos, key_sin = ctx.saved_tensors
        (rows, places, _), (groups, length, head_width) = query_cos.shape, keys.shape
        outer = _heads(gradients[0], head_width).reshape(groups, -1, head_width)
        of_shares = torch.bmm(outer, values.mT)
        of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype).mul_(head_width**-0.5)
        of_queries = _flat(torch.bmm(of_scores, keys), rows, places)
        of_keys = _flat(torch.bmm(of_scores.mT, queries), rows, length)
        return (
            _turned_back(of_queries, (query_cos, query_sin), head_width),
            _turned_back(of_keys, (key_cos, key_sin), head_width),
            _flat(torch.bmm(shares.mT, outer), rows, length),
            *[None] * 6,
        )


def _turned_back(states: torch.Tensor, rotation: Rotation, head_width: int) -> torch.Tensor:
    cos, sin = rotation
    return turned(states, (cos, -sin), head_width).transpose(1, 2).flatten(2)


def _heads(states: torch.Tensor, head_width: int) -> torch.Tensor:
    """Return ``[rows, heads, places, head_width]`` of ``states`` ``[rows, places, heads * head_width]``."""
    heads: torch.Tensor = states.view(*states.shape[:2], -1, head_width).transpose(1, 2)
    return heads


def _flat(heads: torch.Tensor, rows: int, places: int) -> torch.Tensor:
    """Return ``[rows, places, heads * head_width]`` of what lies as ``[rows, heads, places, head_width]``."""
    return heads.view(rows, -1, places, heads.shape[-1]).transpose(1, 2).flatten(2)
