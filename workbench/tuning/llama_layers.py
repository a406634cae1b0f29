"""Llama's decoder layers as packed batches train them: fewer passes over memory, the last one for answers alone.

What a layer computes stays what transformers' own does. Norm and attention are one step of autograd each, in the number
type of the products beside them; what the last layer would make of places without an answer is read by nothing.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm, eager_attention_forward

from workbench.tuning.attention import Rotation, attended, turned

__all__ = ["answers_alone", "quicken_layers"]


def quicken_layers(decoder: PreTrainedModel) -> None:
    """Let the layers of ``decoder`` take ``answer_places``, where they are Llama's; others stay as they are."""
    if {type(layer) for layer in decoder.layers} == {LlamaDecoderLayer}:
        for layer in decoder.layers:
            layer.__class__ = _PackedLayer
        decoder.layers[-1].__class__ = _LastLayer


def answers_alone(decoder: PreTrainedModel) -> bool:
    """Tell whether ``decoder`` takes ``answer_places`` and returns the hidden states of those places alone."""
    return isinstance(decoder.layers[-1], _LastLayer)


class _PackedLayer(LlamaDecoderLayer):  # type: ignore[misc]
    """A Llama layer that is quicker where it is given ``answer_places`` ``[rows, places]``."""

    returns_answers_alone = False

    def forward(self, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        places = kwargs.get("answer_places")
        if places is None:
            plain: torch.Tensor = super().forward(hidden_states, *args, **kwargs)
            return plain
        normed = _normed(self.input_layernorm, hidden_states)
        asking, mask, rotation = normed, kwargs["attention_mask"], kwargs["position_embeddings"]
        asking_rotation = rotation
        if self.returns_answers_alone:
            hidden_states, asking = _at(places, hidden_states), _at(places, normed)
            mask = mask.gather(2, places[:, None, :, None].expand(-1, -1, -1, mask.shape[3]))
            asking_rotation = (_at(places, rotation[0]), _at(places, rotation[1]))
        hidden_states = hidden_states + self._attended(asking, normed, asking_rotation, rotation, mask)
        added: torch.Tensor = hidden_states + self.mlp(_normed(self.post_attention_layernorm, hidden_states))
        return added

    def _attended(
        self,
        asking: torch.Tensor,
        asked: torch.Tensor,
        asking_rotation: Rotation,
        asked_rotation: Rotation,
        mask: torch.Tensor,
    ) -> torch.Tensor:
        attention = self.self_attn
        queries, keys, values = attention.q_proj(asking), attention.k_proj(asked), attention.v_proj(asked)
        dropout = attention.attention_dropout if self.training else 0.0
        if asking.device.type == "cpu" and not dropout:
            found = attended(queries, keys, values, asking_rotation, asked_rotation, mask, attention.head_dim)
        else:
            attend = ALL_ATTENTION_FUNCTIONS.get_interface(
                attention.config._attn_implementation, eager_attention_forward
            )
            queries, keys = (
                turned(queries, asking_rotation, attention.head_dim),
                turned(keys, asked_rotation, attention.head_dim),
            )
            values = values.unflatten(2, (-1, attention.head_dim)).transpose(1, 2)
            found, _ = attend(attention, queries, keys, values, mask, scaling=attention.scaling, dropout=dropout)
            found = found.flatten(2)
        returned: torch.Tensor = attention.o_proj(found)
        return returned


class _LastLayer(_PackedLayer):
    """Returns ``[rows, places, width]``; keys and values are those of whole rows, so each place is what it would be."""

    returns_answers_alone = True


def _at(places: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """Return ``[rows, places, width]`` of ``states`` ``[rows, length, width]``."""
    return states.gather(1, places[..., None].expand(-1, -1, states.shape[2]))


def _normed(norm: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
    """Return ``norm(hidden)`` in the number type of the products that take it."""
    if type(norm) is not LlamaRMSNorm or norm.weight.requires_grad or hidden.dtype != torch.float32:
        plain: torch.Tensor = norm(hidden)
        return plain
    device = hidden.device.type
    wanted = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    given = (hidden, norm.weight, norm.variance_epsilon, wanted)
    normed: torch.Tensor = _Norm.apply(*given)  # type: ignore[no-untyped-call]
    return normed


class _Norm(torch.autograd.Function):
    """Divides float32 ``[..., width]`` by its root mean square, times a weight that is not trained."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, epsilon: float, wanted: torch.dtype
    ) -> torch.Tensor:
        with torch.autocast(hidden.device.type, enabled=False):  # which would sum the squares in 16 bits
            mean_square = torch.linalg.vecdot(hidden, hidden)[..., None] / hidden.shape[-1]
        scale = (mean_square + epsilon).rsqrt()
        ctx.save_for_backward(hidden, weight, scale)
        normed: torch.Tensor = (hidden * scale).mul_(weight).to(wanted)
        return normed

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden, weight, scale = ctx.saved_tensors
        of_normed = gradients[0].float() * weight
        along = torch.linalg.vecdot(of_normed, hidden)[..., None] * scale**3 / -hidden.shape[-1]
        return of_normed.mul_(scale).addcmul_(hidden, along), None, None, None
