"""The last decoder layer, run only where an answer is learnt: what it would make of other places is read by nothing."""

from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, eager_attention_forward, rotate_half

__all__ = ["answers_alone", "shorten_last_layer"]


def shorten_last_layer(decoder: PreTrainedModel) -> None:
    """Let the last layer of ``decoder`` take ``answer_places``, where it is a Llama layer; others stay as they are."""
    if type(decoder.layers[-1]) is LlamaDecoderLayer:
        decoder.layers[-1].__class__ = _LastLayer


def answers_alone(decoder: PreTrainedModel) -> bool:
    """Tell whether ``decoder`` takes ``answer_places`` and returns the hidden states of those places alone."""
    return isinstance(decoder.layers[-1], _LastLayer)


class _LastLayer(LlamaDecoderLayer):  # type: ignore[misc]
    """A Llama layer that, given ``answer_places`` ``[rows, places]``, returns ``[rows, places, width]``.

    Keys and values are those of the whole row, so that each place is what it is in the whole layer.
    """

    def forward(self, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        places = kwargs.get("answer_places")
        if places is None:
            whole: torch.Tensor = super().forward(hidden_states, *args, **kwargs)
            return whole
        residual = _at(places, hidden_states)
        hidden = residual + self._attended(
            hidden_states, places, kwargs["attention_mask"], kwargs["position_embeddings"]
        )
        added: torch.Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return added

    def _attended(
        self,
        hidden_states: torch.Tensor,
        places: torch.Tensor,
        mask: torch.Tensor,
        rotations: tuple[torch.Tensor, torch.Tensor],
    ) -> torch.Tensor:
        attention, normed = self.self_attn, self.input_layernorm(hidden_states)
        queries = attention.q_proj(_at(places, normed))
        keys, values = attention.k_proj(normed), attention.v_proj(normed)
        queries, keys, values = (one.unflatten(2, (-1, attention.head_dim)) for one in (queries, keys, values))
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(attention.config._attn_implementation, eager_attention_forward)
        attended, _ = attend(
            attention,
            _rotated(queries, *(_at(places, rotation) for rotation in rotations)).transpose(1, 2),
            _rotated(keys, *rotations).transpose(1, 2),
            values.transpose(1, 2),
            mask.take_along_dim(places[:, None, :, None], dim=2),
            scaling=attention.scaling,
            dropout=attention.attention_dropout if self.training else 0.0,
        )
        found: torch.Tensor = attention.o_proj(attended.flatten(2))
        return found


def _at(places: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """Return ``[rows, places, width]`` of ``states`` ``[rows, length, width]``."""
    return states.take_along_dim(places[..., None], dim=1)


def _rotated(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn ``[rows, places, heads, width]`` to their positions, as Llama does."""
    rotated: torch.Tensor = states * cos[:, :, None] + rotate_half(states) * sin[:, :, None]
    return rotated
